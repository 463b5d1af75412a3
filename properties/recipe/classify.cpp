#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "properties/case/validity.h"
#include "properties/case/visibility.h"
#include "properties/recipe/fields.h"
#include "properties/recipe/recipe.h"

namespace maskproof {
namespace {

class Labels {
 public:
  void Add(bool holds, const char* label) {
    if (holds) labels_.push_back(label);
  }
  std::vector<const char*> Take() { return std::move(labels_); }

 private:
  std::vector<const char*> labels_;
};

const char* FormLabel(MaskForm form) {
  constexpr const char* kLabels[] = {"mask none",       "mask lengths", "mask ends_starts",
                                     "mask cumulative", "mask raw2d",   "mask dummy2d",
                                     "mask raw3d"};
  return kLabels[static_cast<size_t>(form)];
}

const char* PatternLabel(KeepPattern pattern) {
  constexpr const char* kLabels[] = {
      "keep all",    "keep nothing", "keep random",      "keep right", "keep left",
      "keep span",   "keep one",     "keep all_but_one", "keep last",  "keep mixed",
      "keep blocks", "keep gap",     "keep mostly_all"};
  return kLabels[static_cast<size_t>(pattern)];
}

const char* SignednessLabel(const Recipe& r) {
  if (r.input_signed) return r.weights_signed ? "s8 x s8" : "s8 x u8";
  return r.weights_signed ? "u8 x s8" : "u8 x u8";
}

// Whether some float tensor of the case has an element for which `is` holds. Infinities in
// attention_bias are masks and do not count.
template <typename Is>
bool AnyFloat(const Case& c, Is is) {
  for (size_t i = 0; i < kTensorCount; ++i) {
    const auto& tensor = c.tensors[i];
    if (!tensor || tensor->type != ElementType::kFloat32) continue;
    const bool is_bias = static_cast<TensorId>(i) == TensorId::kAttentionBias;
    for (const float x : tensor->as<float>()) {
      if (is_bias && x == -std::numeric_limits<float>::infinity()) continue;
      if (is(x)) return true;
    }
  }
  return false;
}

bool IsTail(int64_t n, int64_t width) { return n > width && n % width != 0; }

}  // namespace

bool HasDistribution(const Recipe& recipe, Distribution distribution) {
  return std::ranges::any_of(recipe.values,
                             [&](const Values& v) { return v.distribution == distribution; });
}

std::vector<const char*> Classify(const Recipe& recipe, const Case& expanded) {
  const Recipe& r = recipe;
  Labels labels;
  labels.Add(true, OpName(r.op));
  labels.Add(true, FormLabel(r.mask.form));
  labels.Add(r.mask.form != MaskForm::kNone, PatternLabel(r.mask.pattern));
  labels.Add(r.unidirectional == 1, "causal");
  labels.Add(r.unidirectional != 0 && r.unidirectional != 1, "unidirectional neither 0 nor 1");
  labels.Add(PastLength(r) > 0, "past");
  labels.Add(r.present, "present");
  labels.Add(r.attention_bias != BiasBroadcast::kNone, "attention bias");
  labels.Add(r.attention_bias > BiasBroadcast::kFull, "broadcast attention bias");
  const bool masks = r.bias_masked_share > 0.0F;
  labels.Add(masks && std::isinf(r.bias_masked_value), "-inf bias");
  labels.Add(masks && std::isfinite(r.bias_masked_value), "finite masking bias");
  labels.Add(r.value_head_size != r.head_size, "value size differs");
  labels.Add(r.scale.has_value(), "explicit scale");
  labels.Add(r.batch > 1, "several batches");
  labels.Add(r.heads > 1, "several heads");
  labels.Add(TotalLength(r) == 1, "one key");
  labels.Add(IsTail(TotalLength(r), 8), "tail of keys");
  labels.Add(TotalLength(r) > 512, "more than 512 keys");
  labels.Add(IsTail(r.head_size, 8), "tail of head size");
  labels.Add(TotalLength(r) >= 64, "64 keys or more");
  labels.Add(HasDistribution(r, Distribution::kRepeat), "equal rows");
  labels.Add(HasDistribution(r, Distribution::kIdentity), "identity weights");
  if (r.op == Op::kQAttention) {
    labels.Add(true, SignednessLabel(r));
    labels.Add(r.weight_scale_per_column || r.weight_zero_point_per_column, "per column");
  }
  constexpr float kExtreme = 0x1p60F;
  labels.Add(HasDistribution(r, Distribution::kExtremes) ||
                 AnyFloat(expanded, [](float x) { return std::fabs(x) >= kExtreme; }),
             "extreme values");
  labels.Add(AnyFloat(expanded, [](float x) { return !std::isfinite(x); }), "non-finite");
  labels.Add(!r.faults.empty(), "has faults");

  const Validity validity = JudgeValidity(expanded).validity;
  labels.Add(validity == Validity::kInvalid, "invalid");
  labels.Add(validity == Validity::kUnsupported, "need not be supported");
  if (validity == Validity::kValid) {
    labels.Add(Visibility(expanded).AnyFullyMasked(), "fully masked row");
  }
  return labels.Take();
}

}  // namespace maskproof
