// Recipe files: text that anybody may have written.
#ifndef MASKPROOF_CLI_RECIPE_FILE_H_
#define MASKPROOF_CLI_RECIPE_FILE_H_

#include <optional>
#include <string>

#include "properties/recipe/recipe.h"

namespace maskproof::cli {

// nullopt with a reason, file and line in `error`.
std::optional<Recipe> ReadRecipe(const std::string& file, std::string& error);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_RECIPE_FILE_H_
