// Every rule that the arguments of a call must obey, checked before anything is computed. The order
// of the checks, which decides what a call with several faults is refused for, is that of
// docs/operators.md.
#ifndef MASKPROOF_KERNELS_SRC_VALIDATE_H_
#define MASKPROOF_KERNELS_SRC_VALIDATE_H_

#include <cstdint>
#include <optional>
#include <string_view>

#include "geometry.h"
#include "maskproof/kernels/attention.h"

namespace maskproof::kernels {

// Whether tensors must have their data: a workspace is asked for before they do.
enum class Data { kRequired, kIgnored };

// Set `geometry` if the arguments are in order.
Status ValidateAttention(const AttentionAttributes& attributes, const AttentionInputs& inputs,
                         const AttentionOutputs& outputs, Data data, Geometry& geometry);
Status ValidateQAttention(const AttentionAttributes& attributes, const QAttentionInputs& inputs,
                          const AttentionOutputs& outputs, Data data, Geometry& geometry);
Status ValidateCore(const CoreArguments& arguments, Data data, Geometry& geometry);

// Rules of QAttention alone.
Status ValidateZeroPointTypes(const QAttentionInputs& inputs);
Status ValidateQuantization(const QAttentionInputs& inputs);
Status ValidateQuantizedWeights(const QuantizedView& weights,
                                const std::optional<QuantizedView>& zero_point);
// Refuse packed weights that were made for another target or of other weights than those of the
// call, as far as shape, signedness and zero points tell. inputs.packed_weights: not null. For
// inputs that are valid otherwise.
Status ValidatePackedWeights(const AttentionInputs& inputs, int64_t target);
Status ValidatePackedWeights(const QAttentionInputs& inputs, Data data, int64_t target);

// Rules that the three have in common.
Status ValidateScale(float scale);
Status ValidateMask(const TensorView<const int32_t>& mask, const Geometry& geometry, bool causal,
                    Data data);
Status ValidateAttentionBias(const TensorView<const float>& bias, const Geometry& geometry);
// Refuses sizes of which a product that somebody needs is more than an int64 can count, in the name
// of the tensor that has most of them.
Status ValidateCounts(std::string_view name, const Geometry& geometry);

// The well-formed mask that this library does not implement.
inline bool IsMegatronMask(const TensorView<const int32_t>& mask) { return mask.dims.size() == 4; }

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_VALIDATE_H_
