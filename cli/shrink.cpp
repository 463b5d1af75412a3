#include "cli/shrink.h"

#include <utility>

#include "cli/interrupt.h"

namespace maskproof::cli {
namespace {

// Rounds of smaller recipes with other random numbers.
constexpr uint64_t kRedraws = 24;

}  // namespace

RecipeSize SizeOf(const Recipe& recipe) {
  return {.heads = recipe.heads, .tokens = recipe.sequence + recipe.past.value_or(0)};
}

Shrinker::Shrinker(Subject& subject, const Invariant& invariant, Recipe recipe, Verdict verdict,
                   ShrinkBudget budget, const Limits& limits)
    : subject_(&subject),
      invariant_(&invariant),
      limits_(limits),
      budget_(budget),
      recipe_(std::move(recipe)),
      verdict_(std::move(verdict)),
      candidates_(ShrinkCandidates(recipe_, limits_)) {}

void Shrinker::Work(Clock::time_point until) {
  const Clock::time_point begin = Clock::now();
  const double seconds_before = seconds_;
  while (!done_) {
    TryNext();
    const Clock::time_point now = Clock::now();
    seconds_ = seconds_before + SecondsBetween(begin, now);
    if (seconds_ >= budget_.seconds || tries_ >= budget_.tries) done_ = true;
    if (now >= until || Interrupted()) break;
  }
}

void Shrinker::TryNext() {
  while (next_ == candidates_.size()) {
    if (redraws_ == kRedraws) {
      done_ = true;
      return;
    }
    candidates_ = RedrawnCandidates(recipe_, redraws_++, limits_);
    next_ = 0;
  }
  Recipe& candidate = candidates_[next_++];
  ++tries_;
  Verdict verdict = invariant_->check(*subject_, Expand(candidate));
  // Ctrl-C reaches an isolated subject's process as well: what it did then proves nothing.
  if (verdict.kind != VerdictKind::kBroken || Interrupted()) return;
  recipe_ = std::move(candidate);
  verdict_ = std::move(verdict);
  candidates_ = ShrinkCandidates(recipe_, limits_);
  next_ = 0;
  redraws_ = 0;
}

}  // namespace maskproof::cli
