// concurrent-calls: what one call computes is no business of another at the same time.
#include <memory>
#include <utility>

#include "properties/base/rng.h"
#include "properties/invariants/compare.h"
#include "properties/invariants/laws.h"
#include "properties/invariants/tensor_ops.h"
#include "properties/invariants/transform.h"

namespace maskproof {
namespace {

// Enough for calls of a microsecond to meet at many places, few beside what a thread costs.
constexpr int kTimes = 12;

// Other data in all that a kernel computes with. A scratch buffer that two calls share does no harm
// as long as both put the same into it.
Case WithOtherData(Case c, Rng& rng) {
  for (const TensorId id : {TensorId::kInput, TensorId::kWeights, TensorId::kPast, TensorId::kQuery,
                            TensorId::kKey, TensorId::kValue}) {
    if (c.has(id)) FillRandom(At(c, id), 0, At(c, id).size(), rng);
  }
  return c;
}

}  // namespace

Verdict CheckConcurrentCalls(Subject& subject, const Case& c) {
  if (Empty(c) || !subject.promises().reentrant) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x1A));
  Verdict verdict;
  std::optional<Trial> alone = Try(subject, c, verdict);
  if (!alone) return verdict;
  // Of the same sizes every other time: what is kept by size is then shared as well.
  Case other = WithOtherData(rng.OneIn(2) ? c : AppendTokens(c, 3, false, rng), rng);
  if (!subject.Supports(other)) return NotApplicable();
  RunRequest request;
  request.company = std::make_shared<const Case>(std::move(other));
  request.times = kTimes;
  std::optional<Trial> beside = Try(subject, c, verdict, request);
  if (!beside) return verdict;
  return CompareCalls(subject, *alone, *beside, "beside another call",
                      "present beside another call");
}

}  // namespace maskproof
