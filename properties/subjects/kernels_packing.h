// Weights packed as a caller may do it: from memory that has held others before and is put to other
// use afterwards, into an object that holds others still.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_PACKING_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_PACKING_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "maskproof/kernels/packed_attention_weights.h"
#include "maskproof/kernels/packed_qattention_weights.h"
#include "properties/subjects/kernels_ways.h"

namespace maskproof {

// way.repacks: that way; otherwise plainly. The status is that of packing `weights`, for a call
// with `execution`.
kernels::Status PackFloat(const kernels::TensorView<const float>& weights, const KernelsWay& way,
                          const kernels::Execution& execution,
                          kernels::PackedAttentionWeights& packed);
kernels::Status PackQuantized(const kernels::QuantizedView& weights,
                              const std::optional<kernels::QuantizedView>& zero_point,
                              const KernelsWay& way, const kernels::Execution& execution,
                              kernels::PackedQAttentionWeights& packed);

// What a call with packed weights gives as the data of the weights, which are not read then:
// nothing, or a tensor's worth of NaN. Lives as long as the call.
class UnreadWeights {
 public:
  UnreadWeights(std::span<const int64_t> dims, size_t element_size, const KernelsWay& way);
  const std::byte* data() const { return stale_.empty() ? nullptr : stale_.data(); }
  const float* floats() const { return reinterpret_cast<const float*>(data()); }

 private:
  std::vector<std::byte> stale_;
};

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_PACKING_H_
