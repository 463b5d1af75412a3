#include "properties/recipe/choose.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "properties/case/floats.h"
#include "properties/recipe/fields.h"

namespace maskproof {
namespace {

Values Make(Rng& rng, Distribution distribution, float a = 0.0F, float b = 1.0F) {
  Values v;
  v.distribution = distribution;
  v.seed = ChooseSeed(rng);
  v.a = a;
  v.b = b;
  return v;
}

// The power of two nearest to 1/sqrt(n), from above.
float InverseRoot(int64_t n) {
  float x = 1.0F;
  while (x * x * 0.25F * static_cast<float>(n) >= 1.0F) x *= 0.5F;
  return x;
}

// Numbers of about `sd`, in all the ways that have proved able to trip a kernel.
Values Around(Rng& rng, float sd) {
  switch (rng.Below(20)) {
    case 0:
    case 1:
    case 2:
      return Make(rng, Distribution::kIntegers, -std::max(1.0F, sd), std::max(1.0F, sd));
    case 3:
      return Make(rng, Distribution::kUniform, -2.0F * sd, 2.0F * sd);
    case 4:
    case 5: {
      const auto low = static_cast<float>(rng.Between(-12, -1));
      const auto high = static_cast<float>(rng.Between(0, 4));
      return Make(rng, Distribution::kScales, low, high);
    }
    case 6:
    case 7:
      return Make(rng, Distribution::kRepeat, 0.0F, sd);
    case 8:
    case 9:
      return Make(rng, Distribution::kPeak, 0.0F, sd);
    case 10:
      return rng.OneIn(2) ? Make(rng, Distribution::kExtremes)
                          : Make(rng, Distribution::kConstant, sd);
    case 11:  // far from zero: cancellation, and rows that differ little
      return Make(rng, Distribution::kNormal, 10.0F * sd, sd);
    default:
      return Make(rng, Distribution::kNormal, 0.0F, sd);
  }
}

// Queries, keys and the tensors that make them: now and then large enough for one key to take all
// the weight, and for a score to pass 88, where exp overflows.
float ScoreRegime(Rng& rng) {
  if (Percent(rng, 75)) return 1.0F;
  return PickOf(rng, {2.0F, 4.0F, 8.0F, 0.125F, 16.0F});
}

Values WeightValues(Rng& rng, const Recipe& r) {
  if (Percent(rng, 8)) return Make(rng, Distribution::kIdentity);
  if (Percent(rng, 12)) {
    const float bound = PickOf(rng, {1.0F, 2.0F, 3.0F});
    return Make(rng, Distribution::kIntegers, -bound, bound);
  }
  return Around(rng, InverseRoot(r.input_width) * ScoreRegime(rng));
}

Values BiasValues(Rng& rng) {
  switch (rng.Below(8)) {
    case 0:
      return Make(rng, Distribution::kConstant, 0.0F);
    case 1:
    case 2:
      return Make(rng, Distribution::kIntegers, -4.0F, 4.0F);
    case 3:
      return Make(rng, Distribution::kExtremes);
    default:
      return Make(rng, Distribution::kNormal, 0.0F, PickOf(rng, {1.0F, 0.125F, 0.5F, 3.0F}));
  }
}

Values AttentionBiasValues(Rng& rng) {
  switch (rng.Below(8)) {
    case 0:
      return Make(rng, Distribution::kConstant, PickOf(rng, {0.0F, 1.0F, -10000.0F, 100.0F}));
    case 1:
    case 2:
      return Make(rng, Distribution::kIntegers, -8.0F, 8.0F);
    case 3:
      return Make(rng, Distribution::kUniform, PickOf(rng, {-10000.0F, -100.0F}), 0.0F);
    case 4:
      return Make(rng, Distribution::kPeak, 0.0F, 2.0F);
    default:
      return Make(rng, Distribution::kNormal, 0.0F, PickOf(rng, {1.0F, 1.0F, 4.0F, 20.0F}));
  }
}

// ---- QAttention: around the middle of the type -------------------

float MiddleOf(ElementType type) { return type == ElementType::kUint8 ? 128.0F : 0.0F; }

Values QuantizedInputValues(Rng& rng, float middle) {
  switch (rng.Below(10)) {
    case 0:
    case 1:
      return Make(rng, Distribution::kExtremes);
    case 2:
      return Make(rng, Distribution::kIntegers, middle - 128.0F, middle + 127.0F);
    case 3:
      return Make(rng, Distribution::kIntegers, middle - 3.0F, middle + 3.0F);
    case 4:
      return Make(rng, Distribution::kPeak, middle, 10.0F);
    case 5:
      return Make(rng, Distribution::kRepeat, middle, 40.0F);
    case 6:
      return Make(rng, Distribution::kConstant,
                  middle + PickOf(rng, {127.0F, -128.0F, 1.0F, 0.0F}));
    default:
      return Make(rng, Distribution::kNormal, middle, PickOf(rng, {30.0F, 50.0F, 12.0F}));
  }
}

Values QuantizedWeightValues(Rng& rng, float middle) {
  if (Percent(rng, 8)) return Make(rng, Distribution::kIdentity);
  return QuantizedInputValues(rng, middle);
}

Values ZeroPointValues(Rng& rng, float middle) {
  switch (rng.Below(6)) {
    case 0:
      return Make(rng, Distribution::kConstant, middle);
    case 1:
      return Make(rng, Distribution::kConstant, middle + PickOf(rng, {-128.0F, 127.0F, 1.0F}));
    case 2:
      return Make(rng, Distribution::kIntegers, middle - 128.0F, middle + 127.0F);
    case 3:
      return Make(rng, Distribution::kExtremes);
    default:
      return Make(rng, Distribution::kNormal, middle, 10.0F);
  }
}

// With steps of 2^-5 on both sides and deviations of about 30, a projection of width n has a
// deviation of about sqrt(n): the weight's step takes that out.
// Scales so far apart that only their product is of use.
constexpr float kFarExponent = 110.0F;

Values InputScaleValues(Rng& rng) {
  if (rng.OneIn(24)) {
    const float exponent = rng.OneIn(2) ? kFarExponent : -kFarExponent;
    return Make(rng, Distribution::kScales, exponent, exponent);
  }
  if (rng.OneIn(12)) return Make(rng, Distribution::kUniform, -0.06F, -0.005F);
  if (Percent(rng, 60)) {
    const auto low = static_cast<float>(rng.Between(-7, -3));
    return Make(rng, Distribution::kScales, low, low);
  }
  return Make(rng, Distribution::kUniform, 0.005F, 0.06F);
}

Values WeightScaleValues(Rng& rng, const Recipe& r) {
  const float step = InverseRoot(r.input_width) * 0.03125F * ScoreRegime(rng);
  const Values& input = r.of(TensorId::kInputScale);
  if (input.distribution == Distribution::kScales && std::fabs(input.a) == kFarExponent) {
    const float exponent = static_cast<float>(std::ilogb(step)) - 5.0F - input.a;
    return Make(rng, Distribution::kScales, exponent - 1.0F, exponent);
  }
  switch (rng.Below(8)) {
    case 0:
      return Make(rng, Distribution::kUniform, -step, step);  // negative ones as well
    case 1:
    case 2:
      return Make(rng, Distribution::kUniform, 0.25F * step, 2.0F * step);
    case 3:
      return Make(rng, Distribution::kNormal, 0.0F, step);
    default: {
      const auto exponent = static_cast<float>(std::ilogb(step));
      return Make(rng, Distribution::kScales, exponent - 1.0F, exponent);
    }
  }
}

}  // namespace

int64_t ChooseSize(Rng& rng, int64_t max) {
  if (max <= 1) return 1;
  if (rng.OneIn(2)) {
    constexpr int64_t kSeams[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  15,  16,  17,
                                  31, 32, 33, 47, 48, 63, 64, 65, 72, 127, 128, 129};
    const auto* const end = std::ranges::upper_bound(kSeams, max);
    return kSeams[rng.Below(static_cast<uint64_t>(end - std::begin(kSeams)))];
  }
  return rng.Between(1, max);
}

uint32_t ChooseSeed(Rng& rng) { return static_cast<uint32_t>(rng.Below(10000)); }

KeepPattern ChoosePattern(Rng& rng, MaskForm form) {
  constexpr KeepPattern kForRaw[] = {
      KeepPattern::kRandom, KeepPattern::kRandom,    KeepPattern::kRandom, KeepPattern::kRight,
      KeepPattern::kLeft,   KeepPattern::kLeft,      KeepPattern::kLeft,   KeepPattern::kSpan,
      KeepPattern::kOne,    KeepPattern::kAllButOne, KeepPattern::kLast,   KeepPattern::kMixed,
      KeepPattern::kMixed,  KeepPattern::kNothing,   KeepPattern::kAll,    KeepPattern::kSpan,
      KeepPattern::kGap};
  constexpr KeepPattern kForSpans[] = {
      KeepPattern::kLeft, KeepPattern::kLeft,  KeepPattern::kLeft,    KeepPattern::kSpan,
      KeepPattern::kSpan, KeepPattern::kSpan,  KeepPattern::kRight,   KeepPattern::kOne,
      KeepPattern::kLast, KeepPattern::kMixed, KeepPattern::kNothing, KeepPattern::kAll};
  constexpr KeepPattern kForLengths[] = {
      KeepPattern::kRight,   KeepPattern::kRight, KeepPattern::kRight,
      KeepPattern::kRight,   KeepPattern::kOne,   KeepPattern::kSpan,
      KeepPattern::kNothing, KeepPattern::kAll,   KeepPattern::kMixed};
  switch (form) {
    case MaskForm::kLengths:
    case MaskForm::kCumulative:
      return PickOf(rng, kForLengths);
    case MaskForm::kEndsStarts:
      return PickOf(rng, kForSpans);
    default:
      return PickOf(rng, kForRaw);
  }
}

MaskRecipe ChooseMask(Rng& rng, int64_t total) {
  constexpr int64_t kWord = 64;
  MaskRecipe mask;
  mask.form = static_cast<MaskForm>(rng.Below(kMaskFormCount));
  mask.pattern = ChoosePattern(rng, mask.form);
  if (IsRawMask(mask.form) && total > kWord && rng.OneIn(4)) mask.pattern = KeepPattern::kBlocks;
  if (mask.form == MaskForm::kRaw3D && rng.OneIn(8)) mask.pattern = KeepPattern::kMostlyAll;
  mask.seed = ChooseSeed(rng);
  // So few that among many keys whole words of a bit mask are empty.
  constexpr float kRare = 0.015625F;
  mask.share = PickOf(rng, {0.5F, 0.5F, 0.25F, 0.125F, 0.75F, 0.9375F, kRare});
  if (Percent(rng, 25)) {
    mask.kept_value = PickOf(rng, {2, 7, 255, 65536, std::numeric_limits<int32_t>::max()});
  }
  if (Percent(rng, 20)) {
    mask.masked_value = PickOf(rng, {-1, -7, -10000, std::numeric_limits<int32_t>::min()});
  }
  return mask;
}

Values ChooseValues(Rng& rng, const Recipe& recipe, TensorId id) {
  const ElementType type = TensorType(recipe, id);
  const bool quantized = IsQuantized(type);
  const float middle = MiddleOf(type);
  switch (id) {
    case TensorId::kInput:
      return quantized ? QuantizedInputValues(rng, middle) : Around(rng, 1.0F);
    case TensorId::kWeights:
      return quantized ? QuantizedWeightValues(rng, middle) : WeightValues(rng, recipe);
    case TensorId::kBias:
      return BiasValues(rng);
    case TensorId::kAttentionBias:
      // As frameworks make it out of a mask: 0 or a large number.
      if (std::isfinite(recipe.bias_masked_value) && Percent(rng, 60)) {
        return Make(rng, Distribution::kConstant, 0.0F);
      }
      return AttentionBiasValues(rng);
    case TensorId::kInputScale:
      return InputScaleValues(rng);
    case TensorId::kWeightScale:
      return WeightScaleValues(rng, recipe);
    case TensorId::kInputZeroPoint:
    case TensorId::kWeightZeroPoint:
      return ZeroPointValues(rng, middle);
    case TensorId::kMaskIndex:
    case TensorId::kPastSequenceLength:
      return {};
    case TensorId::kPast:
    case TensorId::kQuery:
    case TensorId::kKey:
    case TensorId::kValue:
      return Around(rng, ScoreRegime(rng));
  }
  return {};
}

int64_t ChooseUnidirectional(Rng& rng) {
  if (Percent(rng, 92)) return static_cast<int64_t>(rng.Below(2));
  // Only exactly 1 is causal, in 64 bits.
  return PickOf(rng, {int64_t{2}, int64_t{-1}, int64_t{256}, (int64_t{1} << 32) + 1});
}

float ChooseScale(Rng& rng) {
  return PickOf(rng, {1.0F, 0.5F, 0.25F, 0.125F, 2.0F, 0.1F, -0.5F, 0.0F, 10.0F, 0.001F});
}

float ChooseBiasMaskedValue(Rng& rng) {
  if (Percent(rng, 60)) return -kInfinity;
  return PickOf(rng, {-kLargest, -kLargest, -1e9F, -65504.0F, -10000.0F});
}

float ChooseMaskFilterValue(Rng& rng) {
  return PickOf(rng, {-10000.0F, -1.0F, -1e8F, -kLargest, -kInfinity, 0.0F, 1.0F, -1e-40F, 1e4F});
}

CellOverride ChooseMaskCell(Rng& rng, const Recipe& recipe) {
  CellOverride cell;
  cell.tensor = TensorId::kMaskIndex;
  cell.index = static_cast<uint32_t>(rng.Below(uint64_t{1} << 31));
  const auto total = static_cast<float>(TotalLength(recipe));
  if (IsRawMask(recipe.mask.form)) {
    cell.value = PickOf(rng, {0.0F, 1.0F, 0.0F, 1.0F, 2.0F, -1.0F, 0x1p31F, -0x1p31F});
  } else {
    // Of these only starts may be negative; the distance to an end need not fit an int32.
    cell.value = PickOf(rng, {total + 1.0F, total + 5.0F, total, 0.0F, 1.0F, total - 1.0F, 0x1p31F,
                              -0x1p31F, -1.0F, -5.0F});
  }
  return cell;
}

CellOverride ChooseCell(Rng& rng, const Recipe& recipe, bool wild) {
  // Scales stay out: a NaN there leaves nothing to be checked.
  constexpr TensorId kData[] = {TensorId::kInput, TensorId::kWeights,       TensorId::kBias,
                                TensorId::kPast,  TensorId::kAttentionBias, TensorId::kQuery,
                                TensorId::kKey,   TensorId::kValue};
  CellOverride cell;
  do {
    cell.tensor = PickOf(rng, kData);
  } while (!UsesTensor(recipe, cell.tensor));
  cell.index = static_cast<uint32_t>(rng.Below(uint64_t{1} << 31));
  if (IsQuantized(TensorType(recipe, cell.tensor))) {
    cell.value = PickOf(rng, {0.0F, 127.0F, 128.0F, 255.0F, -128.0F, 1.0F});
  } else if (wild) {
    cell.value = PickOf(rng, {std::numeric_limits<float>::quiet_NaN(), kInfinity, -kInfinity, 1e30F,
                              -1e30F, kLargest});
  } else {
    cell.value = PickOf(rng, {0.0F, -0.0F, 1.0F, -1.0F, 100.0F, -100.0F, 1000.0F, 1e4F, 1e-40F});
  }
  return cell;
}

}  // namespace maskproof
