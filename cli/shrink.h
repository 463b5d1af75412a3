// Greedy shrinking of a recipe that breaks an invariant, a slice of time at a go, so that a
// campaign can shrink many findings side by side. When no single step helps any more, smaller
// recipes with other random numbers are tried for some rounds.
#ifndef MASKPROOF_CLI_SHRINK_H_
#define MASKPROOF_CLI_SHRINK_H_

#include <chrono>
#include <cstdint>
#include <vector>

#include "properties/invariants/invariant.h"
#include "properties/recipe/recipe.h"
#include "properties/subjects/subject.h"

namespace maskproof::cli {

using Clock = std::chrono::steady_clock;

inline double SecondsBetween(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

struct ShrinkBudget {
  double seconds = 0.8;
  int64_t tries = 2000;
};

// Heads and tokens (T) that a recipe asks for.
struct RecipeSize {
  int64_t heads = 0;
  int64_t tokens = 0;
  // As small as a person can check by hand.
  bool Small() const { return heads <= 2 && tokens <= 4; }
};
RecipeSize SizeOf(const Recipe& recipe);

class Shrinker {
 public:
  // `verdict` is the broken verdict that `recipe` gave.
  Shrinker(Subject& subject, const Invariant& invariant, Recipe recipe, Verdict verdict,
           ShrinkBudget budget, const Limits& limits);

  // Tries candidates until `until`, but at least one.
  void Work(Clock::time_point until);

  // No simpler recipe that was tried breaks the invariant, or the budget is spent.
  bool done() const { return done_; }
  const Recipe& recipe() const { return recipe_; }
  const Verdict& verdict() const { return verdict_; }  // of recipe()
  int64_t tries() const { return tries_; }

 private:
  void TryNext();

  Subject* subject_;
  const Invariant* invariant_;
  Limits limits_;
  ShrinkBudget budget_;
  Recipe recipe_;
  Verdict verdict_;
  std::vector<Recipe> candidates_;
  size_t next_ = 0;
  uint64_t redraws_ = 0;  // of the candidates of this recipe
  int64_t tries_ = 0;
  double seconds_ = 0.0;
  bool done_ = false;
};

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_SHRINK_H_
