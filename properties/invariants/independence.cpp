// The laws that say what a row must not depend on: other batches, other heads, threads, other
// calls.
#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "properties/base/rng.h"
#include "properties/invariants/compare.h"
#include "properties/invariants/laws.h"
#include "properties/invariants/tensor_ops.h"
#include "properties/invariants/transform.h"

namespace maskproof {
namespace {

// Other data in the first batch.
void ScrambleFirstBatch(Case& c, Rng& rng) {
  for (const TensorId id : {TensorId::kInput, TensorId::kQuery, TensorId::kKey, TensorId::kValue}) {
    if (c.has(id)) FillRandom(At(c, id), 0, At(c, id).size() / At(c, id).dims[0], rng);
  }
}

// Other data in the first head's queries, keys and values.
void ScrambleFirstHead(Case& c, Rng& rng) {
  const Geometry g = GeometryOf(c);
  if (c.op == Op::kCore) {
    for (const TensorId id : {TensorId::kQuery, TensorId::kKey, TensorId::kValue}) {
      Tensor& tensor = At(c, id);
      const int64_t head = tensor.size() / (g.batch * g.heads);
      for (int64_t b = 0; b < g.batch; ++b) FillRandom(tensor, b * g.heads * head, head, rng);
    }
    return;
  }
  Tensor& weights = At(c, TensorId::kWeights);
  for (int64_t d = 0; d < g.input_width; ++d) {
    const int64_t row = d * weights.dims[1];
    FillRandom(weights, row, g.head_size, rng);
    FillRandom(weights, row + g.hidden(), g.head_size, rng);
    FillRandom(weights, row + (2 * g.hidden()), g.value_head_size, rng);
  }
}

// The rows whose place in the changed case is a place of the original.
RowMap MovedBatches(const std::vector<int64_t>& batches) {
  return [&batches](const Row& row) -> std::optional<Row> {
    return Row{
        .batch = batches[static_cast<size_t>(row.batch)], .head = row.head, .index = row.index};
  };
}

RowMap MovedHeads(const std::vector<int64_t>& heads) {
  return [&heads](const Row& row) -> std::optional<Row> {
    return Row{
        .batch = row.batch, .head = heads[static_cast<size_t>(row.head)], .index = row.index};
  };
}

}  // namespace

Verdict CheckBatchIndependence(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x09));
  const int64_t batch = GeometryOf(c).batch;
  Verdict verdict;
  std::optional<Trial> original = Try(subject, c, verdict);
  if (!original) return verdict;
  if (batch == 1) {
    // Alone as it is: give it company.
    Case pair = TakeBatches(c, std::array<int64_t, 2>{0, 0});
    ScrambleFirstBatch(pair, rng);
    std::optional<Trial> changed = Try(subject, std::move(pair), verdict);
    if (!changed) return verdict;
    const RowMap second = [](const Row& row) -> std::optional<Row> {
      if (row.batch == 0) return std::nullopt;
      return Row{.batch = 0, .head = row.head, .index = row.index};
    };
    return CompareAll(subject, *original, *changed, second, second, "beside another batch");
  }
  const std::vector<int64_t> alone{rng.Between(0, batch - 1)};
  std::optional<Trial> changed = Try(subject, TakeBatches(c, alone), verdict);
  if (!changed) return verdict;
  Verdict lonely = CompareAll(subject, *original, *changed, MovedBatches(alone),
                              MovedBatches(alone), "a batch on its own");
  if (lonely.kind == VerdictKind::kBroken) return lonely;
  std::vector<int64_t> order = Range(0, batch);
  std::ranges::rotate(order, order.begin() + rng.Between(1, batch - 1));
  changed = Try(subject, TakeBatches(c, order), verdict);
  if (!changed) return Combine(lonely, verdict);
  return Combine(lonely, CompareAll(subject, *original, *changed, MovedBatches(order),
                                    MovedBatches(order), "the batches in another order"));
}

Verdict CheckHeadIndependence(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x0A));
  const int64_t heads = GeometryOf(c).heads;
  Verdict verdict;
  std::optional<Trial> original = Try(subject, c, verdict);
  if (!original) return verdict;
  if (heads == 1) {
    Case pair = TakeHeads(c, std::array<int64_t, 2>{0, 0});
    ScrambleFirstHead(pair, rng);
    std::optional<Trial> changed = Try(subject, std::move(pair), verdict);
    if (!changed) return verdict;
    const RowMap second = [](const Row& row) -> std::optional<Row> {
      if (row.head == 0) return std::nullopt;
      return Row{.batch = row.batch, .head = 0, .index = row.index};
    };
    return CompareAll(subject, *original, *changed, second, second, "beside another head");
  }
  const std::vector<int64_t> alone{rng.Between(0, heads - 1)};
  std::optional<Trial> changed = Try(subject, TakeHeads(c, alone), verdict);
  if (!changed) return verdict;
  Verdict lonely = CompareAll(subject, *original, *changed, MovedHeads(alone), MovedHeads(alone),
                              "a head on its own");
  if (lonely.kind == VerdictKind::kBroken) return lonely;
  std::vector<int64_t> order = Range(0, heads);
  std::ranges::rotate(order, order.begin() + rng.Between(1, heads - 1));
  changed = Try(subject, TakeHeads(c, order), verdict);
  if (!changed) return Combine(lonely, verdict);
  return Combine(lonely, CompareAll(subject, *original, *changed, MovedHeads(order),
                                    MovedHeads(order), "the heads in another order"));
}

Verdict CheckThreadIndependence(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x0B));
  constexpr std::array kThreads{2, 3, 5, 8};
  RunRequest request;
  request.threads = 1;
  Verdict verdict;
  std::optional<Trial> single = Try(subject, c, verdict, request);
  if (!single) return verdict;
  request.threads = kThreads[rng.Below(kThreads.size())];
  std::optional<Trial> several = Try(subject, c, verdict, request);
  if (!several) return verdict;
  return CompareAll(subject, *single, *several, SameRow, SameRow, "with another number of threads");
}

Verdict CheckDeterminism(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x0C));
  Verdict verdict;
  std::optional<Trial> first = Try(subject, c, verdict);
  if (!first) return verdict;
  // Every other time another call in between, of other data and larger: whatever it leaves behind
  // must not count. At once otherwise, lest a subject that alternates go unseen.
  Case other = AppendTokens(c, 3, false, rng);
  ScrambleFirstBatch(other, rng);
  if (rng.OneIn(2) && subject.Supports(other)) {
    const Outcome between = subject.Run(other);
    if (between.kind == OutcomeKind::kCrashed || between.kind == OutcomeKind::kHung ||
        between.kind == OutcomeKind::kExhausted) {
      Tally tally("the call in between");
      tally.Fail(std::string(OutcomeKindName(between.kind)) + ": " + between.message);
      return tally.Finish();
    }
  }
  std::optional<Trial> second = Try(subject, c, verdict);
  if (!second) return verdict;
  return CompareCalls(subject, *first, *second, "the second call", "present of the second call");
}

}  // namespace maskproof
