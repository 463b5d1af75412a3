// Which laws one input is held against, and on which subjects: docs/fuzzing.md, "What one input
// checks".
#ifndef MASKPROOF_FUZZ_CHECKS_H_
#define MASKPROOF_FUZZ_CHECKS_H_

#include "fuzz/target.h"
#include "properties/recipe/recipe.h"

namespace maskproof::fuzz {

// Does not return if a law is broken.
void CheckRecipe(const Target& target, const Recipe& recipe);

// Target::run of the targets that check operators.
InputResult RunCase(const Target& target, const uint8_t* data, size_t size, std::string& error);

}  // namespace maskproof::fuzz

#endif  // MASKPROOF_FUZZ_CHECKS_H_
