// The part of nan-containment that is about one number among the weights.
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "properties/case/visibility.h"
#include "properties/invariants/compare.h"
#include "properties/invariants/containment.h"
#include "properties/invariants/tensor_ops.h"
#include "properties/invariants/trial.h"

namespace maskproof {
namespace {

constexpr double kPoison = std::numeric_limits<double>::quiet_NaN();

// A column of the values, and the feature whose weight in it is a NaN.
struct WeightPlace {
  int64_t head = 0;
  int64_t lane = 0;
  int64_t feature = 0;
};

// The input's feature is 0 everywhere: a product with it that is left out would have been a NaN.
void ClearFeature(Case& c, const Geometry& g, int64_t feature) {
  const std::span<float> input = At(c, TensorId::kInput).as<float>();
  for (int64_t token = 0; token < g.batch * g.sequence; ++token) {
    input[static_cast<size_t>((token * g.input_width) + feature)] = 0.0F;
  }
}

// What the column of a row must be.
enum class Fate : uint8_t { kSame, kBecomesNan, kUnknown };

// `uniform`: rows that see nothing take the mean of all values.
Fate FateOf(const Visibility& visibility, const Geometry& g, bool uniform, int64_t b, int64_t n,
            int64_t s) {
  if (visibility.FullyMasked(b, n, s)) return uniform ? Fate::kBecomesNan : Fate::kSame;
  bool past = false;
  bool fresh = false;
  for (int64_t t = 0; t < g.total; ++t) {
    if (visibility.Sees(b, n, s, t)) (t < g.past ? past : fresh) = true;
  }
  if (!fresh) return Fate::kSame;
  // A kernel may take weights that underflow for none, and those of all new tokens may.
  return past ? Fate::kUnknown : Fate::kBecomesNan;
}

void JudgePresentColumn(const Trial& trial, const Geometry& g, const WeightPlace& place,
                        Tally& tally) {
  const std::span<const float> present = trial.present();
  if (present.empty()) return;
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t t = g.past; t < g.total; ++t) {
      const int64_t row = (((g.batch + b) * g.heads + place.head) * g.total) + t;
      const float value = present[static_cast<size_t>((row * g.head_size) + place.lane)];
      if (std::isnan(value)) {
        tally.Agree();
      } else {
        tally.Fail({.batch = b, .head = place.head, .query = t, .column = place.lane}, kPoison,
                   value);
      }
    }
  }
}

}  // namespace

Verdict CheckWeightColumn(Subject& subject, Case base, Rng& rng) {
  const Geometry g = GeometryOf(base);
  const WeightPlace place{.head = rng.Between(0, g.heads - 1),
                          .lane = rng.Between(0, g.value_head_size - 1),
                          .feature = rng.Between(0, g.input_width - 1)};
  if (rng.OneIn(2)) ClearFeature(base, g, place.feature);
  Case changed = base;
  Tensor& weights = At(changed, TensorId::kWeights);
  const int64_t column = (2 * g.hidden()) + (place.head * g.value_head_size) + place.lane;
  weights.Set((place.feature * weights.dims[1]) + column, kPoison);
  const Visibility visibility(base);

  Verdict verdict;
  std::optional<Trial> before = Try(subject, std::move(base), verdict);
  if (!before) return verdict;
  std::optional<Trial> after = Try(subject, std::move(changed), verdict);
  if (!after) return verdict;

  Tally tally("a NaN among the weights of a column of the values belongs to it");
  const Promises& promises = subject.promises();
  const bool bitwise = promises.reproducible_rows && !promises.several_ways;
  const bool uniform = promises.fully_masked == FullyMasked::kUniform;
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t n = 0; n < g.heads; ++n) {
      for (int64_t s = 0; s < g.sequence; ++s) {
        const Fate fate = n == place.head ? FateOf(visibility, g, uniform, b, n, s) : Fate::kSame;
        for (int64_t lane = 0; lane < g.value_head_size; ++lane) {
          const auto i = static_cast<size_t>(OutputIndex(after->c.op, g, b, n, s, lane));
          const Position position{.batch = b, .head = n, .query = s, .column = lane};
          const float old = before->output()[i];
          const float now = after->output()[i];
          if (n == place.head && lane == place.lane && fate != Fate::kSame) {
            if (fate == Fate::kUnknown) continue;
            if (std::isnan(now)) {
              tally.Agree();
            } else {
              tally.Fail(position, kPoison, now);
            }
          } else if (SameBits(old, now)) {
            tally.Agree();
          } else if (bitwise) {
            tally.Fail(position, old, now);
          } else {
            // docs/invariants.md (1), with one reference: this column's data are the same.
            const Reference& reference = before->Judge(subject);
            tally.JudgeMixture(position, old, now, 2.0 * reference.bound[i], reference.largest[i]);
          }
        }
      }
    }
  }
  JudgePresentColumn(*after, g, place, tally);
  return tally.Finish();
}

}  // namespace maskproof
