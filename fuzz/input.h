// From the bytes of an input to a recipe: docs/fuzzing.md, "From bytes to a recipe".
#ifndef MASKPROOF_FUZZ_INPUT_H_
#define MASKPROOF_FUZZ_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "fuzz/target.h"
#include "properties/recipe/recipe.h"

namespace maskproof::fuzz {

// Bounds on recipes that come from bytes: small cases, many a second, yet past the width of every
// vector and past one 64-key mask word.
Limits FuzzLimits();

// Options for generating and mutating recipes of this target.
GenerateOptions OptionsOf(const Target& target);

// The input as text if it is recipe text: comments and blank lines may come before the first line.
std::optional<std::string_view> AsText(const uint8_t* data, size_t size);

// The recipe that an input stands for, with the target's operator forced and faults dropped if the
// target has none. Empty, with a reason, for text that is no recipe; bytes always give one.
std::optional<Recipe> DecodeInput(const Target& target, const uint8_t* data, size_t size,
                                  std::string& error);

}  // namespace maskproof::fuzz

#endif  // MASKPROOF_FUZZ_INPUT_H_
