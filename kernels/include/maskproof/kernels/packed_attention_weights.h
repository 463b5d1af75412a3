// Weights of Attention in the order in which the kernels read them, packed once for many calls.
#ifndef MASKPROOF_KERNELS_PACKED_ATTENTION_WEIGHTS_H_
#define MASKPROOF_KERNELS_PACKED_ATTENTION_WEIGHTS_H_

#include <cstdint>
#include <utility>

#include "maskproof/kernels/aligned_buffer.h"
#include "maskproof/kernels/execution.h"
#include "maskproof/kernels/status.h"
#include "maskproof/kernels/tensor_view.h"

namespace maskproof::kernels {

class PackedAttentionWeights {
 public:
  PackedAttentionWeights() = default;
  PackedAttentionWeights(PackedAttentionWeights&& other) noexcept { *this = std::move(other); }
  PackedAttentionWeights& operator=(PackedAttentionWeights&& other) noexcept;
  ~PackedAttentionWeights() = default;

  // Whether nothing has been packed, or it has been moved away.
  bool empty() const { return target_ == 0; }
  int64_t input_width() const { return input_width_; }
  int64_t columns() const { return columns_; }
  // The Target::id that the order is made for: a call must run on the same.
  int64_t target() const { return target_; }
  const float* data() const { return reinterpret_cast<const float*>(buffer_.data()); }

 private:
  friend Status PackAttentionWeights(const TensorView<const float>& weights,
                                     const Execution& execution, PackedAttentionWeights& packed);
  AlignedBuffer buffer_;
  int64_t input_width_ = 0;
  int64_t columns_ = 0;
  int64_t target_ = 0;
};

// Packs `weights` (Di, D + D + Dv) for execution.target. kInvalidArgument if they are not a matrix
// with data, kNotSupported if the target is not one of SupportedTargets(), kOutOfMemory; `packed`
// is then as it was.
Status PackAttentionWeights(const TensorView<const float>& weights, const Execution& execution,
                            PackedAttentionWeights& packed);

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_PACKED_ATTENTION_WEIGHTS_H_
