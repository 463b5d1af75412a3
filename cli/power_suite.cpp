// The suite as a hunter.
#include <fmt/format.h>

#include <utility>

#include "cli/campaign.h"
#include "cli/hunt_clock.h"
#include "cli/interrupt.h"
#include "cli/power.h"
#include "cli/shrink.h"

namespace maskproof::cli {
namespace {

// Patient: how small a finding can get is part of the score.
constexpr ShrinkBudget kShrink = {.seconds = 20.0, .tries = 4000};
constexpr int kReproduceTries = 3;
// A pair to which none of so many cases applied is looked at in every eighth round only.
constexpr int64_t kIdleAfter = 64;
constexpr int64_t kIdleRounds = 8;

struct Pair {
  Op op;
  const Invariant* invariant;
  int64_t drawn = 0;
  int64_t applied = 0;
};

std::vector<Pair> AllPairs() {
  std::vector<Pair> pairs;
  for (const Invariant& invariant : Invariants()) {
    for (const Op op : {Op::kAttention, Op::kQAttention, Op::kCore}) {
      if (invariant.applies_to(op)) pairs.push_back({.op = op, .invariant = &invariant});
    }
  }
  return pairs;
}

ShrunkCase Shrink(Subject& subject, const Invariant& invariant, Recipe recipe, Verdict verdict) {
  const HuntClock clock(subject);
  Shrinker shrinker(subject, invariant, std::move(recipe), std::move(verdict), kShrink, {});
  while (!shrinker.done() && !Interrupted()) {
    shrinker.Work(Clock::now() + std::chrono::milliseconds(100));
  }
  ShrunkCase shrunk{.recipe = shrinker.recipe(),
                    .invariant = invariant.id,
                    .evidence = shrinker.verdict().evidence.summary,
                    .tries = shrinker.tries()};
  for (int i = 0; i < kReproduceTries && !shrunk.reproduced; ++i) {
    const Verdict again = invariant.check(subject, Expand(shrunk.recipe));
    shrunk.reproduced = again.kind == VerdictKind::kBroken;
  }
  shrunk.seconds = clock.Seconds();
  return shrunk;
}

}  // namespace

SuiteHunt HuntWithSuite(Subject& subject, const HuntOptions& options) {
  CampaignOptions campaign;
  campaign.seed = options.seed;
  std::vector<Pair> pairs = AllPairs();
  SuiteHunt hunt;
  const HuntClock clock(subject);
  for (int64_t round = 0; clock.Seconds() < options.seconds && !Interrupted(); ++round) {
    for (Pair& pair : pairs) {
      if (pair.applied == 0 && pair.drawn >= kIdleAfter && round % kIdleRounds != 0) continue;
      const Invariant& invariant = *pair.invariant;
      Recipe recipe = CampaignRecipe(campaign, pair.op, invariant, pair.drawn++);
      Verdict verdict = invariant.check(subject, Expand(recipe));
      if (Interrupted()) break;
      if (verdict.kind == VerdictKind::kNotApplicable) continue;
      ++pair.applied;
      ++hunt.cases;
      if (verdict.kind != VerdictKind::kBroken) continue;
      hunt.caught = true;
      hunt.seconds = clock.Seconds();
      hunt.by = fmt::format("{} on {}", invariant.id, OpName(pair.op));
      hunt.evidence = verdict.evidence.summary;
      if (options.shrink) {
        hunt.shrunk = Shrink(subject, invariant, std::move(recipe), std::move(verdict));
      }
      return hunt;
    }
  }
  hunt.seconds = clock.Seconds();
  return hunt;
}

}  // namespace maskproof::cli
