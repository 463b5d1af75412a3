// nan-containment: what attends to a NaN becomes NaN, and nothing else does.
#include "properties/invariants/containment.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "properties/base/rng.h"
#include "properties/case/visibility.h"
#include "properties/invariants/compare.h"
#include "properties/invariants/laws.h"
#include "properties/invariants/masks.h"
#include "properties/invariants/tensor_ops.h"
#include "properties/invariants/transform.h"

namespace maskproof {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
// What arithmetic makes of nothing, and a NaN that shows where it has been.
constexpr uint32_t kOneNan = 0x7FC00000;
constexpr float kMarkedNan = std::bit_cast<float>(uint32_t{0xFFC12345});

// A key of one head, or of all heads at once (head -1) if it comes from an input token.
struct PoisonedKey {
  int64_t batch = 0;
  int64_t head = -1;
  int64_t key = 0;
  bool with_value = true;  // else its score alone is to carry the NaN to the output

  bool Concerns(const Row& row) const {
    return row.batch == batch && (head < 0 || row.head == head);
  }
};

// One NaN in a key row reaches its score; a value row is filled, since its columns stay apart.
void PoisonRow(Tensor& tensor, int64_t item, int64_t rows, int64_t key, bool whole, Rng& rng) {
  const int64_t columns = tensor.dims.back();
  const int64_t first = ((item * rows) + key) * columns;
  if (whole) {
    std::fill_n(tensor.as<float>().data() + first, columns, kMarkedNan);
  } else {
    tensor.as<float>()[static_cast<size_t>(first + rng.Between(0, columns - 1))] = kMarkedNan;
  }
}

void Poison(Case& c, const PoisonedKey& poisoned, Rng& rng) {
  const Geometry g = GeometryOf(c);
  if (poisoned.head < 0) {
    const int64_t token = (poisoned.batch * g.sequence) + poisoned.key - g.past;
    // The last feature is where loops over the depth end.
    const int64_t last = g.input_width - 1;
    const int64_t feature = rng.OneIn(3) ? last : rng.Between(0, last);
    const int64_t element = (token * g.input_width) + feature;
    At(c, TensorId::kInput).as<float>()[static_cast<size_t>(element)] = kMarkedNan;
    return;
  }
  const int64_t item = (poisoned.batch * g.heads) + poisoned.head;
  const bool core = c.op == Op::kCore;
  Tensor& keys = At(c, core ? TensorId::kKey : TensorId::kPast);
  Tensor& values = At(c, core ? TensorId::kValue : TensorId::kPast);
  const int64_t rows = core ? g.total : g.past;
  PoisonRow(keys, item, rows, poisoned.key, false, rng);
  if (!poisoned.with_value) return;
  const int64_t of_values = core ? item : (g.batch * g.heads) + item;
  PoisonRow(values, of_values, rows, poisoned.key, true, rng);
}

// A key that some row sees and that can hold a NaN.
std::optional<PoisonedKey> ChooseKey(const Case& c, const Visibility& visibility, Rng& rng) {
  const Geometry g = GeometryOf(c);
  std::vector<PoisonedKey> candidates;
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t t = 0; t < g.total; ++t) {
      const bool from_input = c.op != Op::kCore && t >= g.past;
      if (from_input && (c.op == Op::kQAttention || g.input_width == 0)) continue;
      for (int64_t n = 0; n < g.heads; ++n) {
        for (int64_t s = 0; s < g.sequence; ++s) {
          if (!visibility.Sees(b, n, s, t)) continue;
          candidates.push_back({b, from_input ? -1 : n, t});
          break;
        }
      }
    }
  }
  if (candidates.empty()) return std::nullopt;
  // The last key is where loops over keys end.
  if (rng.OneIn(3)) return *std::ranges::max_element(candidates, {}, &PoisonedKey::key);
  return candidates[rng.Below(candidates.size())];
}

// Rows of the past are copied as they are.
void JudgePresentNans(const Trial& trial, const Geometry& g, Tally& tally) {
  const std::span<const float> present = trial.present();
  for (size_t i = 0; i < present.size(); ++i) {
    if (!std::isnan(present[i])) continue;
    const int64_t row = static_cast<int64_t>(i) / g.head_size % g.total;
    if (row < g.past || std::bit_cast<uint32_t>(present[i]) == kOneNan) {
      tally.Agree();
    } else {
      tally.Fail("a NaN of present is another one than 0x7FC00000");
    }
  }
}

// A feature that is NaN makes all of the token's keys and values NaN, whatever the weights.
void JudgePoisonedToken(const Trial& trial, const Geometry& g, const PoisonedKey& poisoned,
                        Tally& tally) {
  const std::span<const float> present = trial.present();
  if (present.empty()) return;
  for (int64_t half = 0; half < 2; ++half) {
    for (int64_t n = 0; n < g.heads; ++n) {
      const int64_t item = (((half * g.batch) + poisoned.batch) * g.heads) + n;
      const int64_t first = ((item * g.total) + poisoned.key) * g.head_size;
      for (int64_t lane = 0; lane < g.head_size; ++lane) {
        const float value = present[static_cast<size_t>(first + lane)];
        if (std::isnan(value)) {
          tally.Agree();
        } else {
          tally.Fail({.batch = poisoned.batch, .head = n, .query = poisoned.key, .column = lane},
                     kNan, value);
        }
      }
    }
  }
}

}  // namespace

Verdict CheckNanContainment(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x11));
  // Eight-bit inputs have no NaN; a past has.
  const bool needs_past = c.op == Op::kQAttention && GeometryOf(c).past == 0;
  Case base = needs_past ? PrependPast(c, 2, rng) : c;
  EnsureSeeingRow(base, rng);
  const bool given_values = base.op == Op::kCore || GeometryOf(base).past > 0;
  if (given_values && rng.OneIn(3)) return CheckValueLane(subject, std::move(base), rng);
  const Geometry g = GeometryOf(base);
  if (base.op == Op::kAttention && g.input_width > 0 && rng.OneIn(4)) {
    return CheckWeightColumn(subject, std::move(base), rng);
  }
  const Visibility visibility(base);
  std::optional<PoisonedKey> poisoned = ChooseKey(base, visibility, rng);
  if (!poisoned) return NotApplicable();
  poisoned->with_value = poisoned->head < 0 || rng.OneIn(2);
  Case changed = base;
  Poison(changed, *poisoned, rng);

  Verdict verdict;
  std::optional<Trial> before = Try(subject, std::move(base), verdict);
  if (!before) return verdict;
  std::optional<Trial> after = Try(subject, std::move(changed), verdict);
  if (!after) return verdict;

  Tally reached("a NaN must reach the rows that attend to it");
  const bool one_nan = subject.promises().one_nan;
  const std::span<const float> got = after->output();
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t n = 0; n < g.heads; ++n) {
      for (int64_t s = 0; s < g.sequence; ++s) {
        if (!poisoned->Concerns({.batch = b, .head = n, .index = s}) ||
            !visibility.Sees(b, n, s, poisoned->key))
          continue;
        for (int64_t column = 0; column < g.value_head_size; ++column) {
          const float value = got[static_cast<size_t>(OutputIndex(c.op, g, b, n, s, column))];
          if (!std::isnan(value)) {
            reached.Fail({.batch = b, .head = n, .query = s, .column = column}, kNan, value);
          } else if (one_nan && std::bit_cast<uint32_t>(value) != kOneNan) {
            reached.Fail("the NaN is another one than 0x7FC00000");
          } else {
            reached.Agree();
          }
        }
      }
    }
  }
  if (one_nan) JudgePresentNans(*after, g, reached);
  if (poisoned->head < 0) JudgePoisonedToken(*after, g, *poisoned, reached);
  const RowMap other_rows = [&](const Row& row) -> std::optional<Row> {
    if (!poisoned->Concerns(row)) return row;
    const bool own_query = poisoned->head < 0 && row.index == poisoned->key - g.past;
    if (own_query || visibility.FullyMasked(row.batch, row.head, row.index) ||
        visibility.Sees(row.batch, row.head, row.index, poisoned->key)) {
      return std::nullopt;
    }
    return row;
  };
  const RowMap other_keys = [&](const Row& row) -> std::optional<Row> {
    const bool holds_it = poisoned->Concerns(row) && row.index == poisoned->key;
    return holds_it ? std::nullopt : std::optional(row);
  };
  return Combine(reached.Finish(), CompareAll(subject, *before, *after, other_rows, other_keys,
                                              "a NaN was put where this row does not look"));
}

}  // namespace maskproof
