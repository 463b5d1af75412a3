// The words of recipe text. Internal to properties/recipe.
#ifndef MASKPROOF_PROPERTIES_RECIPE_NAMES_H_
#define MASKPROOF_PROPERTIES_RECIPE_NAMES_H_

#include "properties/recipe/fields.h"

namespace maskproof {

const char* KeepPatternName(KeepPattern pattern);
const char* BiasBroadcastName(BiasBroadcast broadcast);
const char* CoreLayoutName(CoreLayout layout);
const char* FaultKindName(Fault::Kind kind);
const char* FaultAttributeName(Fault::Attribute attribute);

// The keys of the one-value lines, in canonical order. `mask`, `values`, `set` and `fault` lines
// come in between and after (docs/recipes.md).
enum class Key : uint8_t {
  kOp,
  kBatch,
  kSequence,
  kPast,
  kPresent,
  kHeads,
  kHeadSize,
  kValueHeadSize,
  kInputWidth,
  kUnidirectional,
  kExplicitHiddenSizes,
  kScale,
  kMaskFilterValue,
  kBias,
  kMask,
  kAttentionBias,
  kBiasMaskedShare,
  kBiasMaskedValue,
  kCoreLayout,
  kInputType,
  kWeightsType,
  kWeightScale,
  kInputZeroPoint,
  kWeightZeroPoint,
  kScalarsAsVectors,
  kSalt,
};
inline constexpr size_t kKeyCount = 26;
const char* KeyName(Key key);
// Whether a recipe of this operator has the field at all.
bool KeyBelongs(Key key, Op op);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_RECIPE_NAMES_H_
