#include "cli/recipe_file.h"

#include <fmt/format.h>

#include "cli/files.h"
#include "cli/names.h"

namespace maskproof::cli {
namespace {

// Far more than any recipe needs.
constexpr size_t kMaxRecipeBytes = 1 << 20;

}  // namespace

std::optional<Recipe> ReadRecipe(const std::string& file, std::string& error) {
  const std::optional<std::string> text = ReadFile(file, kMaxRecipeBytes, error);
  if (!text) return std::nullopt;
  const ParsedRecipe parsed = ParseText(*text, FileLimits());
  if (!parsed.recipe) error = fmt::format("{}: {}", Printable(file), Printable(parsed.error));
  return parsed.recipe;
}

}  // namespace maskproof::cli
