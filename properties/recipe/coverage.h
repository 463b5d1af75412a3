// Which corners of the space of recipes a search has reached. A bin is one corner of one operator:
// a combination of mask form, causal masking, past, tail and extreme values, or a single property
// of a case in which bugs live (docs/recipes.md).
#ifndef MASKPROOF_PROPERTIES_RECIPE_COVERAGE_H_
#define MASKPROOF_PROPERTIES_RECIPE_COVERAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "properties/recipe/recipe.h"

namespace maskproof {

// Bins are numbered from 0, all those of an operator in a row.
size_t CoverageBinCount();
Op CoverageBinOp(size_t bin);
std::string CoverageBinName(size_t bin);
// Whether a recipe of the operator can have it at all.
bool CoverageBinReachable(size_t bin);

// The bins of the case that `recipe` expands to, in ascending order.
std::vector<uint16_t> CoveredBins(const Recipe& recipe, const Case& expanded);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_RECIPE_COVERAGE_H_
