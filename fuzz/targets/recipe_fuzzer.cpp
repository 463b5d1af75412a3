// Untrusted recipe text and bytes against the laws of the recipe library.
#include "fuzz/recipe_laws.h"
#include "fuzz/target.h"

namespace maskproof::fuzz {

const Target& ThisTarget() {
  static constexpr Target kTarget = {.name = "recipe_fuzzer",
                                     .op = std::nullopt,
                                     .faults = true,
                                     .mutate_text = true,
                                     .run = RunRecipe};
  return kTarget;
}

}  // namespace maskproof::fuzz
