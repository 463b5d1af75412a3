#include "fuzz/input.h"

#include <utility>

namespace maskproof::fuzz {
namespace {

constexpr std::string_view kTextStart = "maskproof recipe";

void Restrict(const Target& target, const Limits& limits, Recipe& recipe) {
  if (target.op) recipe.op = *target.op;
  if (!target.faults) recipe.faults.clear();
  Normalize(recipe, limits);
}

}  // namespace

Limits FuzzLimits() {
  Limits limits;
  limits.max_work = 100'000;
  return limits;
}

GenerateOptions OptionsOf(const Target& target) {
  GenerateOptions options;
  options.op = target.op;
  options.allow_faults = target.faults;
  options.limits = FuzzLimits();
  return options;
}

std::optional<std::string_view> AsText(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string_view rest = text;
  while (!rest.empty() && (rest[0] == '#' || rest[0] == '\n')) {
    const size_t end = rest.find('\n');
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  if (!rest.starts_with(kTextStart)) return std::nullopt;
  return text;
}

std::optional<Recipe> DecodeInput(const Target& target, const uint8_t* data, size_t size,
                                  std::string& error) {
  if (const auto text = AsText(data, size)) {
    ParsedRecipe parsed = ParseText(*text, FileLimits());
    if (!parsed.recipe) {
      error = std::move(parsed.error);
      return std::nullopt;
    }
    // Somebody wrote this one: it keeps its size as far as the default limits go.
    Restrict(target, Limits(), *parsed.recipe);
    return std::move(parsed.recipe);
  }
  const Limits limits = FuzzLimits();
  Recipe recipe = DecodeBytes(data, size, limits);
  Restrict(target, limits, recipe);
  return recipe;
}

}  // namespace maskproof::fuzz
