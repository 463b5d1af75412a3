// Recipes as text and as bytes.
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "properties/case/validity.h"
#include "properties/case/visibility.h"
#include "properties/recipe/recipe.h"
#include "properties/tests/recipe_support.h"

namespace maskproof {
namespace {

std::string ErrorOf(const std::string& lines) {
  const ParsedRecipe parsed = ParseText("maskproof recipe 1\n" + lines, FileLimits());
  EXPECT_EQ(parsed.recipe.has_value(), parsed.error.empty());
  return parsed.error;
}

// ---- text and bytes ----------------------------------------------

TEST(RecipeText, RoundTrips) {
  for (uint64_t n = 0; n < 20000; ++n) {
    const Recipe r = Nth(n, WithFaults());
    const std::string text = ToText(r);
    const ParsedRecipe parsed = ParseText(text, Limits());
    ASSERT_TRUE(parsed.recipe.has_value()) << parsed.error << '\n' << text;
    ASSERT_EQ(*parsed.recipe, r) << text;
    ASSERT_EQ(ToText(*parsed.recipe), text);
  }
}

TEST(RecipeText, RoundTripsWhateverNormalizationGives) {
  for (uint64_t n = 0; n < 20000; ++n) {
    Recipe r = Wild(n);
    Normalize(r);
    const ParsedRecipe parsed = ParseText(ToText(r), Limits());
    ASSERT_TRUE(parsed.recipe.has_value()) << parsed.error << '\n' << ToText(r);
    ASSERT_EQ(*parsed.recipe, r) << ToText(r);
  }
}

TEST(RecipeText, PeopleMayBeBrief) {
  const Recipe r = Parsed("# a comment\n\nmaskproof recipe 1  # and another\r\n  op\tCore\n");
  EXPECT_EQ(r.op, Op::kCore);
  EXPECT_EQ(r.batch, 1);

  const Recipe past = Parsed("maskproof recipe 1\nop Attention\nhead_size 4\nheads 2\npast 3\n");
  EXPECT_TRUE(past.present);
  EXPECT_EQ(past.value_head_size, 4);
  EXPECT_EQ(past.input_width, 8);
}

TEST(RecipeText, ErrorsNameLineFieldExpectedAndGot) {
  EXPECT_EQ(ErrorOf("op Attention\nscale x\n"),
            "line 3: scale: expected a number or 'default', got 'x'");
  EXPECT_EQ(ErrorOf("op Conv\n"), "line 2: op: expected Attention, QAttention or Core, got 'Conv'");
  EXPECT_EQ(ErrorOf("heads 3\n"), "op: expected Attention, QAttention or Core, got nothing");
  EXPECT_EQ(ErrorOf("op Core\nheads 1000\n"),
            "line 3: heads: expected a whole number from 1 to 128, got '1000'");
  EXPECT_EQ(ErrorOf("op Core\nheads 3\nheads 3\n"),
            "line 4: heads: expected one such line, got another on line 3");
  EXPECT_EQ(ErrorOf("op Core\ninput_width 3\n"),
            "line 3: input_width: expected no such line, as Core has no such field, got one");
  EXPECT_EQ(ErrorOf("op Core\nvalues past normal\n"),
            "line 3: values past: expected a tensor of the recipe, got none");
  EXPECT_EQ(ErrorOf("op Core\nvalues key normal width=3\n"),
            "line 3: values key: expected a parameter that matters to it, got 'width=3'");
  EXPECT_EQ(ErrorOf("op Core\nmask lengths pattern=right kept=3\n"),
            "line 3: mask: expected a parameter that matters to it, got 'kept=3'");
  EXPECT_EQ(ErrorOf("op QAttention\npast 2\npresent no\n"),
            "line 4: present: expected 'yes' (limits, or other fields, ask for it), got 'no'");
  EXPECT_EQ(
      ErrorOf("op Core\nset key[9] 1\nset key[0] 1\n"),
      "line 3: set: expected 'key[0] 1' (limits, or other fields, ask for it), got 'key[9] 1'");
  EXPECT_EQ(ErrorOf("op Core\nfault omit bias\n"),
            "line 3: fault: expected no such line (other fields exclude it), got 'omit bias'");
  EXPECT_EQ(ErrorOf("op Core\nfault reshape key 1xx2\n"),
            "line 3: fault: expected dims like 2x3, at most 6 of them, or 'scalar', got '1xx2'");
  EXPECT_EQ(ErrorOf("banana\n"),
            "line 2: recipe: expected a field of docs/recipes.md, got 'banana'");
  EXPECT_EQ(ParseText("", FileLimits()).error,
            "recipe: expected a line 'maskproof recipe 1', got nothing");
  EXPECT_EQ(ParseText("maskproof recipe 2\n", FileLimits()).error,
            "line 1: recipe: expected 'maskproof recipe 1', got 'maskproof recipe 2'");
}

TEST(RecipeText, HostileTextIsRefusedQuickly) {
  const std::string head = "maskproof recipe 1\nop Attention\n";
  EXPECT_NE(ErrorOf("op Attention\nheads 99999999999999999999\n"), "");
  EXPECT_NE(ErrorOf("op Attention\nheads -1\n"), "");
  EXPECT_NE(ErrorOf("op Attention\nscale 1e999\n"), "");
  EXPECT_NE(ErrorOf("op Attention\nfault reshape input 1x2x3x4x5x6x7\n"), "");
  EXPECT_NE(ErrorOf(std::string(1000, 'x')), "");
  EXPECT_NE(ParseText(std::string(2'000'000, '\n'), FileLimits()).error, "");
  EXPECT_NE(ParseText(std::string("maskproof recipe 1\nop Attention\nheads \0\n", 39), FileLimits())
                .error,
            "");
  std::string many = head;
  for (int i = 0; i < 20000; ++i) many += "set input[0] 1\n";
  EXPECT_NE(ParseText(many, FileLimits()).error, "");

  // Huge as a whole though each size is legal: refused, naming a field.
  const std::string huge = ErrorOf(
      "op Attention\nbatch 64\nsequence 2048\nheads 128\nhead_size 512\ninput_width 8192\n");
  EXPECT_NE(huge.find("(limits, or other fields, ask for it)"), std::string::npos) << huge;

  // Random damage to a good text never gets past without being canonical again.
  for (uint64_t n = 0; n < 5000; ++n) {
    Rng rng(n);
    std::string text = ToText(Nth(n, WithFaults()));
    for (uint64_t i = 0; i <= rng.Below(4); ++i) {
      text[rng.Below(text.size())] = static_cast<char>(rng.Below(128));
    }
    const ParsedRecipe parsed = ParseText(text, FileLimits());
    if (!parsed.recipe) continue;
    ASSERT_EQ(Parsed(ToText(*parsed.recipe)), *parsed.recipe) << text;
  }
}

TEST(RecipeText, DimsThatHoldNoData) {
  const Recipe r = Parsed(
      "maskproof recipe 1\nop Attention\n"
      "fault reshape input 1099511627776x1099511627776x4\nfault reshape weights -1x3\n"
      "fault reshape bias 262144\n");
  const Case c = Expand(r);
  EXPECT_EQ(c[TensorId::kInput]->size(), 0);
  EXPECT_EQ(c[TensorId::kWeights]->dims, (Dims{-1, 3}));
  EXPECT_EQ(c[TensorId::kBias]->size(), 262144);
  EXPECT_EQ(JudgeValidity(c).validity, Validity::kInvalid);
  EXPECT_EQ(ErrorOf("op Attention\nfault reshape bias 1073741824\n"),
            "line 3: fault: expected 'reshape bias 262144' (limits, or other fields, ask for it), "
            "got 'reshape bias 1073741824'");
}

TEST(RecipeBytes, RoundTrips) {
  for (uint64_t n = 0; n < 20000; ++n) {
    Recipe r = n % 2 == 0 ? Nth(n, WithFaults()) : Wild(n);
    Normalize(r);
    const std::vector<uint8_t> bytes = EncodeBytes(r);
    ASSERT_EQ(DecodeBytes(bytes.data(), bytes.size(), Limits()), r) << ToText(r);
  }
}

TEST(RecipeBytes, RoundTripsLargeRecipes) {
  const Recipe r = Parsed(
      "maskproof recipe 1\nop Attention\nbatch 2\nsequence 1\npast 8000\nheads 1\nhead_size 300\n"
      "input_width 2000\nsalt 18446744073709551615\nset past[2000000] 1.25\n");
  const std::vector<uint8_t> bytes = EncodeBytes(r);
  EXPECT_EQ(DecodeBytes(bytes.data(), bytes.size(), FileLimits()), r);
}

TEST(RecipeBytes, TextIsReadAsText) {
  const auto* data = reinterpret_cast<const uint8_t*>(kReported.data());
  EXPECT_EQ(DecodeBytes(data, kReported.size(), FileLimits()), Parsed(kReported));
}

std::vector<uint8_t> RandomBytes(uint64_t n) {
  Rng rng(n);
  std::vector<uint8_t> bytes(rng.Below(200));
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(rng.Next());
  return bytes;
}

TEST(RecipeBytes, AnyBytesGiveUsefulRecipes) {
  std::array<int, kOpCount> ops{};
  std::array<int, kMaskFormCount> forms{};
  int fully_masked = 0;
  int causal = 0;
  Limits limits;
  limits.max_work = 50'000;  // for speed
  constexpr int kRuns = 20000;
  for (uint64_t n = 0; n < kRuns; ++n) {
    const std::vector<uint8_t> bytes = RandomBytes(n);
    Recipe r = DecodeBytes(bytes.data(), bytes.size(), limits);
    Recipe again = r;
    Normalize(again, limits);
    ASSERT_EQ(again, r);
    ++ops[static_cast<size_t>(r.op)];
    ++forms[static_cast<size_t>(r.mask.form)];
    causal += r.unidirectional == 1 ? 1 : 0;
    r.faults.clear();
    Normalize(r, limits);
    const Case c = Expand(r);
    ASSERT_EQ(JudgeValidity(c).validity, Validity::kValid) << ToText(r);
    fully_masked += Visibility(c).AnyFullyMasked() ? 1 : 0;
  }
  for (const int count : ops) EXPECT_GT(count, kRuns / 5);
  for (const int count : forms) EXPECT_GT(count, kRuns / 12);
  EXPECT_GT(causal, kRuns / 3);
  EXPECT_GT(fully_masked, kRuns / 5);
}

}  // namespace
}  // namespace maskproof
