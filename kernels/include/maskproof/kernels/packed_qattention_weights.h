// QAttention's weights, packed once for many calls.
//
//   PackedQAttentionWeights packed;
//   Status status = PackQAttentionWeights(weights, weight_zero_point, execution, packed);
//   ...
//   inputs.packed_weights = &packed;
//   status = QAttention(attributes, inputs, outputs, execution);
#ifndef MASKPROOF_KERNELS_PACKED_QATTENTION_WEIGHTS_H_
#define MASKPROOF_KERNELS_PACKED_QATTENTION_WEIGHTS_H_

#include <memory>
#include <optional>

#include "maskproof/kernels/aligned_buffer.h"
#include "maskproof/kernels/execution.h"
#include "maskproof/kernels/status.h"
#include "maskproof/kernels/tensor_view.h"

namespace maskproof::kernels {

class QuantizedWeights;

// Holds a copy: the tensors it was made of may go. Any number of calls may use it at the same time.
class PackedQAttentionWeights {
 public:
  PackedQAttentionWeights();
  PackedQAttentionWeights(PackedQAttentionWeights&& other) noexcept;
  PackedQAttentionWeights& operator=(PackedQAttentionWeights&& other) noexcept;
  ~PackedQAttentionWeights();

  // Whether nothing has been packed, or it has been moved away.
  bool empty() const { return contents_ == nullptr; }
  // For the library alone; null when empty.
  const QuantizedWeights* contents() const { return contents_.get(); }

 private:
  friend Status PackQAttentionWeights(const QuantizedView& weights,
                                      const std::optional<QuantizedView>& weight_zero_point,
                                      const Execution& execution, PackedQAttentionWeights& packed);

  AlignedBuffer memory_;  // of the contents
  std::unique_ptr<const QuantizedWeights> contents_;
};

// weights: (Di, 3 D); weight_zero_point: scalar, (1) or (3 D), of the signedness of weights; absent
// means 0. Packs for the SIMD target of `execution`, on its threads; calls with another target
// refuse the result. `packed` is left as it was unless the Status is ok.
//   kInvalidArgument: a negative dimension, no data, another rank, shape or signedness
//   kNotSupported: the target is not one of SupportedTargets()
//   kOutOfMemory
Status PackQAttentionWeights(const QuantizedView& weights,
                             const std::optional<QuantizedView>& weight_zero_point,
                             const Execution& execution, PackedQAttentionWeights& packed);

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_PACKED_QATTENTION_WEIGHTS_H_
