// Normalization and expansion of recipes.
#include "properties/recipe/recipe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "properties/case/validity.h"
#include "properties/case/visibility.h"
#include "properties/tests/recipe_support.h"

namespace maskproof {
namespace {

// ---- normalization -----------------------------------------------

TEST(RecipeNormalize, IsIdempotentAndKeepsToTheLimits) {
  const Limits limits;
  for (uint64_t n = 0; n < 20000; ++n) {
    Recipe r = Wild(n);
    Normalize(r, limits);
    Recipe again = r;
    Normalize(again, limits);
    ASSERT_EQ(again, r) << ToText(r);
    ASSERT_LE(r.batch, limits.max_batch);
    ASSERT_LE(r.sequence, limits.max_sequence);
    ASSERT_LE(r.past.value_or(0), limits.max_past);
    ASSERT_LE(r.heads, limits.max_heads);
    ASSERT_LE(std::max(r.head_size, r.value_head_size), limits.max_head_size);
    ASSERT_LE(r.input_width, limits.max_input_width);
    ASSERT_LE(r.cells.size(), limits.max_cells);
    ASSERT_LE(r.faults.size(), limits.max_faults);
    const int64_t rows = r.batch * r.sequence;
    const int64_t work = rows * r.heads * Total(r) * (r.head_size + r.value_head_size) +
                         rows * r.input_width * r.heads * (2 * r.head_size + r.value_head_size);
    ASSERT_LE(work, limits.max_work) << ToText(r);
  }
}

TEST(RecipeNormalize, WhatHasNoFaultsIsValid) {
  Limits limits;
  limits.max_work = 20'000;  // for speed
  for (uint64_t n = 0; n < 40000; ++n) {
    Recipe r = n % 2 == 0 ? Wild(n) : Nth(n);
    r.faults.clear();
    Normalize(r, limits);
    const ValidityVerdict verdict = JudgeValidity(Expand(r));
    ASSERT_EQ(verdict.validity, Validity::kValid) << verdict.reason << '\n' << ToText(r);
  }
}

TEST(RecipeNormalize, MakesFieldsAgree) {
  Recipe r;
  r.op = Op::kAttention;
  r.past = 2;
  r.head_size = 4;
  r.value_head_size = 6;
  r.attention_bias = BiasBroadcast::kFull;
  Normalize(r);
  EXPECT_TRUE(r.present);
  EXPECT_EQ(r.value_head_size, 4);
  EXPECT_EQ(r.attention_bias, BiasBroadcast::kNone);

  r = Recipe();
  r.op = Op::kQAttention;
  r.bias = false;
  r.weight_zero_point_per_column = true;
  Normalize(r);
  EXPECT_TRUE(r.bias);
  EXPECT_FALSE(r.weight_zero_point_per_column);

  r = Recipe();
  r.heads = 2;
  r.head_size = 3;
  r.value_head_size = 5;
  r.of(TensorId::kWeights).distribution = Distribution::kIdentity;
  Normalize(r);
  EXPECT_EQ(r.input_width, 2 * (3 + 3 + 5));

  r = Recipe();
  r.heads = 13;
  r.head_size = 37;
  r.of(TensorId::kWeights).distribution = Distribution::kIdentity;
  Limits narrow;
  narrow.max_input_width = 160;
  Normalize(r, narrow);
  EXPECT_EQ(r.of(TensorId::kWeights).distribution, Distribution::kNormal) << "too wide";
}

TEST(RecipeNormalize, NegativeLengthsNeedAFault) {
  Recipe r;
  r.sequence = 4;
  r.batch = 2;
  r.mask.form = MaskForm::kEndsStarts;
  r.cells = {{TensorId::kMaskIndex, 1, -5.0F}, {TensorId::kMaskIndex, 3, -5.0F}};
  Recipe valid = r;
  Normalize(valid);
  EXPECT_EQ(valid.cells[0].value, 0.0F) << "an end";
  EXPECT_EQ(valid.cells[1].value, -5.0F) << "a start";
  Fault fault;
  fault.tensor = TensorId::kMaskIndex;
  fault.dims = {4};
  r.faults = {fault};
  Normalize(r);
  EXPECT_EQ(r.cells[0].value, -5.0F);
  EXPECT_EQ(JudgeValidity(Expand(r)).subject, "mask_index");
}

// ---- expansion ---------------------------------------------------

uint64_t HashOf(const Case& c) {
  uint64_t hash = 0xCBF29CE484222325U;
  for (const auto& tensor : c.tensors) {
    if (!tensor) continue;
    HashBytes(hash, tensor->dims.data(), tensor->dims.size() * sizeof(int64_t));
    HashBytes(hash, tensor->bytes.data(), tensor->bytes.size());
  }
  return hash;
}

// The same bits, for ever and everywhere: every finding in corpus/ depends on it. One recipe for
// each operator that uses every distribution and every pattern that draws.
TEST(RecipeExpand, GoldenHashes) {
  const std::string attention = R"(maskproof recipe 1
op Attention
batch 3
sequence 5
past 4
heads 2
head_size 3
input_width 7
mask raw3d pattern=mixed share=0.375 seed=5 kept=7 masked=-2
values input peak seed=6 mean=0.5 sd=2
values weights scales seed=7 low=-9 high=3
values bias extremes seed=8
values past repeat seed=9 mean=-1 sd=0.1
set input[3] nan
)";
  const std::string quantized = R"(maskproof recipe 1
op QAttention
batch 2
sequence 6
heads 3
head_size 5
input_width 12
mask ends_starts pattern=span seed=12
input_type uint8
weights_type int8
weight_scale per_column
input_zero_point per_tensor
weight_zero_point per_column
values input extremes seed=1
values weights extremes seed=2
values bias uniform seed=3 low=-1 high=0.3
values input_scale scales seed=4 low=-7 high=-3
values weight_scale normal seed=5 mean=0 sd=0.01
values input_zero_point normal seed=6 mean=0 sd=20
values weight_zero_point integers seed=7 low=-128 high=127
)";
  const std::string core = R"(maskproof recipe 1
op Core
batch 2
sequence 4
past 3
heads 2
head_size 4
value_head_size 6
mask raw2d pattern=random share=0.7 seed=3
attention_bias heads
bias_masked_share 0.25
values attention_bias normal seed=4
values query uniform seed=1 low=-3 high=3
values key normal seed=2 mean=0.25 sd=3
values value constant value=0.1
)";
  const std::string framework = R"(maskproof recipe 1
op Core
sequence 9
past 200
heads 2
head_size 3
mask raw3d pattern=mostly_all share=0.5 seed=3
attention_bias both
bias_masked_share 0.25
bias_masked_value -3.4028235e38
values attention_bias constant value=0
)";
  EXPECT_EQ(HashOf(Expand(Parsed(framework))), 5963164852748295457U);
  EXPECT_EQ(HashOf(Expand(Parsed(attention))), 2010970094261080763U);
  EXPECT_EQ(HashOf(Expand(Parsed(quantized))), 13436551896667342522U);
  EXPECT_EQ(HashOf(Expand(Parsed(core))), 6296126454425672959U);
  EXPECT_EQ(HashOf(Expand(Parsed(kReported))), 16109390223232083419U);
}

// The numbers that generation draws are part of what a seed in a bug report means. With another
// hash here or above goes another version.
TEST(RecipeExpand, GenerationIsTheSameEverywhere) {
  uint64_t hash = 0;
  for (uint64_t n = 0; n < 1000; ++n) {
    const std::string text = ToText(Nth(n, WithFaults()));
    HashBytes(hash, text.data(), text.size());
  }
  EXPECT_EQ(hash, 11361289991096873622U);
  EXPECT_EQ(kGeneratorVersion, 4);
}

TEST(RecipeExpand, TheReportedCase) {
  const Recipe r = Parsed(kReported);
  const Case c = Expand(r);
  EXPECT_EQ(c[TensorId::kInput]->dims, (Dims{1, 7, 147}));
  EXPECT_EQ(c[TensorId::kWeights]->dims, (Dims{147, 1443}));
  const auto mask = c[TensorId::kMaskIndex]->as<int32_t>();
  EXPECT_EQ(std::vector<int32_t>(mask.begin(), mask.end()),
            (std::vector<int32_t>{0, 1, 1, 0, 0, 1, 0}));
  EXPECT_TRUE(Visibility(c).FullyMasked(0, 0, 0));
}

TEST(RecipeExpand, NormalHasTheStatedMoments) {
  Recipe r;
  r.op = Op::kCore;
  r.sequence = 48;
  r.heads = 5;
  r.head_size = 64;
  r.value_head_size = 1;
  r.of(TensorId::kQuery) = {Distribution::kNormal, 11, 3.0F, 2.0F};
  Normalize(r);
  const Case c = Expand(r);
  double sum = 0.0;
  double squares = 0.0;
  const auto data = c[TensorId::kQuery]->as<float>();
  for (const float x : data) sum += static_cast<double>(x);
  const double mean = sum / static_cast<double>(data.size());
  for (const float x : data)
    squares += (static_cast<double>(x) - mean) * (static_cast<double>(x) - mean);
  // 15360 draws: five standard errors of the mean and of the variance.
  EXPECT_NEAR(mean, 3.0, 5.0 * 2.0 / std::sqrt(15360.0));
  EXPECT_NEAR(squares / 15360.0, 4.0, 5.0 * 4.0 * std::sqrt(2.0 / 15360.0));
}

TEST(RecipeExpand, IdentityWeightsGiveTheInputBack) {
  for (const Op op : {Op::kAttention, Op::kQAttention}) {
    Recipe r;
    r.op = op;
    r.heads = 2;
    r.head_size = 2;
    r.value_head_size = 3;
    r.has_weight_zero_point = true;
    r.weight_zero_point_per_column = true;
    r.weights_signed = true;
    r.of(TensorId::kWeights).distribution = Distribution::kIdentity;
    r.of(TensorId::kWeightZeroPoint) = {Distribution::kNormal, 3, 0.0F, 10.0F};
    Normalize(r);
    const Case c = Expand(r);
    const Tensor& weights = *c[TensorId::kWeights];
    ASSERT_EQ(weights.dims[0], weights.dims[1]);
    for (int64_t i = 0; i < weights.size(); ++i) {
      const int64_t column = i % weights.dims[1];
      const double zero = op == Op::kQAttention ? c[TensorId::kWeightZeroPoint]->Get(column) : 0.0;
      ASSERT_EQ(weights.Get(i) - zero, i / weights.dims[1] == column ? 1.0 : 0.0);
    }
  }
}

TEST(RecipeExpand, ScalesArePositivePowersOfTwo) {
  Recipe r;
  r.op = Op::kQAttention;
  r.head_size = 40;
  r.weight_scale_per_column = true;
  r.of(TensorId::kWeightScale) = {Distribution::kScales, 5, -8.0F, -2.0F};
  Normalize(r);
  const Case c = Expand(r);
  for (const float x : c[TensorId::kWeightScale]->as<float>()) {
    int exponent = 0;
    EXPECT_EQ(std::frexp(x, &exponent), 0.5F);
    EXPECT_GE(exponent, -7);
    EXPECT_LE(exponent, -1);
  }
}

}  // namespace
}  // namespace maskproof
