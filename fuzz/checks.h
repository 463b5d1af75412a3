// Which laws one input is held against, and on which subjects: docs/fuzzing.md, "What one input
// checks".
#ifndef MASKPROOF_FUZZ_CHECKS_H_
#define MASKPROOF_FUZZ_CHECKS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "fuzz/target.h"
#include "properties/invariants/invariant.h"
#include "properties/recipe/recipe.h"
#include "properties/subjects/subject.h"

namespace maskproof::fuzz {

struct Broken {
  const Invariant* invariant = nullptr;
  Subject* subject = nullptr;
  Verdict verdict;
};

// The first of the laws that the recipe's turn brings up to be broken, if any is. Does not return
// if the recipe breaks a law of recipes.
std::optional<Broken> FindBroken(const Target& target, const Recipe& recipe);

// Target::run of the targets that check operators.
InputResult RunCase(const Target& target, const uint8_t* data, size_t size, std::string& error);

}  // namespace maskproof::fuzz

#endif  // MASKPROOF_FUZZ_CHECKS_H_
