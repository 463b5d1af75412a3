// The laws about tokens in time: causality, and past against present.
#include <span>
#include <utility>

#include "properties/base/rng.h"
#include "properties/case/visibility.h"
#include "properties/invariants/compare.h"
#include "properties/invariants/laws.h"
#include "properties/invariants/masks.h"
#include "properties/invariants/tensor_ops.h"
#include "properties/invariants/transform.h"

namespace maskproof {
namespace {

// A case of at least two tokens: appends some if there is only one.
Case WithSeveralTokens(const Case& c, Rng& rng) {
  if (GeometryOf(c).sequence > 1) return c;
  const int64_t extra = rng.Between(1, 4);
  return AppendTokens(c, extra, false, rng);
}

// The past rows of `present` must be the bits of the past it was given.
void JudgeCopiedPast(const Trial& trial, Tally& tally) {
  const Geometry g = GeometryOf(trial.c);
  const std::span<const float> past = At(trial.c, TensorId::kPast).as<float>();
  const std::span<const float> present = trial.present();
  for (int64_t item = 0; item < 2 * g.batch * g.heads; ++item) {
    for (int64_t i = 0; i < g.past * g.head_size; ++i) {
      const float given = past[static_cast<size_t>((item * g.past * g.head_size) + i)];
      const float kept = present[static_cast<size_t>((item * g.total * g.head_size) + i)];
      if (SameBits(given, kept)) {
        tally.Agree();
      } else {
        tally.Fail({.batch = (item / g.heads) % g.batch,
                    .head = item % g.heads,
                    .query = i / g.head_size,
                    .column = i % g.head_size},
                   given, kept);
      }
    }
  }
}

}  // namespace

Verdict CheckCausalPrefix(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x07));
  Case whole = WithSeveralTokens(c, rng);
  whole.attributes.unidirectional = 1;
  EnsureSeeingRow(whole, rng);
  const Visibility visibility(whole);
  const int64_t tokens = rng.Between(1, GeometryOf(whole).sequence - 1);
  Case prefix = KeepFirstTokens(whole, tokens);
  Verdict verdict;
  std::optional<Trial> full = Try(subject, std::move(whole), verdict);
  if (!full) return verdict;
  std::optional<Trial> cut = Try(subject, std::move(prefix), verdict);
  if (!cut) return verdict;
  const RowMap seeing_rows = [&](const Row& row) -> std::optional<Row> {
    // A row that sees nothing is the mean over all keys, future ones included.
    if (visibility.FullyMasked(row.batch, row.head, row.index)) return std::nullopt;
    return row;
  };
  verdict = CompareRows(subject, *full, *cut, seeing_rows, "the last tokens were cut off");
  if (!c.want_present) return verdict;
  return Combine(verdict, ComparePresent(subject, *full, *cut, SameRow,
                                         "present, when the last tokens were cut off"));
}

Verdict CheckPastEquivalence(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x08));
  // A past admits no attention_bias and needs heads of one size.
  Case whole = WithSeveralTokens(WithEqualHeadSizes(c), rng);
  whole[TensorId::kAttentionBias].reset();
  whole.want_present = true;
  const int64_t tokens = rng.Between(1, GeometryOf(whole).sequence - 1);
  Verdict verdict;
  std::optional<Trial> first = Try(subject, KeepFirstTokens(whole, tokens), verdict);
  if (!first) return verdict;
  std::optional<Trial> second =
      Try(subject, ContinueAfter(whole, tokens, first->out.present.value_or(Tensor())), verdict);
  if (!second) return verdict;
  std::optional<Trial> full = Try(subject, std::move(whole), verdict);
  if (!full) return verdict;

  Tally copied("present's copy of the past");
  JudgeCopiedPast(*second, copied);
  verdict = Combine(copied.Finish(), ComparePresent(subject, *full, *second, SameRow,
                                                    "present, in two steps instead of one"));
  const RowMap later_rows = [tokens](const Row& row) -> std::optional<Row> {
    return Row{.batch = row.batch, .head = row.head, .index = row.index + tokens};
  };
  return Combine(verdict,
                 CompareRows(subject, *full, *second, later_rows, "in two steps instead of one"));
}

}  // namespace maskproof
