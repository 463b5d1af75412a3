// What follows from a recipe's structural fields: which tensors there are, their types and dims.
// Internal to properties/recipe.
#ifndef MASKPROOF_PROPERTIES_RECIPE_FIELDS_H_
#define MASKPROOF_PROPERTIES_RECIPE_FIELDS_H_

#include <cstddef>
#include <cstdint>

#include "properties/recipe/recipe.h"

namespace maskproof {

struct DistributionTraits {
  const char* name;
  bool seeded;
  const char* a;  // the parameter's name in text; null if the distribution has no such parameter
  const char* b;
};
const DistributionTraits& TraitsOf(Distribution distribution);

inline constexpr size_t kElementTypeCount = 4;
inline constexpr size_t kBiasBroadcastCount = 5;
inline constexpr size_t kCoreLayoutCount = 3;
inline constexpr size_t kFaultKindCount = 5;
inline constexpr size_t kFaultAttributeCount = 11;
inline constexpr size_t kMaxFaultDims = 6;
// Faults never make a tensor larger than this many elements.
inline constexpr int64_t kMaxFaultElements = 1 << 18;
inline constexpr size_t kMaxHiddenCount = 6;

inline int64_t PastLength(const Recipe& r) { return r.past.value_or(0); }
inline int64_t TotalLength(const Recipe& r) { return PastLength(r) + r.sequence; }
// Columns of weights: 2D + Dv.
inline int64_t WeightColumns(const Recipe& r) {
  return r.heads * (2 * r.head_size + r.value_head_size);
}

// Whether the fault-free case has this tensor.
bool UsesTensor(const Recipe& recipe, TensorId id);
ElementType TensorType(const Recipe& recipe, TensorId id);
// Dims in the fault-free case of a tensor that is used.
Dims TensorDims(const Recipe& recipe, TensorId id);

inline bool IsQuantized(ElementType type) {
  return type == ElementType::kInt8 || type == ElementType::kUint8;
}
inline bool IsScaleTensor(TensorId id) {
  return id == TensorId::kInputScale || id == TensorId::kWeightScale;
}
inline bool IsRawMask(MaskForm form) {
  return form == MaskForm::kRaw2D || form == MaskForm::kDummy2D || form == MaskForm::kRaw3D;
}
// How many leading entries of mask_index may not be negative in a valid case.
int64_t CheckedLengths(const Recipe& recipe);
// Whether a pattern draws random numbers, and whether `share` matters to it.
bool PatternIsSeeded(KeepPattern pattern);
bool PatternUsesShare(KeepPattern pattern);

// About B*N*S*T*(H+Hv) + B*S*Di*(2D+Dv). In double: limits are the caller's and may be large.
double Work(const Recipe& recipe);

// Bit pattern of a float, for comparisons that tell zeros apart and NaNs equal.
uint32_t FloatBits(float value);
uint64_t DoubleBits(double value);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_RECIPE_FIELDS_H_
