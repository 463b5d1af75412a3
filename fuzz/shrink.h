// Makes a broken recipe smaller while it breaks the same law on the same subject.
#ifndef MASKPROOF_FUZZ_SHRINK_H_
#define MASKPROOF_FUZZ_SHRINK_H_

#include "fuzz/checks.h"
#include "properties/recipe/recipe.h"

namespace maskproof::fuzz {

// Greedy; ends after `most_tries` checks at the latest. `broken` is brought up to date.
Recipe Shrink(const Recipe& recipe, int most_tries, Broken& broken);

}  // namespace maskproof::fuzz

#endif  // MASKPROOF_FUZZ_SHRINK_H_
