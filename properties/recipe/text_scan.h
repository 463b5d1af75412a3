// Words and numbers of recipe text. The text is untrusted: nothing here takes more time or memory
// than the text is long. Internal to properties/recipe.
#ifndef MASKPROOF_PROPERTIES_RECIPE_TEXT_SCAN_H_
#define MASKPROOF_PROPERTIES_RECIPE_TEXT_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "properties/case/tensor.h"

namespace maskproof {

// Splits at blanks; a word that starts with '#' begins a comment.
std::vector<std::string_view> SplitWords(std::string_view line);

// The whole of `text` must be the number. Anything out of the type's range is refused.
std::optional<int64_t> ScanInteger(std::string_view text, int64_t lo, int64_t hi);
std::optional<uint64_t> ScanUnsigned(std::string_view text);
// "inf", "-inf" and "nan" are numbers. Every NaN becomes the same one.
std::optional<float> ScanFloat(std::string_view text);
std::optional<double> ScanDouble(std::string_view text);

// "3x4x5", at most `max_dims` of them; "scalar" has none.
std::optional<Dims> ScanDims(std::string_view text, size_t max_dims);

// The enumerator below `count` whose name, by `name_of`, is `text`.
template <typename Enum, typename NameOf>
std::optional<Enum> ScanName(std::string_view text, size_t count, NameOf name_of) {
  for (size_t i = 0; i < count; ++i) {
    if (text == name_of(static_cast<Enum>(i))) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_RECIPE_TEXT_SCAN_H_
