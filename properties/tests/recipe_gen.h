// RapidCheck's door to recipes: its randomness and size drive our generator, our shrinker its
// search for a smaller counterexample.
#ifndef MASKPROOF_PROPERTIES_TESTS_RECIPE_GEN_H_
#define MASKPROOF_PROPERTIES_TESTS_RECIPE_GEN_H_

#include <rapidcheck.h>

#include <ostream>
#include <vector>

#include "properties/recipe/recipe.h"

namespace maskproof {

// Found by RapidCheck through argument-dependent lookup.
inline void showValue(const Recipe& recipe, std::ostream& os) { os << '\n' << ToText(recipe); }

inline rc::Gen<Recipe> RecipeGen(const GenerateOptions& options) {
  return [options](const rc::Random& random, int size) {
    rc::Random source = random;
    Rng rng(source.next());
    GenerateOptions sized = options;
    sized.size = size;
    return rc::shrinkable::shrinkRecur(Generate(rng, sized),
                                       [limits = options.limits](const Recipe& r) {
                                         return rc::seq::fromContainer(ShrinkCandidates(r, limits));
                                       });
  };
}

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_TESTS_RECIPE_GEN_H_
