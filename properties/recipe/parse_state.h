// What is known of a recipe text while it is read. Internal to properties/recipe.
#ifndef MASKPROOF_PROPERTIES_RECIPE_PARSE_STATE_H_
#define MASKPROOF_PROPERTIES_RECIPE_PARSE_STATE_H_

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "properties/recipe/names.h"
#include "properties/recipe/recipe.h"

namespace maskproof {

struct ParseState {
  Recipe recipe;
  int line = 0;  // being read; 0: the error is not in a line
  // Where each field stands; 0 if it is not written.
  std::array<int, kKeyCount> key_lines{};
  std::array<int, kTensorCount> values_lines{};
  std::vector<int> cell_lines;
  std::vector<int> fault_lines;
  std::string error;

  // Sets the error. Always false.
  bool Fail(std::string_view field, const std::string& expected, const std::string& got);
};

// Untrusted text as part of a message: short, and nothing but printable characters.
std::string Quoted(std::string_view text);

// After the last line: settles the defaults that depend on other fields, and refuses fields that do
// not go together.
bool FinishParse(ParseState& state, const Limits& limits);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_RECIPE_PARSE_STATE_H_
