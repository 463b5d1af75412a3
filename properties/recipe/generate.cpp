#include <algorithm>
#include <cstdint>
#include <utility>

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

// Sizes of all cases but those that look for a seam or for tiles of keys.
Limits Usual(Limits limits) {
  limits.max_batch = std::min<int64_t>(limits.max_batch, 4);
  limits.max_sequence = std::min<int64_t>(limits.max_sequence, 48);
  limits.max_heads = std::min<int64_t>(limits.max_heads, 13);
  limits.max_head_size = std::min<int64_t>(limits.max_head_size, 72);
  limits.max_input_width = std::min<int64_t>(limits.max_input_width, 160);
  return limits;
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
  const int64_t longest =
      std::min(std::min(limits.max_past, kUsualPast) + limits.max_sequence, limits.max_keys);
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
  const Limits limits = Usual(options.limits);
  const int64_t longest = std::min(limits.max_past + limits.max_sequence, limits.max_keys);
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

// ---- seams: one size next to a block of some kernel, all others small
// -----------------------------

enum class Seam : uint8_t {
  kDepth,
  kExactDepth,
  kRows,
  kWantedRows,
  kTiles,
  kManyKeys,
  kPrefill,
  kMatrices,
  kHeadSize,
  kHeads,
  kHeadGroups,
  kColumns,
  kBatch
};

Seam ChooseSeam(Rng& rng, Op op) {
  if (rng.OneIn(3)) return Seam::kMatrices;
  if (op == Op::kCore)
    return PickOf(rng, {Seam::kRows, Seam::kTiles, Seam::kManyKeys, Seam::kPrefill, Seam::kHeadSize,
                        Seam::kHeads, Seam::kHeadGroups, Seam::kBatch});
  if (op == Op::kQAttention && rng.OneIn(5)) return Seam::kExactDepth;
  return PickOf(rng, {Seam::kDepth, Seam::kDepth, Seam::kRows, Seam::kWantedRows, Seam::kWantedRows,
                      Seam::kTiles, Seam::kManyKeys, Seam::kPrefill, Seam::kHeadSize, Seam::kHeads,
                      Seam::kHeadGroups, Seam::kColumns, Seam::kBatch, Seam::kBatch});
}

// A multiple of `block`, give or take; kernels' loops have their ends there.
int64_t NextTo(Rng& rng, int64_t block, int64_t limit) {
  const int64_t blocks = rng.Between(1, 2);  // on its own: operands have no order
  const int64_t size = block * blocks + PickOf(rng, {-1, 0, 1, 2, 3, 7, 8, 15, 17});
  return std::clamp<int64_t>(size, 1, std::max<int64_t>(limit, 1));
}

// The same for a projection: few columns, so that the oracle can follow.
void ChooseDeepRows(Rng& rng, const Limits& limits, Recipe& r) {
  const bool very = rng.OneIn(3);
  const int64_t next_to = PickOf(rng, {24, 31, 32, 33, 64, 65, 96, 127, 128});
  const int64_t usual = rng.OneIn(2) ? next_to : rng.Between(120, 300);
  const int64_t depth = very ? rng.Between(1000, 1100) : usual;
  r.input_width = std::min(depth, limits.max_input_width);
  r.sequence = std::min<int64_t>(r.sequence, very ? 30 : 70);
  r.head_size = rng.Between(1, 14);
  r.value_head_size = r.head_size;
}

// Tokens whose keys and values nobody needs: a projection may leave them out, and then has another
// number of rows to divide than it has rows. After the attributes.
void LeaveTokensOut(Rng& rng, Recipe& r) {
  r.present = false;
  r.attention_bias = BiasBroadcast::kNone;
  r.mask = ChooseMask(rng, TotalLength(r));
  r.mask.form = PickOf(rng, {MaskForm::kLengths, MaskForm::kEndsStarts, MaskForm::kRaw2D});
  r.mask.pattern = PickOf(rng, {KeepPattern::kRight, KeepPattern::kLeft, KeepPattern::kSpan,
                                KeepPattern::kGap, KeepPattern::kRandom});
}

// docs/recipes.md says which blocks these are. Which seam they are next to.
Seam ChooseSeamSizes(Rng& rng, const Limits& limits, Recipe& r) {
  const auto few = [&](int64_t most) { return rng.Between(1, most); };
  r.batch = few(2);
  r.sequence = few(4);
  r.past.reset();
  if (Percent(rng, 30)) r.past = few(9) - 1;
  r.heads = few(2);
  r.head_size = few(4);
  r.input_width = few(6);
  const Seam seam = ChooseSeam(rng, r.op);
  switch (seam) {
    case Seam::kDepth:
      r.input_width =
          NextTo(rng, PickOf(rng, {128, 256, 384, 512, 1024, 2048}), limits.max_input_width);
      break;
    case Seam::kExactDepth:
      r.batch = 1;
      // Of several blocks each row has several sums: more of them than rows are rounded up to.
      r.sequence = rng.OneIn(3) ? std::min<int64_t>(rng.Between(9, 18), limits.max_sequence) : 1;
      r.heads = 1;
      r.head_size = r.sequence > 1 ? 1 : few(6);
      // What an int32 holds of 8-bit products, and what it does not hold of the largest.
      r.input_width =
          std::min<int64_t>(rng.OneIn(2) ? rng.Between(32766, 32800) : rng.Between(33450, 33600),
                            limits.max_input_width);
      break;
    case Seam::kRows:
      // Rows that masks leave out move the blocks: any number may be next to one.
      r.sequence = rng.OneIn(2) ? std::min<int64_t>(rng.Between(20, 200), limits.max_sequence)
                                : NextTo(rng, PickOf(rng, {12, 16, 24, 28, 32, 48, 64, 96, 128}),
                                         limits.max_sequence);
      break;
    case Seam::kWantedRows:
      r.batch = rng.OneIn(3) ? 2 : 1;
      r.sequence = std::min<int64_t>(rng.Between(40, 250) / r.batch, limits.max_sequence);
      r.past.reset();
      // So deep that a row too many is not lost in what memory is rounded up to, and so many
      // columns that those of key and value are not in one vector with the query's.
      r.input_width = std::min<int64_t>(rng.Between(32, 80), limits.max_input_width);
      r.heads = 1;
      r.head_size = std::min<int64_t>(rng.Between(10, 20), limits.max_head_size);
      break;
    case Seam::kTiles:
      r.batch = 1;
      r.sequence = std::min<int64_t>(rng.Between(25, 100), limits.max_sequence);
      // The first key of a row in the first of these tiles, or in a later one.
      r.past = std::min<int64_t>(rng.OneIn(3) ? rng.Between(900, 1200) : rng.Between(460, 640),
                                 limits.max_past);
      // Whole vectors may be read where they stand.
      if (rng.OneIn(2)) r.head_size = std::min<int64_t>(16, limits.max_head_size);
      break;
    case Seam::kManyKeys:
      r.batch = 1;
      r.heads = 1;
      r.sequence = few(2);
      r.past = NextTo(rng, PickOf(rng, {1024, 2048, 4096}), limits.max_past);
      break;
    case Seam::kPrefill:
      // Rows of one task that begin and end in different tiles of keys.
      r.batch = 1;
      r.heads = 1;
      r.sequence = std::min<int64_t>(rng.Between(500, 640), limits.max_sequence);
      break;
    case Seam::kMatrices:
      // Rows and lanes enough for a unit that multiplies small matrices.
      r.batch = 1;
      r.heads = rng.OneIn(4) ? 2 : 1;
      r.sequence = std::min<int64_t>(
          rng.OneIn(2) ? rng.Between(14, 70) : PickOf(rng, {16, 17, 31, 32, 33, 48, 64, 65}),
          limits.max_sequence);
      if (rng.OneIn(2))
        r.past = std::min<int64_t>(rng.OneIn(2) ? rng.Between(1, 130) : rng.Between(380, 560),
                                   limits.max_past);
      r.head_size = std::min<int64_t>(
          rng.OneIn(2) ? PickOf(rng, {24, 31, 32, 33, 48, 64, 65, 80}) : rng.Between(20, 72),
          limits.max_head_size);
      r.value_head_size =
          rng.OneIn(2) ? r.head_size : std::min<int64_t>(rng.Between(20, 72), limits.max_head_size);
      if (r.op != Op::kCore && !rng.OneIn(3)) ChooseDeepRows(rng, limits, r);
      return seam;
    case Seam::kHeadSize:
      r.head_size = NextTo(rng, PickOf(rng, {32, 48, 64, 80, 96, 128}), limits.max_head_size);
      break;
    case Seam::kHeads:
      r.heads = NextTo(rng, PickOf(rng, {8, 12, 16, 20}), limits.max_heads);
      break;
    case Seam::kHeadGroups:
      r.heads = NextTo(rng, PickOf(rng, {8, 12}), limits.max_heads);
      // Several tasks of rows within a head, half of the time.
      r.batch = few(3);
      r.sequence = std::min<int64_t>(rng.OneIn(2) ? rng.Between(25, 110) : rng.Between(129, 210),
                                     limits.max_sequence);
      r.head_size = few(2);
      break;
    case Seam::kColumns:
      r.heads = std::min(few(8), limits.max_heads);
      r.head_size = std::min(NextTo(rng, 64, 160), limits.max_head_size);
      break;
    case Seam::kBatch:
      r.batch = NextTo(rng, PickOf(rng, {8, 16}), limits.max_batch);
      // Rows enough that batches are not all projected together, or few.
      if (!rng.OneIn(3)) {
        constexpr int64_t kTogether = 256;
        const int64_t rows = kTogether * rng.Between(1, 3) / r.batch + rng.Between(-1, 2);
        r.sequence = std::clamp<int64_t>(rows, 1, limits.max_sequence);
      }
      break;
  }
  r.value_head_size = rng.OneIn(2) ? r.head_size : ChooseSize(rng, r.head_size);
  // Values are mixed by loops of their own.
  if (r.head_size > r.value_head_size && rng.OneIn(2)) std::swap(r.head_size, r.value_head_size);
  if (seam == Seam::kWantedRows) {
    r.value_head_size = r.head_size;
    if (rng.OneIn(2)) {
      // Most columns are of values: rows are not left out of two thirds of them then.
      r.sequence = std::min<int64_t>(rng.Between(16, 80), limits.max_sequence);
      r.head_size = std::min<int64_t>(rng.Between(8, 40), limits.max_head_size);
      r.value_head_size = std::min(rng.Between(3, 6) * r.head_size, limits.max_head_size);
    }
  }
  return seam;
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
      r.bias_masked_value = ChooseBiasMaskedValue(rng);
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

// Input and weights so far from 1 that a kernel which splits numbers, or converts them, has to
// treat them apart; one of the two may be within its means. Their products are of order 1, or
// small.
void MakeFarFactors(Rng& rng, Recipe& r) {
  const auto far = static_cast<float>(rng.Between(118, 123)) * (rng.OneIn(2) ? 1.0F : -1.0F);
  const bool vanishes = far < 0.0F && rng.OneIn(2);
  const float other = vanishes ? static_cast<float>(rng.Between(30, 58)) : -far;
  const bool far_input = rng.OneIn(2);
  const auto scales = [&](float exponent) {
    return Values{.distribution = Distribution::kScales,
                  .seed = ChooseSeed(rng),
                  .a = exponent - 2.0F,
                  .b = exponent};
  };
  r.of(TensorId::kInput) = scales(far_input ? far : other);
  r.of(TensorId::kWeights) = scales(far_input ? other : far);
  r.bias = false;
}

// As above, but for some rows of the input, or some columns of the weights, alone. What becomes of
// such a row shows in present, of such a column of values in the output.
void MakeFaintVectors(Rng& rng, Recipe& r) {
  MakeFarFactors(rng, r);
  const auto exponent = static_cast<float>(rng.Between(50, 57));
  const bool rows = rng.OneIn(2);
  Values& faint = r.of(rows ? TensorId::kInput : TensorId::kWeights);
  Values& other = r.of(rows ? TensorId::kWeights : TensorId::kInput);
  faint.distribution = rows ? Distribution::kFaintRows : Distribution::kFaintColumns;
  faint.a = -exponent - 2.0F;
  faint.b = -exponent;
  other.a = exponent - 2.0F;
  other.b = exponent;
  r.present = r.present || rows;
}

void ChooseAllValues(Rng& rng, Recipe& r) {
  for (size_t i = 0; i < kTensorCount; ++i) {
    const auto id = static_cast<TensorId>(i);
    if (UsesTensor(r, id)) r.values[i] = ChooseValues(rng, r, id);
  }
  constexpr int64_t kManyRows = 14;
  constexpr int64_t kDeepRow = 20;
  if (Percent(rng, 15)) {
    MakeExact(rng, r);
  } else if (r.op == Op::kAttention && r.sequence >= kManyRows && r.input_width >= kDeepRow &&
             rng.OneIn(2)) {
    rng.OneIn(2) ? MakeFarFactors(rng, r) : MakeFaintVectors(rng, r);
  }
}

void ChooseFaults(Rng& rng, const Limits& limits, Recipe& r) {
  const uint64_t count = Percent(rng, 70) ? 1 : 2 + rng.Below(2);
  for (uint64_t i = 0; i < count; ++i) AddFault(rng, r, limits);
}

}  // namespace

Recipe Generate(Rng& rng, const GenerateOptions& options) {
  Recipe recipe;
  recipe.op = options.op.value_or(static_cast<Op>(rng.Below(kOpCount)));
  Limits limits = options.limits;
  std::optional<Seam> seam;
  constexpr uint64_t kSeamShare = 40;
  if (options.size >= 50 && rng.OneIn(kSeamShare)) {
    seam = ChooseSeamSizes(rng, limits, recipe);
  } else {
    limits.max_work = ChooseBudget(rng, options);
    constexpr int kTries = 8;
    for (int i = 0; i < kTries; ++i) {
      ChooseSizes(rng, options, recipe);
      if (Work(recipe) <= static_cast<double>(limits.max_work)) break;
    }
  }
  ChooseAttributes(rng, recipe);
  recipe.mask = ChooseMask(rng, TotalLength(recipe));
  if (seam == Seam::kWantedRows) LeaveTokensOut(rng, recipe);
  if (seam == Seam::kBatch && recipe.op != Op::kQAttention && rng.OneIn(2)) {
    // Of each batch another one.
    recipe.past.reset();
    recipe.attention_bias = rng.OneIn(2) ? BiasBroadcast::kFull : BiasBroadcast::kHeads;
  }
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
