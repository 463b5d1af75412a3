// Tells libFuzzer which corners of the space of recipes an input is in, beside the code that it
// runs: an input in a new corner joins the corpus though it runs nothing new.
#ifndef MASKPROOF_FUZZ_COVERAGE_COUNTERS_H_
#define MASKPROOF_FUZZ_COVERAGE_COUNTERS_H_

#include "properties/case/case.h"
#include "properties/recipe/recipe.h"

namespace maskproof::fuzz {

// Counts the corners of the case that `recipe` expands to. Engines that do not know of libFuzzer's
// extra counters do not look.
void CountCoverage(const Recipe& recipe, const Case& expanded);

}  // namespace maskproof::fuzz

#endif  // MASKPROOF_FUZZ_COVERAGE_COUNTERS_H_
