#include <algorithm>
#include <cstdint>

#include "properties/recipe/choose.h"
#include "properties/recipe/fields.h"
#include "properties/recipe/recipe.h"

namespace maskproof {
namespace {

// Which size of a case is allowed to be large. With all of them drawn alike, a limit on the work
// would leave hardly any case with many keys or wide rows.
enum class Theme : uint8_t { kBalanced, kLong, kWideHead, kManyHeads, kWideInput, kMany, kTiles };

Theme ChooseTheme(Rng& rng) {
  const uint64_t percent = rng.Below(100);
  if (percent < 35) return Theme::kBalanced;
  if (percent < 60) return Theme::kLong;
  if (percent < 75) return Theme::kWideHead;
  if (percent < 87) return Theme::kManyHeads;
  if (percent < 96) return Theme::kWideInput;
  if (percent < 99) return Theme::kMany;
  return Theme::kTiles;
}

// Keys of a case that is long for reasons of its own: kernels work in tiles of some hundred keys,
// and go over to other ways at such lengths.
int64_t ChooseTiledLength(Rng& rng, int64_t longest) {
  const int64_t tiles = PickOf(rng, {int64_t{256}, int64_t{512}, int64_t{512}, int64_t{1024}});
  const int64_t length = rng.OneIn(3) ? rng.Between(129, 1100) : tiles + rng.Between(-2, 18);
  return std::min(length, longest);
}

// Longer than this only where a theme wants it.
constexpr int64_t kUsualPast = 80;

struct Caps {
  int64_t batch = 3;
  int64_t heads = 3;
  int64_t least_total = 1;
  int64_t total = 18;
  int64_t head_size = 17;
  int64_t width = 40;
};

Caps CapsOf(Theme theme, const Limits& limits) {
  Caps caps;
  const int64_t longest = std::min(limits.max_past, kUsualPast) + limits.max_sequence;
  switch (theme) {
    case Theme::kBalanced:
      break;
    case Theme::kTiles:
      caps = {
          .batch = 1, .heads = 2, .least_total = 1, .total = longest, .head_size = 5, .width = 6};
      break;
    case Theme::kLong:
      caps = {.batch = 2,
              .heads = 2,
              .least_total = 19,
              .total = longest,
              .head_size = 16,
              .width = 20};
      break;
    case Theme::kWideHead:
      caps = {.batch = 2,
              .heads = 2,
              .least_total = 1,
              .total = 20,
              .head_size = limits.max_head_size,
              .width = 48};
      break;
    case Theme::kManyHeads:
      caps = {.batch = 2,
              .heads = limits.max_heads,
              .least_total = 1,
              .total = 12,
              .head_size = 12,
              .width = 33};
      break;
    case Theme::kWideInput:
      caps = {.batch = 2,
              .heads = 3,
              .least_total = 1,
              .total = 12,
              .head_size = 12,
              .width = limits.max_input_width};
      break;
    case Theme::kMany:
      caps = {.batch = limits.max_batch,
              .heads = limits.max_heads,
              .least_total = 1,
              .total = longest,
              .head_size = limits.max_head_size,
              .width = limits.max_input_width};
      break;
  }
  return caps;
}

// Between 1 and `cap`, less for a smaller `size` (0..100).
int64_t Scaled(int64_t cap, int64_t limit, int size) {
  const int64_t most = std::clamp<int64_t>(cap, 1, std::max<int64_t>(limit, 1));
  return std::max<int64_t>(1, 1 + (most - 1) * std::clamp(size, 0, 100) / 100);
}

int64_t ChooseHeads(Rng& rng, int64_t cap) {
  // Not powers of two: an index by shift shows there.
  if (cap >= 5 && rng.OneIn(2)) {
    const int64_t heads = PickOf(rng, {int64_t{3}, int64_t{5}, int64_t{12}, int64_t{13}});
    return std::min(heads, cap);
  }
  return ChooseSize(rng, cap);
}

void ChooseLengths(Rng& rng, int64_t at_least, int64_t cap, const Limits& limits, Recipe& r) {
  int64_t total = ChooseSize(rng, cap);
  while (total < std::min(at_least, cap)) total = ChooseSize(rng, cap);
  const bool long_total = total > limits.max_sequence;
  if (!long_total && !Percent(rng, 35)) {
    r.sequence = total;
    r.past.reset();
    return;
  }
  // One new token, as in decoding, or any split; an empty past is legal.
  const int64_t most = std::min(total, limits.max_sequence);
  const int64_t least = std::max<int64_t>(1, total - limits.max_past);
  r.sequence = Percent(rng, 30) ? least : rng.Between(std::min(least, most), most);
  r.past = total - r.sequence;
}

void ChooseSizes(Rng& rng, const GenerateOptions& options, Recipe& r) {
  const Limits& limits = options.limits;
  const int64_t longest = limits.max_past + limits.max_sequence;
  Theme theme = ChooseTheme(rng);
  // RapidCheck begins with small cases.
  if (options.size < 50 || longest < 256) theme = theme == Theme::kTiles ? Theme::kMany : theme;
  const Caps caps = CapsOf(theme, limits);
  const auto scaled = [&](int64_t cap, int64_t limit) { return Scaled(cap, limit, options.size); };
  r.batch = ChooseSize(rng, scaled(caps.batch, limits.max_batch));
  r.heads = ChooseHeads(rng, scaled(caps.heads, limits.max_heads));
  r.head_size = ChooseSize(rng, scaled(caps.head_size, limits.max_head_size));
  r.value_head_size =
      rng.OneIn(2) ? r.head_size : ChooseSize(rng, scaled(caps.head_size, limits.max_head_size));
  if (theme == Theme::kTiles) {
    const int64_t total = ChooseTiledLength(rng, longest);
    r.sequence = std::min(rng.Between(1, 4), limits.max_sequence);
    r.past = std::min(total - r.sequence, limits.max_past);
  } else {
    ChooseLengths(rng, caps.least_total, scaled(caps.total, longest), limits, r);
  }
  r.input_width = ChooseSize(rng, scaled(caps.width, limits.max_input_width));
  if (Percent(rng, 20)) r.input_width = r.heads * r.head_size;
}

// Most cases are small, so that thousands run in a second; a few take all the work allowed.
int64_t ChooseBudget(Rng& rng, const GenerateOptions& options) {
  const int64_t most = options.limits.max_work;
  if (rng.OneIn(24)) return most;
  return std::min(
      most, PickOf(rng, {int64_t{20'000}, int64_t{50'000}, int64_t{100'000}, int64_t{200'000}}));
}

void ChooseAttributes(Rng& rng, Recipe& r) {
  r.unidirectional = ChooseUnidirectional(rng);
  r.present = Percent(rng, 30);
  r.explicit_hidden_sizes = Percent(rng, 25);
  if (Percent(rng, 35)) r.scale = ChooseScale(rng);
  if (Percent(rng, 40)) r.mask_filter_value = ChooseMaskFilterValue(rng);
  r.bias = Percent(rng, 85);
  if (Percent(rng, 40)) {
    r.attention_bias = static_cast<BiasBroadcast>(1 + rng.Below(kBiasBroadcastCount - 1));
    if (Percent(rng, 45)) {
      r.bias_masked_share = PickOf(rng, {0.125F, 0.25F, 0.5F, 0.75F, 1.0F});
    }
  }
  r.core_layout = static_cast<CoreLayout>(rng.Below(kCoreLayoutCount));
  r.input_signed = rng.OneIn(2);
  r.weights_signed = rng.OneIn(2);
  r.weight_scale_per_column = rng.OneIn(2);
  r.has_input_zero_point = Percent(rng, 70);
  r.has_weight_zero_point = Percent(rng, 70);
  r.weight_zero_point_per_column = rng.OneIn(2);
  r.scalars_as_vectors = rng.OneIn(2);
}

// Whole numbers throughout and a power of two as the scale: every stage before exp is exact in any
// order of summation, and the oracle's bound is at its sharpest.
void MakeExact(Rng& rng, Recipe& r) {
  const float bound = PickOf(rng, {1.0F, 2.0F, 3.0F});
  for (const TensorId id :
       {TensorId::kInput, TensorId::kWeights, TensorId::kBias, TensorId::kPast,
        TensorId::kAttentionBias, TensorId::kQuery, TensorId::kKey, TensorId::kValue}) {
    if (!UsesTensor(r, id) || IsQuantized(TensorType(r, id))) continue;
    const bool identity = id == TensorId::kWeights && rng.OneIn(3);
    r.of(id) = {.distribution = identity ? Distribution::kIdentity : Distribution::kIntegers,
                .seed = ChooseSeed(rng),
                .a = -bound,
                .b = bound};
  }
  if (r.op == Op::kQAttention) {
    const auto exponent = static_cast<float>(rng.Between(-8, -2));
    r.of(TensorId::kInputScale) = {.distribution = Distribution::kScales,
                                   .seed = ChooseSeed(rng),
                                   .a = exponent,
                                   .b = exponent};
    r.of(TensorId::kWeightScale) = {.distribution = Distribution::kScales,
                                    .seed = ChooseSeed(rng),
                                    .a = exponent,
                                    .b = exponent + 2.0F};
  }
  r.scale = PickOf(rng, {1.0F, 0.5F, 0.25F, 0.125F});
}

void ChooseAllValues(Rng& rng, Recipe& r) {
  for (size_t i = 0; i < kTensorCount; ++i) {
    const auto id = static_cast<TensorId>(i);
    if (UsesTensor(r, id)) r.values[i] = ChooseValues(rng, r, id);
  }
  if (Percent(rng, 15)) MakeExact(rng, r);
}

void ChooseCells(Rng& rng, Recipe& r) {
  if (Percent(rng, 3)) r.cells.push_back(ChooseCell(rng, r, true));
  if (Percent(rng, 10)) {
    const uint64_t count = 1 + rng.Below(3);
    for (uint64_t i = 0; i < count; ++i) r.cells.push_back(ChooseCell(rng, r, false));
  }
  if (r.mask.form != MaskForm::kNone && Percent(rng, 20)) {
    r.cells.push_back(ChooseMaskCell(rng, r));
  }
}

void ChooseFaults(Rng& rng, const Limits& limits, Recipe& r) {
  const uint64_t count = Percent(rng, 70) ? 1 : 2 + rng.Below(2);
  for (uint64_t i = 0; i < count; ++i) AddFault(rng, r, limits);
}

}  // namespace

Recipe Generate(Rng& rng, const GenerateOptions& options) {
  const int64_t budget = ChooseBudget(rng, options);
  Limits limits = options.limits;
  limits.max_work = budget;

  Recipe recipe;
  recipe.op = options.op.value_or(static_cast<Op>(rng.Below(kOpCount)));
  constexpr int kTries = 8;
  for (int i = 0; i < kTries; ++i) {
    ChooseSizes(rng, options, recipe);
    if (Work(recipe) <= static_cast<double>(budget)) break;
  }
  ChooseAttributes(rng, recipe);
  recipe.mask = ChooseMask(rng);
  Normalize(recipe, limits);  // settles sizes and which tensors there are
  ChooseAllValues(rng, recipe);
  ChooseCells(rng, recipe);
  recipe.salt = rng.Below(uint64_t{1} << 16);
  Normalize(recipe, limits);
  if (options.allow_faults && rng.OneIn(2)) {
    ChooseFaults(rng, options.limits, recipe);
    Normalize(recipe, options.limits);
  }
  return recipe;
}

}  // namespace maskproof
