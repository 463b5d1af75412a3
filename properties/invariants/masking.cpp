// The laws that say that a masked key is not there.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "properties/base/rng.h"
#include "properties/case/floats.h"
#include "properties/case/visibility.h"
#include "properties/invariants/compare.h"
#include "properties/invariants/laws.h"
#include "properties/invariants/masks.h"
#include "properties/invariants/probe.h"
#include "properties/invariants/tensor_ops.h"
#include "properties/invariants/transform.h"

namespace maskproof {
namespace {

struct Token {
  int64_t batch = 0;
  int64_t key = 0;
};

bool SeesAny(const Visibility& visibility, const Geometry& g, const Token& token) {
  for (int64_t n = 0; n < g.heads; ++n) {
    for (int64_t s = 0; s < g.sequence; ++s) {
      if (visibility.Sees(token.batch, n, s, token.key)) return true;
    }
  }
  return false;
}

// Whether some row that sees a key does not see this one.
bool MaskedSomewhere(const Visibility& visibility, const Geometry& g, const Token& token) {
  for (int64_t n = 0; n < g.heads; ++n) {
    for (int64_t s = 0; s < g.sequence; ++s) {
      if (!visibility.Sees(token.batch, n, s, token.key) &&
          !visibility.FullyMasked(token.batch, n, s)) {
        return true;
      }
    }
  }
  return false;
}

// The tokens to disturb: all that no row sees, or one that some rows do not see.
std::vector<Token> ChooseMaskedTokens(const Case& c, const Visibility& visibility, Rng& rng) {
  const Geometry g = GeometryOf(c);
  std::vector<Token> candidates;
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t t = 0; t < g.total; ++t) {
      if (MaskedSomewhere(visibility, g, {.batch = b, .key = t})) candidates.push_back({b, t});
    }
  }
  if (candidates.empty()) return candidates;
  const Token one = candidates[rng.Below(candidates.size())];
  if (rng.OneIn(2)) {
    std::erase_if(candidates, [&](const Token& token) { return SeesAny(visibility, g, token); });
    if (!candidates.empty()) return candidates;
  }
  return {one};
}

class Disturber {
 public:
  explicit Disturber(Rng& rng) : rng_(&rng) {
    constexpr std::array kValues{1e30F,     -1e30F,     kLargest,
                                 kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()};
    random_ = rng.OneIn(4);
    value_ = kValues[rng.Below(kValues.size())];
    all_lanes_ = rng.OneIn(2);
  }

  void Row(Tensor& tensor, int64_t first, int64_t count) {
    if (random_ || count == 0) {
      FillRandom(tensor, first, count, *rng_);
      return;
    }
    auto value = static_cast<double>(value_);
    // An integer input has no such values: its extremes.
    if (tensor.type != ElementType::kFloat32) {
      const IntegerRange range = RangeOf(tensor.type);
      value = value_ > 0.0F ? range.highest : range.lowest;
    }
    const int64_t forced = first + rng_->Between(0, count - 1);
    for (int64_t i = first; i < first + count; ++i) {
      if (all_lanes_ || i == forced || rng_->OneIn(2)) tensor.Set(i, value);
    }
  }

 private:
  Rng* rng_;
  bool random_ = false;
  bool all_lanes_ = false;
  float value_ = 0.0F;
};

void DisturbToken(Case& c, const Token& token, Disturber& disturber) {
  const Geometry g = GeometryOf(c);
  const bool in_past = c.op != Op::kCore && token.key < g.past;
  if (c.op != Op::kCore && !in_past) {
    const int64_t row = (token.batch * g.sequence) + token.key - g.past;
    disturber.Row(At(c, TensorId::kInput), row * g.input_width, g.input_width);
    return;
  }
  for (int64_t n = 0; n < g.heads; ++n) {
    const int64_t item = (token.batch * g.heads) + n;
    if (in_past) {
      const int64_t value_item = (g.batch * g.heads) + item;
      for (const int64_t half : {item, value_item}) {
        disturber.Row(At(c, TensorId::kPast), ((half * g.past) + token.key) * g.head_size,
                      g.head_size);
      }
    } else {
      const int64_t row = (item * g.total) + token.key;
      disturber.Row(At(c, TensorId::kKey), row * g.head_size, g.head_size);
      disturber.Row(At(c, TensorId::kValue), row * g.value_head_size, g.value_head_size);
    }
  }
}

// Elements of attention_bias at which mask_index or causality masks the key for every row that has
// them.
void DisturbMaskedBias(Case& c, Disturber& disturber, Rng& rng) {
  if (!c.has(TensorId::kAttentionBias)) return;
  Case bare = c;
  bare[TensorId::kAttentionBias].reset();
  const Visibility visibility(bare);
  const Geometry g = GeometryOf(c);
  Tensor& bias = At(c, TensorId::kAttentionBias);
  const int64_t slices = bias.dims[0];
  for (int64_t i = 0; i < bias.size(); ++i) {
    const int64_t key = i % g.total;
    const int64_t query = i / g.total % g.sequence;
    const int64_t slice = i / (bias.dims[1] * g.sequence * g.total);
    bool seen = false;
    for (int64_t b = 0; b < g.batch; ++b) {
      seen = seen || ((slices == 1 || b == slice) && visibility.Sees(b, 0, query, key));
    }
    if (!seen && rng.OneIn(2)) disturber.Row(bias, i, 1);
  }
}

}  // namespace

Verdict CheckMaskedInfluence(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x01));
  Case base = GeometryOf(c).total > 1 ? c : AppendTokens(c, 2, true, rng);
  EnsureMaskedKey(base, rng);
  const Geometry g = GeometryOf(base);
  const Visibility visibility(base);
  const std::vector<Token> tokens = ChooseMaskedTokens(base, visibility, rng);
  if (tokens.empty()) return NotApplicable();

  Case disturbed = base;
  Disturber disturber(rng);
  for (const Token& token : tokens) DisturbToken(disturbed, token, disturber);
  if (rng.OneIn(2)) DisturbMaskedBias(disturbed, disturber, rng);

  Verdict verdict;
  std::optional<Trial> before = Try(subject, std::move(base), verdict);
  if (!before) return verdict;
  std::optional<Trial> after = Try(subject, std::move(disturbed), verdict);
  if (!after) return verdict;
  const bool token_is_query = c.op != Op::kCore;
  const RowMap blind_rows = [&](const Row& row) -> std::optional<Row> {
    if (visibility.FullyMasked(row.batch, row.head, row.index)) return std::nullopt;
    for (const Token& token : tokens) {
      if (token.batch != row.batch) continue;
      if (token_is_query && token.key == g.past + row.index) return std::nullopt;
      if (visibility.Sees(row.batch, row.head, row.index, token.key)) return std::nullopt;
    }
    return row;
  };
  const RowMap other_keys = [&](const Row& row) -> std::optional<Row> {
    const bool changed = std::ranges::any_of(tokens, [&row](const Token& token) {
      return token.batch == row.batch && token.key == row.index;
    });
    return changed ? std::nullopt : std::optional(row);
  };
  return CompareAll(subject, *before, *after, blind_rows, other_keys, "a masked token was changed");
}

Verdict CheckMaskMagnitude(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x02));
  Case base = c;
  if (GeometryOf(base).total > 1) EnsureMaskedKey(base, rng);
  base.attributes.mask_filter_value.reset();
  constexpr std::array kFills{-1.0F, -1e4F, -1e8F, -kLargest, -kInfinity, -0x1p-149F, -80.0F};
  std::array<Case, 2> variants{base, base};
  const uint64_t first = rng.Below(kFills.size());
  const uint64_t second = (first + 1 + rng.Below(kFills.size() - 1)) % kFills.size();
  variants[0].attributes.mask_filter_value = kFills[first];
  variants[1].attributes.mask_filter_value = kFills[second];

  Verdict verdict;
  std::optional<Trial> before = Try(subject, std::move(base), verdict);
  if (!before) return verdict;
  Verdict combined = NotApplicable();
  for (Case& variant : variants) {
    std::optional<Trial> after = Try(subject, std::move(variant), verdict);
    if (after) {
      verdict =
          CompareAll(subject, *before, *after, SameRow, SameRow, "mask_filter_value was changed");
    }
    combined = Combine(combined, verdict);
    if (combined.kind == VerdictKind::kBroken) break;
  }
  return combined;
}

Verdict CheckMaskedWeightZero(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  constexpr int64_t kMaxRuns = 4;
  Rng rng(MixSeeds(c.salt, 0x03));
  Case base = c;
  if (GeometryOf(base).total > 1) EnsureMaskedKey(base, rng);
  EnsureSeeingRow(base, rng);
  const Geometry g = GeometryOf(base);
  const Visibility visibility(base);
  const int64_t chunk = g.value_head_size;
  const int64_t runs = (g.total + chunk - 1) / chunk;
  const int64_t first_run = runs > kMaxRuns ? rng.Between(0, runs - kMaxRuns) : 0;
  const int64_t end_run = std::min(runs, first_run + kMaxRuns);
  // Sum of the weights of a row; NaN once a part of it could not be judged.
  std::vector<double> sums(static_cast<size_t>(g.batch * g.heads * g.sequence), 0.0);

  Tally tally("attention weights read off one-hot values");
  for (int64_t run = first_run; run < end_run; ++run) {
    std::optional<WeightProbe> probe = MakeProbe(base, run * chunk);
    if (!probe) return NotApplicable();
    Verdict verdict;
    std::optional<Trial> trial = Try(subject, std::move(probe->c), verdict);
    if (!trial) return verdict;
    const Reference& reference = trial->Judge(subject);
    const std::span<const float> got = trial->output();
    size_t row = 0;
    for (int64_t b = 0; b < g.batch; ++b) {
      for (int64_t n = 0; n < g.heads; ++n) {
        for (int64_t s = 0; s < g.sequence; ++s, ++row) {
          const RowState state = reference.row(b, n, s);
          if (state == RowState::kFullyMasked) continue;
          for (int64_t key = 0; key < probe->keys; ++key) {
            const auto i = static_cast<size_t>(OutputIndex(c.op, g, b, n, s, key));
            const Position position{
                .batch = b, .head = n, .query = s, .column = probe->first_key + key};
            const double weight = got[i] / probe->unit;
            if (state != RowState::kBounded) {
              tally.Undecided();
              sums[row] = std::numeric_limits<double>::quiet_NaN();
            } else if (!visibility.Sees(b, n, s, probe->first_key + key)) {
              tally.Judge(position, 0.0, weight, 0.0);
            } else {
              const double unit = std::fabs(probe->unit);
              tally.JudgeMixture(position, reference.output[i] / probe->unit, weight,
                                 reference.bound[i] / unit, reference.largest[i] / unit);
            }
            sums[row] += weight;
          }
        }
      }
    }
  }
  // Several runs only belong together if all weigh alike.
  if (end_run - first_run == runs && (runs == 1 || subject.promises().deterministic)) {
    size_t row = 0;
    for (int64_t b = 0; b < g.batch; ++b) {
      for (int64_t n = 0; n < g.heads; ++n) {
        for (int64_t s = 0; s < g.sequence; ++s, ++row) {
          if (visibility.FullyMasked(b, n, s) || std::isnan(sums[row])) continue;
          // docs/invariants.md (4).
          const auto keys = static_cast<double>(g.total);
          const double roundings = (3.0 * keys + 6.0) * 0x1p-24;
          tally.Judge({.batch = b, .head = n, .query = s, .column = -1}, 1.0, sums[row],
                      roundings / (1.0 - roundings) + keys * 0x1p-125);
        }
      }
    }
  }
  return tally.Finish();
}

}  // namespace maskproof
