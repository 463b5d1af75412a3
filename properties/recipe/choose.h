// Choices that the generator, the mutator and the fault maker share. Internal to properties/recipe.
#ifndef MASKPROOF_PROPERTIES_RECIPE_CHOOSE_H_
#define MASKPROOF_PROPERTIES_RECIPE_CHOOSE_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "properties/recipe/recipe.h"

namespace maskproof {

template <typename T, size_t N>
T PickOf(Rng& rng, const T (&items)[N]) {
  return items[rng.Below(N)];
}

// True with probability `percent` / 100.
inline bool Percent(Rng& rng, uint64_t percent) { return rng.Below(100) < percent; }

// A size from 1 to `max`: half the time one next to a vector width or a power of two, where kernels
// have their seams, otherwise uniform.
int64_t ChooseSize(Rng& rng, int64_t max);

// Seeds are kept short: people read them.
uint32_t ChooseSeed(Rng& rng);

// Each is complete for a recipe whose other structural fields are set.
// For rows of `total` keys.
MaskRecipe ChooseMask(Rng& rng, int64_t total);
KeepPattern ChoosePattern(Rng& rng, MaskForm form);
Values ChooseValues(Rng& rng, const Recipe& recipe, TensorId id);
int64_t ChooseUnidirectional(Rng& rng);
float ChooseScale(Rng& rng);
float ChooseBiasMaskedValue(Rng& rng);
float ChooseMaskFilterValue(Rng& rng);
// A cell of some tensor of the recipe; `wild` allows NaN, infinities and numbers near overflow.
CellOverride ChooseCell(Rng& rng, const Recipe& recipe, bool wild);
CellOverride ChooseMaskCell(Rng& rng, const Recipe& recipe);
// Appends cells. May change the rest of the recipe, sizes included, where a cell of some kind takes
// that to tell.
void ChooseCells(Rng& rng, Recipe& recipe);

// Appends one structural fault, with what has to come with it (a cell, a fault in another tensor).
void AddFault(Rng& rng, Recipe& recipe, const Limits& limits);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_RECIPE_CHOOSE_H_
