// Recipes for the tests of recipes.
#ifndef MASKPROOF_PROPERTIES_TESTS_RECIPE_SUPPORT_H_
#define MASKPROOF_PROPERTIES_TESTS_RECIPE_SUPPORT_H_

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <string_view>

#include "properties/case/floats.h"
#include "properties/recipe/recipe.h"

namespace maskproof {

inline Recipe Nth(uint64_t n, GenerateOptions options = {}) {
  Rng rng(MixSeeds(20230119, n));
  return Generate(rng, options);
}

inline GenerateOptions WithFaults() {
  GenerateOptions options;
  options.allow_faults = true;
  return options;
}

inline int64_t Total(const Recipe& r) { return r.past.value_or(0) + r.sequence; }

inline Recipe Parsed(std::string_view text, const Limits& limits = FileLimits()) {
  ParsedRecipe parsed = ParseText(text, limits);
  EXPECT_TRUE(parsed.recipe.has_value()) << parsed.error << "\nin\n" << text;
  return parsed.recipe.value_or(Recipe());
}

// Fields drawn without any regard for what goes together.
inline Recipe Wild(uint64_t n) {
  Rng rng(MixSeeds(7, n));
  Recipe r = Nth(n, WithFaults());
  const auto any = [&] { return static_cast<int64_t>(rng.Next() >> rng.Below(64)); };
  const auto any_float = [&] {
    const std::array<float, 8> corners = {
        0.0F,       -1.0F, 1e38F,  kInfinity,
        -kInfinity, 0.5F,  1e-40F, std::numeric_limits<float>::quiet_NaN()};
    return corners[rng.Below(corners.size())];
  };
  r.op = static_cast<Op>(rng.Below(5));
  r.batch = any();
  r.sequence = -any();
  r.heads = any();
  if (rng.OneIn(2)) r.past = any();
  r.head_size = any();
  r.value_head_size = any();
  r.input_width = any();
  r.scale = any_float();
  r.mask_filter_value = any_float();
  r.bias = rng.OneIn(2);
  r.present = rng.OneIn(2);
  r.explicit_hidden_sizes = rng.OneIn(2);
  r.attention_bias = static_cast<BiasBroadcast>(rng.Below(8));
  r.bias_masked_share = any_float();
  r.bias_masked_value = any_float();
  r.core_layout = static_cast<CoreLayout>(rng.Below(8));
  r.weight_zero_point_per_column = rng.OneIn(2);
  r.mask.form = static_cast<MaskForm>(rng.Below(10));
  r.mask.pattern = static_cast<KeepPattern>(rng.Below(15));
  r.mask.share = any_float();
  r.mask.kept_value = static_cast<int32_t>(any());
  r.mask.masked_value = static_cast<int32_t>(any());
  for (Values& v : r.values) {
    v.distribution = static_cast<Distribution>(rng.Below(12));
    v.a = any_float();
    v.b = any_float();
  }
  for (int i = 0; i < 5; ++i) {
    r.cells.push_back({.tensor = static_cast<TensorId>(rng.Below(16)),
                       .index = static_cast<uint32_t>(rng.Next()),
                       .value = any_float()});
  }
  if (rng.OneIn(2)) r.faults.clear();
  return r;
}

// The case of ONNX Runtime's issue 14363, as a person would write it.
inline constexpr std::string_view kReported = R"(maskproof recipe 1
op Attention
sequence 7
heads 13
head_size 37
input_width 147
unidirectional 1
mask raw2d pattern=all
values input normal seed=1
values weights normal seed=2
values bias normal seed=3
set mask_index[0] 0
set mask_index[3] 0
set mask_index[4] 0
set mask_index[6] 0
)";

inline void HashBytes(uint64_t& hash, const void* data, size_t size) {
  constexpr uint64_t kPrime = 0x100000001B3U;
  const auto* bytes = static_cast<const uint8_t*>(data);
  for (size_t i = 0; i < size; ++i) hash = (hash ^ bytes[i]) * kPrime;
}

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_TESTS_RECIPE_SUPPORT_H_
