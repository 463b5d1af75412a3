// A recipe as the lines of its text, before they are joined. Internal to properties/recipe.
#ifndef MASKPROOF_PROPERTIES_RECIPE_TEXT_LINES_H_
#define MASKPROOF_PROPERTIES_RECIPE_TEXT_LINES_H_

#include <string>
#include <vector>

#include "properties/recipe/recipe.h"

namespace maskproof {

struct TextLine {
  std::string field;  // what the line is about: "heads", "values past", "set", "fault"
  std::string value;  // the rest of the line
};

// All lines but the first, in canonical order.
std::vector<TextLine> ToLines(const Recipe& recipe);

inline constexpr std::string_view kTextStart = "maskproof recipe";

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_RECIPE_TEXT_LINES_H_
