#include "properties/recipe/names.h"

#include <array>

namespace maskproof {

const char* KeepPatternName(KeepPattern pattern) {
  static constexpr std::array<const char*, kKeepPatternCount> kNames = {
      "all",         "nothing", "random", "right",  "left", "span",      "one",
      "all_but_one", "last",    "mixed",  "blocks", "gap",  "mostly_all"};
  return kNames[static_cast<size_t>(pattern)];
}

const char* BiasBroadcastName(BiasBroadcast broadcast) {
  static constexpr std::array<const char*, kBiasBroadcastCount> kNames = {"none", "full", "heads",
                                                                          "batch", "both"};
  return kNames[static_cast<size_t>(broadcast)];
}

const char* CoreLayoutName(CoreLayout layout) {
  static constexpr std::array<const char*, kCoreLayoutCount> kNames = {"head_major", "token_major",
                                                                       "padded"};
  return kNames[static_cast<size_t>(layout)];
}

const char* FaultKindName(Fault::Kind kind) {
  static constexpr std::array<const char*, kFaultKindCount> kNames = {"reshape", "retype", "omit",
                                                                      "add", "attribute"};
  return kNames[static_cast<size_t>(kind)];
}

const char* FaultAttributeName(Fault::Attribute attribute) {
  static constexpr std::array<const char*, kFaultAttributeCount> kNames = {
      "num_heads", "unidirectional",    "hidden_q",
      "hidden_k",  "hidden_v",          "hidden_count",
      "scale",     "mask_filter_value", "past_present_share_buffer",
      "do_rotary", "want_present"};
  return kNames[static_cast<size_t>(attribute)];
}

const char* KeyName(Key key) {
  static constexpr std::array<const char*, kKeyCount> kNames = {"op",
                                                                "batch",
                                                                "sequence",
                                                                "past",
                                                                "present",
                                                                "heads",
                                                                "head_size",
                                                                "value_head_size",
                                                                "input_width",
                                                                "unidirectional",
                                                                "explicit_hidden_sizes",
                                                                "scale",
                                                                "mask_filter_value",
                                                                "bias",
                                                                "mask",
                                                                "attention_bias",
                                                                "bias_masked_share",
                                                                "bias_masked_value",
                                                                "core_layout",
                                                                "input_type",
                                                                "weights_type",
                                                                "weight_scale",
                                                                "input_zero_point",
                                                                "weight_zero_point",
                                                                "scalars_as_vectors",
                                                                "salt"};
  return kNames[static_cast<size_t>(key)];
}

bool KeyBelongs(Key key, Op op) {
  switch (key) {
    case Key::kPresent:
    case Key::kInputWidth:
    case Key::kMaskFilterValue:
      return op != Op::kCore;
    case Key::kValueHeadSize:
    case Key::kAttentionBias:
    case Key::kBiasMaskedShare:
    case Key::kBiasMaskedValue:
      return op != Op::kQAttention;
    case Key::kExplicitHiddenSizes:
    case Key::kBias:
      return op == Op::kAttention;
    case Key::kCoreLayout:
      return op == Op::kCore;
    case Key::kInputType:
    case Key::kWeightsType:
    case Key::kWeightScale:
    case Key::kInputZeroPoint:
    case Key::kWeightZeroPoint:
    case Key::kScalarsAsVectors:
      return op == Op::kQAttention;
    default:
      return true;
  }
}

}  // namespace maskproof
