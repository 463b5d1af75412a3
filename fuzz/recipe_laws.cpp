#include "fuzz/recipe_laws.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <vector>

#include "fuzz/finding.h"
#include "fuzz/input.h"
#include "properties/base/rng.h"
#include "properties/case/validity.h"

namespace maskproof::fuzz {
namespace {

constexpr uint64_t kSearchStream = 0x7265636970656C61U;
// No tensor of a case may take more: the bound that recipes promise for reshaped tensors too.
constexpr size_t kMostTensorBytes = size_t{16} << 20U;

class Laws {
 public:
  explicit Laws(const Target& target) : target_(target) {}

  void Text(std::string_view text) const {
    const ParsedRecipe parsed = ParseText(text, FileLimits());
    if (parsed.recipe.has_value() != parsed.error.empty()) {
      ReportBrokenRecipe(target_, nullptr, RecipeLaw::kErrorOrRecipe,
                         "ParseText gave both a recipe and an error, or neither");
    }
    if (!parsed.recipe) return;
    RoundTrips(*parsed.recipe, FileLimits());
    // What follows costs with the size of the case.
    Recipe small = *parsed.recipe;
    const Limits limits = FuzzLimits();
    Normalize(small, limits);
    All(small, limits);
  }

  void All(const Recipe& recipe, const Limits& limits) const {
    RoundTrips(recipe, limits);
    Expansion(recipe);
    Searches(recipe, limits);
  }

 private:
  void Normalized(const Recipe& recipe, const Limits& limits, std::string_view origin) const {
    Recipe again = recipe;
    Normalize(again, limits);
    if (again == recipe) return;
    ReportBrokenRecipe(target_, &recipe, RecipeLaw::kNormalized, origin);
  }

  void RoundTrips(const Recipe& recipe, const Limits& limits) const {
    Normalized(recipe, limits, "a decoded recipe is not normalized");
    const std::string text = ToText(recipe);
    const ParsedRecipe parsed = ParseText(text, limits);
    if (!parsed.recipe) {
      ReportBrokenRecipe(target_, &recipe, RecipeLaw::kTextRoundTrip, parsed.error);
    }
    if (!(*parsed.recipe == recipe) || ToText(*parsed.recipe) != text) {
      ReportBrokenRecipe(target_, &recipe, RecipeLaw::kTextRoundTrip,
                         "the recipe's text gives another recipe");
    }
    const std::vector<uint8_t> bytes = EncodeBytes(recipe);
    if (DecodeBytes(bytes.data(), bytes.size(), limits) == recipe) return;
    ReportBrokenRecipe(target_, &recipe, RecipeLaw::kBytesRoundTrip,
                       "the recipe's bytes give another recipe");
  }

  void Expansion(const Recipe& recipe) const {
    const Case c = Expand(recipe);
    for (size_t i = 0; i < kTensorCount; ++i) {
      const std::optional<Tensor>& tensor = c.tensors[i];
      if (!tensor) continue;
      // Faults may ask for impossible dims: such a tensor has no data.
      const auto count = static_cast<size_t>(std::max<int64_t>(ElementCount(tensor->dims), 0));
      if (tensor->bytes.size() != count * ElementSize(tensor->type) ||
          tensor->bytes.size() > kMostTensorBytes) {
        ReportBrokenRecipe(target_, &recipe, RecipeLaw::kExpansion,
                           TensorName(static_cast<TensorId>(i)));
      }
    }
    if (!(Expand(recipe) == c)) {
      ReportBrokenRecipe(target_, &recipe, RecipeLaw::kExpansion,
                         "a second expansion gives another case");
    }
    if (!recipe.faults.empty()) return;
    const ValidityVerdict judged = JudgeValidity(c);
    if (judged.validity == Validity::kValid) return;
    ReportBrokenRecipe(target_, &recipe, RecipeLaw::kValidWithoutFaults, judged.reason);
  }

  void Searches(const Recipe& recipe, const Limits& limits) const {
    Rng rng(MixSeeds(recipe.salt, kSearchStream));
    GenerateOptions options = OptionsOf(target_);
    options.limits = limits;
    Normalized(Mutate(recipe, rng, options), limits, "a mutated recipe is not normalized");
    Normalized(CrossOver(recipe, Generate(rng, options), rng, options), limits,
               "a crossed recipe is not normalized");
    const std::vector<Recipe> candidates = ShrinkCandidates(recipe, limits);
    if (candidates.empty()) return;
    const Recipe& candidate = candidates[rng.Below(candidates.size())];
    Normalized(candidate, limits, "a shrink candidate is not normalized");
    if (!(candidate == recipe)) return;
    ReportBrokenRecipe(target_, &recipe, RecipeLaw::kShrink,
                       "a shrink candidate equals its recipe");
  }

  const Target& target_;
};

}  // namespace

InputResult RunRecipe(const Target& target, const uint8_t* data, size_t size,
                      std::string& /*error*/) {
  const Laws laws(target);
  if (const auto text = AsText(data, size)) {
    laws.Text(*text);
    return InputResult::kRan;
  }
  const Limits limits = FuzzLimits();
  laws.All(DecodeBytes(data, size, limits), limits);
  return InputResult::kRan;
}

}  // namespace maskproof::fuzz
