// The part of nan-containment that is about one number among the weights.
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

void JudgeNan(const Position& position, float value, Tally& tally) {
  if (std::isnan(value)) {
    tally.Agree();
  } else {
    tally.Fail(position, kPoison, value);
  }
}

void JudgePresentColumn(const Trial& trial, const Geometry& g, const WeightPlace& place,
                        Tally& tally) {
  const std::span<const float> present = trial.present();
  if (present.empty()) return;
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t t = g.past; t < g.total; ++t) {
      const int64_t row = (((g.batch + b) * g.heads + place.head) * g.total) + t;
      JudgeNan({.batch = b, .head = place.head, .query = t, .column = place.lane},
               present[static_cast<size_t>((row * g.head_size) + place.lane)], tally);
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
  const bool uniform = subject.promises().fully_masked == FullyMasked::kUniform;
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t s = 0; s < g.sequence; ++s) {
      const Fate fate = FateOf(visibility, g, uniform, b, place.head, s);
      for (int64_t lane = 0; lane < g.value_head_size; ++lane) {
        const auto i = static_cast<size_t>(OutputIndex(after->c.op, g, b, place.head, s, lane));
        const Position position{.batch = b, .head = place.head, .query = s, .column = lane};
        const float now = after->output()[i];
        if (lane != place.lane || fate == Fate::kSame) {
          JudgeUntouched(subject, *before, position, i, now, tally);
        } else if (fate == Fate::kBecomesNan) {
          JudgeNan(position, now, tally);
        }
      }
    }
  }
  JudgePresentColumn(*after, g, place, tally);
  const RowMap other_heads = [&](const Row& row) -> std::optional<Row> {
    return row.head == place.head ? std::nullopt : std::optional(row);
  };
  const RowMap other_keys = [&](const Row& row) -> std::optional<Row> {
    const bool projected = row.head == place.head && row.index >= g.past;
    return projected ? std::nullopt : std::optional(row);
  };
  return Combine(tally.Finish(),
                 CompareAll(subject, *before, *after, other_heads, other_keys,
                            "a NaN among the weights of a column of another head's values"));
}

}  // namespace maskproof
