#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/commands.h"
#include "cli/names.h"
#include "cli/picture.h"
#include "cli/recipe_file.h"
#include "properties/case/validity.h"

namespace maskproof::cli {

int RunShow(const ShowArguments& arguments) {
  std::string error;
  const std::optional<Recipe> recipe = ReadRecipe(arguments.file, error);
  if (!recipe) return Fail(error);
  const Case c = Expand(*recipe);
  const ValidityVerdict verdict = JudgeValidity(c);
  fmt::print("{}\n", ToText(*recipe));
  fmt::print("operator  {}\n", OpName(recipe->op));
  fmt::print("traits    {}\n", fmt::join(Classify(*recipe, c), ", "));
  switch (verdict.validity) {
    case Validity::kValid:
      fmt::print("validity  valid\nsizes     {}\n", DescribeGeometry(c));
      break;
    case Validity::kInvalid:
      fmt::print("validity  malformed: {}: {}\n", verdict.subject, verdict.reason);
      break;
    case Validity::kUnsupported:
      fmt::print("validity  optional feature: {}: {}\n", verdict.subject, verdict.reason);
      break;
  }
  fmt::print("{}", DescribeCase(c));
  if (verdict.validity == Validity::kValid) {
    fmt::print("mask (one line per query, # for a key that it sees)\n{}", MaskPicture(c));
  }
  return kExitClean;
}

}  // namespace maskproof::cli
