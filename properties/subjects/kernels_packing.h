// Weights packed as a caller may do it: from memory that has held others before and is put to other
// use afterwards, into an object that holds others still.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_PACKING_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_PACKING_H_

#include <optional>

#include "maskproof/kernels/packed_attention_weights.h"
#include "maskproof/kernels/packed_qattention_weights.h"

namespace maskproof {

// `repacks`: that way; otherwise plainly. The status is that of packing `weights`.
kernels::Status PackFloat(const kernels::TensorView<const float>& weights, bool repacks,
                          const kernels::Execution& execution,
                          kernels::PackedAttentionWeights& packed);
kernels::Status PackQuantized(const kernels::QuantizedView& weights,
                              const std::optional<kernels::QuantizedView>& zero_point, bool repacks,
                              const kernels::Execution& execution,
                              kernels::PackedQAttentionWeights& packed);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_PACKING_H_
