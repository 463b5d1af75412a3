// Laws of the recipe library, checked on untrusted text and bytes.
#ifndef MASKPROOF_FUZZ_RECIPE_LAWS_H_
#define MASKPROOF_FUZZ_RECIPE_LAWS_H_

#include "fuzz/target.h"

namespace maskproof::fuzz {

// Target::run of the recipe target. Text that is refused counts as run: the refusal is the test.
InputResult RunRecipe(const Target& target, const uint8_t* data, size_t size, std::string& error);

}  // namespace maskproof::fuzz

#endif  // MASKPROOF_FUZZ_RECIPE_LAWS_H_
