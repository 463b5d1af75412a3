// How simple a recipe is: the order that shrinking descends. Internal to properties/recipe.
#ifndef MASKPROOF_PROPERTIES_RECIPE_MEASURE_H_
#define MASKPROOF_PROPERTIES_RECIPE_MEASURE_H_

#include <compare>
#include <cstdint>

#include "properties/recipe/recipe.h"

namespace maskproof {

// Compared member by member. Pairs of natural numbers in this order have no infinite descent, so a
// step that makes the structure smaller may make the details any larger: other seeds may be tried
// together with smaller sizes.
struct Measure {
  uint64_t structure = 0;  // faults, cells, sizes, options
  uint64_t details = 0;    // distributions, parameters, seeds, salt

  auto operator<=>(const Measure&) const = default;
};

Measure MeasureOf(const Recipe& recipe);

// Rank of a pattern by simplicity, 0 the simplest.
uint64_t PatternRank(KeepPattern pattern);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_RECIPE_MEASURE_H_
