#include "fuzz/shrink.h"

#include <optional>
#include <utility>

#include "properties/case/validity.h"

namespace maskproof::fuzz {
namespace {

std::optional<Verdict> StillBroken(const Recipe& recipe, const Broken& broken) {
  const Case c = Expand(recipe);
  if (!broken.invariant->applies_to(recipe.op)) return std::nullopt;
  const bool valid = JudgeValidity(c).validity == Validity::kValid;
  if (!valid && broken.invariant->domain == Domain::kValid) return std::nullopt;
  Verdict verdict = broken.invariant->check(*broken.subject, c);
  if (verdict.kind != VerdictKind::kBroken) return std::nullopt;
  return verdict;
}

}  // namespace

Recipe Shrink(const Recipe& recipe, int most_tries, Broken& broken) {
  Recipe smallest = recipe;
  bool smaller = true;
  while (smaller) {
    smaller = false;
    for (Recipe& candidate : ShrinkCandidates(smallest)) {
      if (most_tries-- <= 0) return smallest;
      if (std::optional<Verdict> verdict = StillBroken(candidate, broken)) {
        broken.verdict = std::move(*verdict);
        smallest = std::move(candidate);
        smaller = true;
        break;
      }
    }
  }
  return smallest;
}

}  // namespace maskproof::fuzz
