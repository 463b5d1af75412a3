#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "properties/case/visibility.h"
#include "properties/invariants/compare.h"
#include "properties/invariants/containment.h"
#include "properties/invariants/tensor_ops.h"
#include "properties/invariants/trial.h"

namespace maskproof {
namespace {

// Far from where a kernel may take a weight for none.
constexpr double kCertainWeight = 0x1p-20;

struct Place {
  int64_t batch = 0;
  int64_t head = 0;
  int64_t key = 0;
  int64_t lane = 0;
};

// The given values of a case: the core's, or those of the past.
std::span<float> GivenValues(Case& c) {
  if (c.op == Op::kCore) return At(c, TensorId::kValue).as<float>();
  const std::span<float> past = At(c, TensorId::kPast).as<float>();
  return past.subspan(past.size() / 2);
}

size_t IndexOf(const Case& c, const Geometry& g, const Place& place) {
  const int64_t keys = c.op == Op::kCore ? g.total : g.past;
  const int64_t row = ((place.batch * g.heads) + place.head) * keys + place.key;
  return static_cast<size_t>(row * g.value_head_size + place.lane);
}

std::optional<Place> ChoosePlace(const Case& c, const Visibility& visibility, Rng& rng) {
  const Geometry g = GeometryOf(c);
  const int64_t keys = c.op == Op::kCore ? g.total : g.past;
  std::vector<Place> candidates;
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t n = 0; n < g.heads; ++n) {
      for (int64_t t = 0; t < keys; ++t) {
        for (int64_t s = 0; s < g.sequence; ++s) {
          if (!visibility.Sees(b, n, s, t)) continue;
          candidates.push_back({.batch = b, .head = n, .key = t});
          break;
        }
      }
    }
  }
  if (candidates.empty()) return std::nullopt;
  Place place = candidates[rng.Below(candidates.size())];
  place.lane = rng.Between(0, g.value_head_size - 1);
  return place;
}

// The weights that rows give the key, by query: the core's output where the column is 0 for every
// other key and 1 for this one. NaN where the oracle does not know.
std::vector<double> WeightsOf(const Subject& subject, Case c, const Place& place) {
  const Geometry g = GeometryOf(c);
  std::vector<double> weights(static_cast<size_t>(g.sequence),
                              std::numeric_limits<double>::quiet_NaN());
  if (c.op != Op::kCore) return weights;
  const std::span<float> values = GivenValues(c);
  for (Place at = place; const int64_t key : Range(0, g.total)) {
    at.key = key;
    values[IndexOf(c, g, at)] = key == place.key ? 1.0F : 0.0F;
  }
  const Reference reference = ComputeReference(c, OracleOptionsOf(subject));
  for (int64_t s = 0; s < g.sequence; ++s) {
    if (reference.row(place.batch, place.head, s) != RowState::kBounded) continue;
    weights[static_cast<size_t>(s)] = reference.output[static_cast<size_t>(
        OutputIndex(c.op, g, place.batch, place.head, s, place.lane))];
  }
  return weights;
}

// Whether all that is mixed in the column is finite and stays so, whatever the order: weights are 1
// at most before they are divided by their sum, and what rounding adds is less than as much again
// (docs/invariants.md).
bool ColumnStaysFinite(Case& c, const Geometry& g, Place place) {
  if (c.op != Op::kCore) return false;
  double sum = 0.0;
  for (place.key = 0; place.key < g.total; ++place.key) {
    sum += std::fabs(static_cast<double>(GivenValues(c)[IndexOf(c, g, place)]));
  }
  return sum <= 0.5 * std::numeric_limits<float>::max();  // not so for NaN
}

}  // namespace

void JudgeUntouched(const Subject& subject, Trial& before, const Position& position, size_t i,
                    float now, Tally& tally) {
  const float old = before.output()[i];
  if (SameBits(old, now)) {
    tally.Agree();
  } else if (subject.promises().reproducible_rows && !subject.promises().several_ways) {
    tally.Fail(position, old, now);
  } else {
    const Reference& reference = before.Judge(subject);
    tally.JudgeMixture(position, old, now, 2.0 * reference.bound[i], reference.largest[i]);
  }
}

Verdict CheckValueLane(Subject& subject, Case base, Rng& rng) {
  constexpr std::array kSpecial{std::numeric_limits<float>::quiet_NaN(),
                                std::numeric_limits<float>::infinity(),
                                -std::numeric_limits<float>::infinity()};
  const Geometry g = GeometryOf(base);
  const Visibility visibility(base);
  const std::optional<Place> place = ChoosePlace(base, visibility, rng);
  if (!place) return NotApplicable();
  const float special = kSpecial[rng.Below(kSpecial.size())];
  // An infinity that meets another, even one of an overflow, may become a NaN.
  const bool certain = std::isnan(special) || ColumnStaysFinite(base, g, *place);
  Case changed = base;
  GivenValues(changed)[IndexOf(changed, g, *place)] = special;
  const std::vector<double> weights = WeightsOf(subject, base, *place);

  Verdict verdict;
  std::optional<Trial> before = Try(subject, std::move(base), verdict);
  if (!before) return verdict;
  std::optional<Trial> after = Try(subject, std::move(changed), verdict);
  if (!after) return verdict;

  Tally tally(std::isnan(special) ? "a NaN among the values belongs to its column"
                                  : "an infinity among the values belongs to its column");
  for (int64_t s = 0; s < g.sequence; ++s) {
    if (!visibility.Sees(place->batch, place->head, s, place->key)) continue;
    for (int64_t column = 0; column < g.value_head_size; ++column) {
      const auto i =
          static_cast<size_t>(OutputIndex(after->c.op, g, place->batch, place->head, s, column));
      const Position position{
          .batch = place->batch, .head = place->head, .query = s, .column = column};
      const float now = after->output()[i];
      if (column != place->lane) {
        JudgeUntouched(subject, *before, position, i, now, tally);
        continue;
      }
      if (!certain || !(weights[static_cast<size_t>(s)] >= kCertainWeight)) continue;
      if (SameBits(now, special)) {
        tally.Agree();
      } else {
        tally.Fail(position, special, now);
      }
    }
  }
  const RowMap other_rows = [&](const Row& row) -> std::optional<Row> {
    const bool same_head = row.batch == place->batch && row.head == place->head;
    // The mean of all values has it, too.
    const bool mixes = same_head && (visibility.FullyMasked(row.batch, row.head, row.index) ||
                                     visibility.Sees(row.batch, row.head, row.index, place->key));
    return mixes ? std::nullopt : std::optional(row);
  };
  const RowMap other_keys = [&](const Row& row) -> std::optional<Row> {
    const bool holds_it =
        row.batch == place->batch && row.head == place->head && row.index == place->key;
    return holds_it ? std::nullopt : std::optional(row);
  };
  return Combine(tally.Finish(), CompareAll(subject, *before, *after, other_rows, other_keys,
                                            "one number among the values it does not look at"));
}

}  // namespace maskproof
