// The parts of Expand(). Internal to properties/recipe.
#ifndef MASKPROOF_PROPERTIES_RECIPE_EXPAND_H_
#define MASKPROOF_PROPERTIES_RECIPE_EXPAND_H_

#include <cstdint>
#include <span>

#include "properties/case/case.h"
#include "properties/recipe/recipe.h"

namespace maskproof {

// Draws all elements of tensor `id`, a matrix with rows of `columns` elements. Scale tensors differ
// in their distributions (docs/recipes.md).
void FillFloat(TensorId id, const Values& values, size_t columns, std::span<float> out);

// Draws numbers, rounded to whole ones and saturated to the type. `zero_points` has one entry or
// one for each column; only the identity looks at it.
void FillQuantized(TensorId id, const Values& values, size_t columns,
                   std::span<const int32_t> zero_points, Tensor& out);

// mask_index of a recipe that has one.
Tensor ExpandMask(const Recipe& recipe);

void ApplyFaults(const Recipe& recipe, Case& c);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_RECIPE_EXPAND_H_
