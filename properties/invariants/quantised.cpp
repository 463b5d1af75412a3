// The laws of QAttention's numbers: the integer product is exact, and ways to write the same
// numbers agree.
#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "properties/base/rng.h"
#include "properties/invariants/compare.h"
#include "properties/invariants/laws.h"
#include "properties/invariants/quantised_ops.h"
#include "properties/invariants/tensor_ops.h"
#include "properties/invariants/transform.h"

namespace maskproof {
namespace {

// Integers of few distinct values at the ends of their range: the sums are as large as they get,
// and neighbouring products of one sign overflow 16 bits if anything does.
void FillExtremes(Tensor& tensor, Rng& rng) {
  const IntegerRange range = RangeOf(tensor.type);
  const uint64_t lowest_one_in = rng.OneIn(2) ? 8 : 2;
  const bool flip = rng.OneIn(2);
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const bool low = rng.OneIn(lowest_one_in) != flip;
    tensor.Set(i, low ? range.lowest : range.highest);
  }
}

// All inputs near one end and their zero point at the other, weights likewise: sums beyond 2^24,
// and no two alike.
void MakeSumsLarge(Case& c, Rng& rng) {
  const auto fill = [&rng](Tensor& tensor) {
    const IntegerRange range = RangeOf(tensor.type);
    const bool low = rng.OneIn(2);
    for (int64_t i = 0; i < tensor.size(); ++i) {
      const auto step = static_cast<int32_t>(rng.Below(4));
      tensor.Set(i, low ? range.lowest + step : range.highest - step);
    }
    return low ? range.highest : range.lowest;
  };
  WriteInputZero(c, fill(At(c, TensorId::kInput)));
  Tensor& weights = At(c, TensorId::kWeights);
  const int32_t zero = fill(weights);
  WriteWeightZero(c, std::vector<int32_t>(static_cast<size_t>(weights.dims[1]), zero));
}

// The same features over and over until there are `width` of them.
void Widen(Case& c, int64_t width) {
  const int64_t old = GeometryOf(c).input_width;
  std::vector<int64_t> features = Range(0, width);
  for (int64_t& feature : features) feature %= old;
  c[TensorId::kInput] = Gather(At(c, TensorId::kInput), 2, features);
  c[TensorId::kWeights] = Gather(At(c, TensorId::kWeights), 0, features);
}

// Scales that are powers of two and a bias that neither underflows nor overflows: the dequantised
// value is then one correctly rounded addition away from the integer sum.
void MakeExact(Case& c) {
  const auto power = [](float x) { return PowerOfTwo(x, -20, 10); };
  WriteInputScale(c, power(ReadQuantisation(c).input_scale));
  for (float& scale : At(c, TensorId::kWeightScale).as<float>()) scale = power(scale);
  for (float& bias : At(c, TensorId::kBias).as<float>()) {
    const bool ordinary = std::fabs(bias) >= 0x1p-100F && std::fabs(bias) <= 0x1p100F;
    if (!ordinary) bias = 0.0F;
  }
}

void ClampAll(Tensor& tensor, int32_t lowest, int32_t highest) {
  for (int64_t i = 0; i < tensor.size(); ++i) {
    tensor.Set(
        i, std::clamp(tensor.Get(i), static_cast<double>(lowest), static_cast<double>(highest)));
  }
}

void AddAll(Tensor& tensor, int32_t offset) {
  for (int64_t i = 0; i < tensor.size(); ++i) tensor.Set(i, tensor.Get(i) + offset);
}

// Runs both and compares row by row.
Verdict CompareCases(Subject& subject, Case original, Case changed, const char* label) {
  Verdict verdict;
  std::optional<Trial> before = Try(subject, std::move(original), verdict);
  if (!before) return verdict;
  std::optional<Trial> after = Try(subject, std::move(changed), verdict);
  if (!after) return verdict;
  return CompareAll(subject, *before, *after, SameRow, SameRow, label);
}

// 8-bit values, signed to unsigned or the other way round, together with their zero point.
void FlipSign(Case& c, TensorId values, TensorId zero) {
  Tensor& tensor = At(c, values);
  const ElementType old = tensor.type;
  const bool was_signed = old == ElementType::kInt8;
  const ElementType type = was_signed ? ElementType::kUint8 : ElementType::kInt8;
  const double offset = was_signed ? 128.0 : -128.0;
  if (!c.has(zero)) c[zero] = Tensor(old, {1});
  for (const TensorId id : {values, zero}) {
    const Tensor from = At(c, id);
    Tensor to(type, from.dims);
    for (int64_t i = 0; i < from.size(); ++i) to.Set(i, from.Get(i) + offset);
    c[id] = std::move(to);
  }
}

}  // namespace

Verdict CheckInt8Exactness(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x12));
  Case base = c;
  bool large = false;
  // So many features that the largest sums are beyond 2^31.
  constexpr int64_t kDeep = 33'026;
  const bool deep = GeometryOf(c).input_width >= kDeep;
  if ((deep || rng.OneIn(3)) && GeometryOf(c).input_width > 0) {
    // Sums beyond 2^24 need many features; one head of one batch is enough to see them.
    const Geometry g = GeometryOf(c);
    base = TakeHeads(TakeBatches(c, std::array{rng.Between(0, g.batch - 1)}),
                     std::array{rng.Between(0, g.heads - 1)});
    const int64_t width = rng.Between(260, 600);
    if (width > g.input_width) Widen(base, width);
    large = deep ? !rng.OneIn(4) : rng.OneIn(2);
    if (large) MakeSumsLarge(base, rng);
  }
  if (!large && rng.OneIn(2)) FillExtremes(At(base, TensorId::kInput), rng);
  if (!large && rng.OneIn(2)) FillExtremes(At(base, TensorId::kWeights), rng);
  MakeExact(base);
  base.want_present = true;

  const Geometry g = GeometryOf(base);
  const std::vector<int64_t> sums = IntegerProjection(base);
  const Quantisation q = ReadQuantisation(base);
  Verdict verdict;
  std::optional<Trial> trial = Try(subject, std::move(base), verdict);
  if (!trial) return verdict;
  const std::span<const float> bias = At(trial->c, TensorId::kBias).as<float>();
  const std::span<const float> present = trial->present();
  Tally tally("key and value against integer arithmetic");
  const int64_t columns = 3 * g.hidden();
  for (int64_t half = 0; half < 2; ++half) {
    for (int64_t b = 0; b < g.batch; ++b) {
      for (int64_t n = 0; n < g.heads; ++n) {
        for (int64_t s = 0; s < g.sequence; ++s) {
          for (int64_t lane = 0; lane < g.head_size; ++lane) {
            const auto column =
                static_cast<size_t>(((half + 1) * g.hidden()) + (n * g.head_size) + lane);
            const int64_t sum =
                sums[static_cast<size_t>(((b * g.sequence) + s) * columns) + column];
            // docs/invariants.md (6): exact but for rounding the sum and adding the bias.
            const float scale = q.input_scale * q.weight_scale[column];
            const float expected = (static_cast<float>(sum) * scale) + bias[column];
            const int64_t row = ((((half * g.batch) + b) * g.heads + n) * g.total) + g.past + s;
            const float got = present[static_cast<size_t>((row * g.head_size) + lane)];
            if (got == expected) {
              tally.Agree();
            } else {
              tally.Fail({.batch = b, .head = n, .query = s, .column = lane}, expected, got);
            }
          }
        }
      }
    }
  }
  return tally.Finish();
}

Verdict CheckZeroPointShift(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  constexpr int32_t kRoom = 16;
  Rng rng(MixSeeds(c.salt, 0x13));
  const bool weights = rng.OneIn(2);
  const TensorId values = weights ? TensorId::kWeights : TensorId::kInput;
  const TensorId zero = weights ? TensorId::kWeightZeroPoint : TensorId::kInputZeroPoint;
  Case base = c;
  // An absent zero point is 0, which an unsigned type has no room below: write it out.
  if (!base.has(zero)) base[zero] = Tensor(At(base, values).type, {1});
  const IntegerRange range = RangeOf(At(base, values).type);
  for (const TensorId id : {values, zero}) {
    ClampAll(At(base, id), range.lowest + kRoom, range.highest - kRoom);
  }
  auto shift = static_cast<int32_t>(rng.Between(1, kRoom));
  if (rng.OneIn(2)) shift = -shift;
  Case shifted = base;
  AddAll(At(shifted, values), shift);
  AddAll(At(shifted, zero), shift);
  return CompareCases(subject, std::move(base), std::move(shifted),
                      weights ? "the weights and their zero point shifted together"
                              : "the input and its zero point shifted together");
}

Verdict CheckSignedness(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x14));
  // Not every subject takes every combination: try them in a random order.
  for (const int64_t which : Shuffled(1, 3, rng)) {
    Case flipped = c;
    if ((which & 1) != 0) FlipSign(flipped, TensorId::kInput, TensorId::kInputZeroPoint);
    if ((which & 2) != 0) FlipSign(flipped, TensorId::kWeights, TensorId::kWeightZeroPoint);
    if (!subject.Supports(flipped)) continue;
    return CompareCases(subject, c, std::move(flipped),
                        "the same numbers with the other signedness");
  }
  return NotApplicable();
}

Verdict CheckPerColumn(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  constexpr int32_t kReach = 30;  // of a weight from its zero point, before it is doubled
  Rng rng(MixSeeds(c.salt, 0x15));
  Case base = c;
  const Quantisation q = ReadQuantisation(c);
  const IntegerRange range = RangeOf(At(c, TensorId::kWeights).type);
  const int32_t zero = std::clamp(q.weight_zero[0], range.lowest + 70, range.highest - 70);
  float scale = q.weight_scale[0];
  // Halving must be exact.
  const float product = std::fabs(scale * q.input_scale);
  const bool ordinary =
      product >= 0x1p-100F && product <= 0x1p100F && std::fabs(scale) >= 0x1p-100F;
  if (!ordinary) {
    scale = 0x1p-4F;
    WriteInputScale(base, 0x1p-4F);
  }
  WriteWeightScale(base, std::array{scale});
  WriteWeightZero(base, std::array{zero});
  ClampAll(At(base, TensorId::kWeights), zero - kReach, zero + kReach);

  // Column c: weights doubled or not and the scale halved or not, and the zero point moved.
  Case per_column = base;
  const int64_t columns = At(base, TensorId::kWeights).dims[1];
  std::vector<float> scales;
  std::vector<int32_t> zeros;
  std::vector<int32_t> factors;
  for (int64_t column = 0; column < columns; ++column) {
    factors.push_back(rng.OneIn(2) ? 2 : 1);
    scales.push_back(scale / static_cast<float>(factors.back()));
    zeros.push_back(zero + static_cast<int32_t>(rng.Between(-4, 4)));
  }
  Tensor& weights = At(per_column, TensorId::kWeights);
  for (int64_t i = 0; i < weights.size(); ++i) {
    const auto column = static_cast<size_t>(i % columns);
    weights.Set(i, zeros[column] + (factors[column] * (weights.Get(i) - zero)));
  }
  WriteWeightScale(per_column, scales);
  WriteWeightZero(per_column, zeros);
  return CompareCases(subject, std::move(base), std::move(per_column),
                      "the same weights with a scale and a zero point of each column's own");
}

}  // namespace maskproof
