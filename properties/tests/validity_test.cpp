#include "properties/case/validity.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "properties/case/floats.h"

namespace maskproof {
namespace {

using enum ElementType;
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr int64_t kInt64Max = std::numeric_limits<int64_t>::max();

// B = 2, S = 3, N = 2, H = 4, Di = 5.
Case Attention() {
  Case c;
  c.attributes.num_heads = 2;
  c[TensorId::kInput] = Tensor(kFloat32, {2, 3, 5});
  c[TensorId::kWeights] = Tensor(kFloat32, {5, 24});
  c[TensorId::kBias] = Tensor(kFloat32, {24});
  return c;
}

// As Attention(), with P = 4.
Case AttentionWithPast() {
  Case c = Attention();
  c[TensorId::kPast] = Tensor(kFloat32, {2, 2, 2, 4, 4});
  c.want_present = true;
  return c;
}

Case QAttention() {
  Case c;
  c.op = Op::kQAttention;
  c.attributes.num_heads = 2;
  c[TensorId::kInput] = Tensor(kUint8, {2, 3, 5});
  c[TensorId::kWeights] = Tensor(kInt8, {5, 24});
  c[TensorId::kBias] = Tensor(kFloat32, {24});
  c[TensorId::kInputScale] = Tensor(kFloat32, {});
  c[TensorId::kWeightScale] = Tensor(kFloat32, {1});
  return c;
}

// B = 2, N = 2, S = 3, T = 5, H = 4, Hv = 6.
Case Core() {
  Case c;
  c.op = Op::kCore;
  c[TensorId::kQuery] = Tensor(kFloat32, {2, 2, 3, 4});
  c[TensorId::kKey] = Tensor(kFloat32, {2, 2, 5, 4});
  c[TensorId::kValue] = Tensor(kFloat32, {2, 2, 5, 6});
  return c;
}

void Put(Case& c, TensorId id, ElementType type, const Dims& dims) { c[id] = Tensor(type, dims); }
void PutMask(Case& c, const Dims& dims) { Put(c, TensorId::kMaskIndex, kInt32, dims); }

struct Rule {
  const char* name;
  Case (*base)();
  std::function<void(Case&)> edit;
  Validity expected;
  const char* subject;  // at fault
};

class ValidityRules : public ::testing::TestWithParam<Rule> {};

TEST_P(ValidityRules, Hold) {
  const Rule& rule = GetParam();
  Case c = rule.base();
  ASSERT_EQ(JudgeValidity(c).validity, Validity::kValid);
  rule.edit(c);
  const ValidityVerdict verdict = JudgeValidity(c);
  EXPECT_EQ(verdict.validity, rule.expected) << verdict.reason;
  EXPECT_EQ(verdict.subject, rule.subject) << verdict.reason;
  EXPECT_EQ(verdict.reason.empty(), rule.expected == Validity::kValid);
}

Rule Valid(const char* name, Case (*base)(), std::function<void(Case&)> edit) {
  return {name, base, std::move(edit), Validity::kValid, ""};
}
Rule Invalid(const char* name, Case (*base)(), const char* subject,
             std::function<void(Case&)> edit) {
  return {name, base, std::move(edit), Validity::kInvalid, subject};
}
Rule Unsupported(const char* name, Case (*base)(), const char* subject,
                 std::function<void(Case&)> edit) {
  return {name, base, std::move(edit), Validity::kUnsupported, subject};
}

const std::vector<Rule>& Attributes() {
  static const std::vector<Rule> rules = {
      Invalid("HeadsZero", Attention, "num_heads", [](Case& c) { c.attributes.num_heads = 0; }),
      Invalid("HeadsNegative", Attention, "num_heads",
              [](Case& c) { c.attributes.num_heads = -2; }),
      Invalid("HeadsBeyondInt32", Attention, "num_heads",
              [](Case& c) { c.attributes.num_heads = int64_t{1} << 31; }),
      Invalid("HeadsDoNotDivide", Attention, "num_heads",
              [](Case& c) { c.attributes.num_heads = 3; }),
      Valid("CausalAnyNumber", Attention, [](Case& c) { c.attributes.unidirectional = -7; }),
      Valid("ScaleZero", Attention, [](Case& c) { c.attributes.scale = 0.0F; }),
      Valid("ScaleNegative", Attention, [](Case& c) { c.attributes.scale = -2.0F; }),
      Invalid("ScaleNaN", Attention, "scale", [](Case& c) { c.attributes.scale = kNaN; }),
      Invalid("ScaleInfinite", QAttention, "scale",
              [](Case& c) { c.attributes.scale = -kInfinity; }),
      Invalid("ScaleNaNOfCore", Core, "scale", [](Case& c) { c.attributes.scale = kNaN; }),
      Valid("FillInfinite", Attention,
            [](Case& c) { c.attributes.mask_filter_value = -kInfinity; }),
      Invalid("FillNaN", Attention, "mask_filter_value",
              [](Case& c) { c.attributes.mask_filter_value = kNaN; }),
      Invalid("FillNaNQuantized", QAttention, "mask_filter_value",
              [](Case& c) { c.attributes.mask_filter_value = kNaN; }),
      Unsupported("Rotary", Attention, "do_rotary", [](Case& c) { c.attributes.do_rotary = 1; }),
      Unsupported("RotaryQuantized", QAttention, "do_rotary",
                  [](Case& c) { c.attributes.do_rotary = 1; }),
      Valid("RotaryOff", Attention, [](Case& c) { c.attributes.do_rotary = 0; }),
      Unsupported("SharedBufferWithPast", AttentionWithPast, "past_present_share_buffer",
                  [](Case& c) { c.attributes.past_present_share_buffer = -1; }),
      Valid("SharedBufferWithoutPast", Attention,
            [](Case& c) { c.attributes.past_present_share_buffer = 1; }),
      Unsupported("PastSequenceLength", Attention, "past_sequence_length",
                  [](Case& c) { Put(c, TensorId::kPastSequenceLength, kInt32, {1}); }),
      Invalid("InvalidBeatsUnsupported", Attention, "num_heads",
              [](Case& c) {
                c.attributes.do_rotary = 1;
                c.attributes.num_heads = 5;
              }),
      Unsupported("RotaryOfCore", Core, "do_rotary", [](Case& c) { c.attributes.do_rotary = 1; }),
      Unsupported("SharedBufferOfCore", Core, "past_present_share_buffer",
                  [](Case& c) { c.attributes.past_present_share_buffer = 1; }),
      Unsupported("HiddenSizesOfCore", Core, "qkv_hidden_sizes",
                  [](Case& c) { c.attributes.qkv_hidden_sizes = {{8, 8, 12}}; }),
      Unsupported("PresentOfCore", Core, "present", [](Case& c) { c.want_present = true; }),
      Valid("HeadsOfCoreAreIgnored", Core, [](Case& c) { c.attributes.num_heads = -3; }),
  };
  return rules;
}

const std::vector<Rule>& HiddenSizes() {
  const auto sizes = [](const Dims& entries) {
    return [entries](Case& c) { c.attributes.qkv_hidden_sizes = entries; };
  };
  static const std::vector<Rule> rules = {
      Valid("EmptyIsAbsent", Attention, sizes({})),
      Valid("EmptyIsAbsentQuantized", QAttention, sizes({})),
      Valid("Explicit", Attention, sizes({8, 8, 8})),
      Valid("UnequalValue", Attention, sizes({6, 6, 12})),
      Invalid("TwoEntries", Attention, "qkv_hidden_sizes", sizes({12, 12})),
      Invalid("FourEntries", Attention, "qkv_hidden_sizes", sizes({6, 6, 6, 6})),
      Invalid("QueryNotKey", Attention, "qkv_hidden_sizes", sizes({6, 8, 10})),
      Invalid("WrongSum", Attention, "qkv_hidden_sizes", sizes({8, 8, 6})),
      Invalid("NotDivisible", Attention, "qkv_hidden_sizes", sizes({7, 7, 10})),
      Invalid("Zero", Attention, "qkv_hidden_sizes", sizes({12, 12, 0})),
      Invalid("Negative", Attention, "qkv_hidden_sizes", sizes({16, 16, -8})),
      Invalid("SumOverflows", Attention, "qkv_hidden_sizes",
              sizes({kInt64Max - 1, kInt64Max - 1, 26})),
      Invalid("OfQAttention", QAttention, "qkv_hidden_sizes", sizes({8, 8, 8})),
      Invalid("ColumnsNotDivisibleByThree", Attention, "weights",
              [](Case& c) {
                Put(c, TensorId::kWeights, kFloat32, {5, 26});
                Put(c, TensorId::kBias, kFloat32, {26});
              }),
      Invalid("ColumnsNotDivisibleByThreeQuantized", QAttention, "weights",
              [](Case& c) {
                Put(c, TensorId::kWeights, kInt8, {5, 26});
                Put(c, TensorId::kBias, kFloat32, {26});
              }),
      Unsupported("HeadSizeZero", Attention, "weights",
                  [](Case& c) {
                    Put(c, TensorId::kWeights, kFloat32, {5, 0});
                    Put(c, TensorId::kBias, kFloat32, {0});
                  }),
  };
  return rules;
}

const std::vector<Rule>& Tensors() {
  const auto omit = [](TensorId id) { return [id](Case& c) { c[id].reset(); }; };
  const auto put = [](TensorId id, ElementType type, const Dims& dims) {
    return [id, type, dims](Case& c) { Put(c, id, type, dims); };
  };
  static const std::vector<Rule> rules = {
      Invalid("NoInput", Attention, "input", omit(TensorId::kInput)),
      Invalid("NoWeights", Attention, "weights", omit(TensorId::kWeights)),
      Valid("NoBias", Attention, omit(TensorId::kBias)),
      Invalid("NoBiasQuantized", QAttention, "bias", omit(TensorId::kBias)),
      Invalid("NoInputScale", QAttention, "input_scale", omit(TensorId::kInputScale)),
      Invalid("NoWeightScale", QAttention, "weight_scale", omit(TensorId::kWeightScale)),
      Invalid("NoQuery", Core, "query", omit(TensorId::kQuery)),
      Invalid("NoKey", Core, "key", omit(TensorId::kKey)),
      Invalid("NoValue", Core, "value", omit(TensorId::kValue)),
      Invalid("ForeignScale", Attention, "input_scale", put(TensorId::kInputScale, kFloat32, {1})),
      Invalid("ForeignAttentionBias", QAttention, "attention_bias",
              put(TensorId::kAttentionBias, kFloat32, {1, 1, 3, 3})),
      Invalid("ForeignInput", Core, "input", put(TensorId::kInput, kFloat32, {1})),
      Invalid("ForeignPast", Core, "past", put(TensorId::kPast, kFloat32, {2, 2, 2, 2, 4})),
      Invalid("InputType", Attention, "input", put(TensorId::kInput, kInt8, {2, 3, 5})),
      Invalid("WeightsType", Attention, "weights", put(TensorId::kWeights, kInt32, {5, 24})),
      Invalid("InputTypeQuantized", QAttention, "input",
              put(TensorId::kInput, kFloat32, {2, 3, 5})),
      Valid("InputSigned", QAttention, put(TensorId::kInput, kInt8, {2, 3, 5})),
      Valid("WeightsUnsigned", QAttention, put(TensorId::kWeights, kUint8, {5, 24})),
      Invalid("MaskType", Attention, "mask_index", put(TensorId::kMaskIndex, kFloat32, {2})),
      Invalid("QueryType", Core, "query", put(TensorId::kQuery, kInt8, {2, 2, 3, 4})),
      Invalid("NegativeDimension", Attention, "bias",
              [](Case& c) { c[TensorId::kBias]->dims = {-24}; }),
      Invalid("ElementsDoNotFitShape", Attention, "bias",
              [](Case& c) { c[TensorId::kBias]->bytes.pop_back(); }),
      Invalid("InputRank", Attention, "input", put(TensorId::kInput, kFloat32, {6, 5})),
      Invalid("WeightsRank", Attention, "weights", put(TensorId::kWeights, kFloat32, {120})),
      Invalid("WeightsRows", Attention, "weights", put(TensorId::kWeights, kFloat32, {4, 24})),
      Invalid("BiasRank", Attention, "bias", put(TensorId::kBias, kFloat32, {1, 24})),
      Invalid("BiasLength", Attention, "bias", put(TensorId::kBias, kFloat32, {23})),
      Invalid("QueryRank", Core, "query", put(TensorId::kQuery, kFloat32, {2, 6, 4})),
      Invalid("KeyHeads", Core, "key", put(TensorId::kKey, kFloat32, {2, 1, 5, 4})),
      Invalid("KeySize", Core, "key", put(TensorId::kKey, kFloat32, {2, 2, 5, 3})),
      Invalid("KeyShorterThanQuery", Core, "key", put(TensorId::kKey, kFloat32, {2, 2, 2, 4})),
      Invalid("ValueLength", Core, "value", put(TensorId::kValue, kFloat32, {2, 2, 4, 6})),
      Unsupported("HeadSizeZeroOfCore", Core, "query",
                  [](Case& c) {
                    Put(c, TensorId::kQuery, kFloat32, {2, 2, 3, 0});
                    Put(c, TensorId::kKey, kFloat32, {2, 2, 5, 0});
                  }),
      Valid("BatchZero", Attention, put(TensorId::kInput, kFloat32, {0, 3, 5})),
      Valid("SequenceZero", Attention, put(TensorId::kInput, kFloat32, {2, 0, 5})),
      Valid("WidthZero", Attention,
            [](Case& c) {
              Put(c, TensorId::kInput, kFloat32, {2, 3, 0});
              Put(c, TensorId::kWeights, kFloat32, {0, 24});
            }),
      Invalid("ElementCountOverflows", Attention, "input",
              [](Case& c) {
                Put(c, TensorId::kInput, kFloat32, {int64_t{1} << 31, int64_t{1} << 31, 0});
                Put(c, TensorId::kWeights, kFloat32, {0, 24});
              }),
      Unsupported("ProjectionTooLarge", Attention, "input",
                  [](Case& c) {
                    Put(c, TensorId::kInput, kFloat32, {1 << 10, 1 << 10, 0});
                    Put(c, TensorId::kWeights, kFloat32, {0, (1 << 11) + 2});
                    c[TensorId::kBias].reset();
                    c.attributes.qkv_hidden_sizes = {{1 << 10, 1 << 10, 2}};
                  }),
      Unsupported("TooManyScores", Attention, "input",
                  [](Case& c) {
                    Put(c, TensorId::kInput, kFloat32, {1, 1 << 16, 0});
                    Put(c, TensorId::kWeights, kFloat32, {0, 24});
                  }),
      Unsupported("OutputTooLarge", Attention, "input",
                  [](Case& c) {
                    Put(c, TensorId::kInput, kFloat32, {1 << 15, 1 << 12, 0});
                    Put(c, TensorId::kWeights, kFloat32, {0, 24});
                  }),
  };
  return rules;
}

const std::vector<Rule>& Quantization() {
  const auto put = [](TensorId id, ElementType type, const Dims& dims) {
    return [id, type, dims](Case& c) { Put(c, id, type, dims); };
  };
  static const std::vector<Rule> rules = {
      Valid("ScalePerColumn", QAttention, put(TensorId::kWeightScale, kFloat32, {24})),
      Valid("ScaleScalar", QAttention, put(TensorId::kWeightScale, kFloat32, {})),
      Invalid("ScaleShort", QAttention, "weight_scale", put(TensorId::kWeightScale, kFloat32, {8})),
      Invalid("ScaleRank", QAttention, "weight_scale",
              put(TensorId::kWeightScale, kFloat32, {1, 24})),
      Invalid("ScaleType", QAttention, "weight_scale", put(TensorId::kWeightScale, kInt32, {1})),
      Invalid("InputScalePerColumn", QAttention, "input_scale",
              put(TensorId::kInputScale, kFloat32, {24})),
      Invalid("InputScaleEmpty", QAttention, "input_scale",
              put(TensorId::kInputScale, kFloat32, {0})),
      Valid("InputZeroPoint", QAttention, put(TensorId::kInputZeroPoint, kUint8, {1})),
      Invalid("InputZeroPointSign", QAttention, "input_zero_point",
              put(TensorId::kInputZeroPoint, kInt8, {1})),
      Invalid("InputZeroPointLength", QAttention, "input_zero_point",
              put(TensorId::kInputZeroPoint, kUint8, {2})),
      Valid("WeightZeroPointPerColumn", QAttention, put(TensorId::kWeightZeroPoint, kInt8, {24})),
      Invalid("WeightZeroPointSign", QAttention, "weight_zero_point",
              put(TensorId::kWeightZeroPoint, kUint8, {24})),
      Invalid("WeightZeroPointLength", QAttention, "weight_zero_point",
              put(TensorId::kWeightZeroPoint, kInt8, {23})),
      Valid("ScaleValuesAreData", QAttention,
            [](Case& c) { c[TensorId::kInputScale]->Set(0, -kNaN); }),
      Valid("PastQuantized", QAttention,
            [](Case& c) {
              Put(c, TensorId::kPast, kFloat32, {2, 2, 2, 1, 4});
              c.want_present = true;
            }),
  };
  return rules;
}

const std::vector<Rule>& Past() {
  const auto shape = [](const Dims& dims) {
    return [dims](Case& c) { Put(c, TensorId::kPast, kFloat32, dims); };
  };
  static const std::vector<Rule> rules = {
      Valid("LengthZero", AttentionWithPast, shape({2, 2, 2, 0, 4})),
      Valid("PresentAlone", Attention, [](Case& c) { c.want_present = true; }),
      Invalid("WithoutPresent", AttentionWithPast, "past", [](Case& c) { c.want_present = false; }),
      Invalid("Rank", AttentionWithPast, "past", shape({2, 2, 2, 16})),
      Invalid("NotTwoHalves", AttentionWithPast, "past", shape({1, 2, 2, 4, 4})),
      Invalid("Batch", AttentionWithPast, "past", shape({2, 1, 2, 4, 4})),
      Invalid("Heads", AttentionWithPast, "past", shape({2, 2, 3, 4, 4})),
      Invalid("HeadSize", AttentionWithPast, "past", shape({2, 2, 2, 4, 5})),
      Invalid("UnequalSizes", AttentionWithPast, "past",
              [](Case& c) { c.attributes.qkv_hidden_sizes = {{6, 6, 12}}; }),
      Invalid("UnequalSizesPresentOnly", Attention, "present",
              [](Case& c) {
                c.attributes.qkv_hidden_sizes = {{6, 6, 12}};
                c.want_present = true;
              }),
      Invalid("WithAttentionBias", AttentionWithPast, "attention_bias",
              [](Case& c) { Put(c, TensorId::kAttentionBias, kFloat32, {1, 1, 3, 7}); }),
  };
  return rules;
}

const std::vector<Rule>& Masks() {
  const auto shape = [](const Dims& dims) { return [dims](Case& c) { PutMask(c, dims); }; };
  const auto lengths = [](const std::vector<int>& values) {
    return [values](Case& c) {
      PutMask(c, {static_cast<int64_t>(values.size())});
      for (size_t i = 0; i < values.size(); ++i) {
        c[TensorId::kMaskIndex]->Set(static_cast<int64_t>(i), values[i]);
      }
    };
  };
  static const std::vector<Rule> rules = {
      Valid("Lengths", Attention, lengths({0, 99})),
      Invalid("NegativeLength", Attention, "mask_index", lengths({1, -1})),
      Valid("EndsStarts", Attention, lengths({1, 2, 3, -4})),
      Invalid("NegativeEnd", Attention, "mask_index", lengths({-1, 2, 0, 0})),
      Valid("Cumulative", Attention, lengths({1, 2, -1, -1, -1, -1, -1, -1})),
      Invalid("NegativeCumulativeLength", Attention, "mask_index",
              lengths({1, -2, 0, 0, 0, 0, 0, 0})),
      Invalid("OneDimensionWrong", Attention, "mask_index", shape({3})),
      Invalid("Scalar", Attention, "mask_index", shape({})),
      Valid("RawKeys", Attention, shape({2, 3})),
      Valid("RawKeysCountThePast", AttentionWithPast, shape({2, 7})),
      Invalid("RawKeysWithoutThePast", AttentionWithPast, "mask_index", shape({2, 3})),
      Invalid("RawKeysOneBatch", Attention, "mask_index", shape({1, 3})),
      Valid("Dummy", Attention, shape({2, 1})),
      Valid("DummyOne", Attention, shape({1, 1})),
      Invalid("DummyOtherBatch", Attention, "mask_index", shape({3, 1})),
      Valid("RawQueries", Attention, shape({2, 3, 3})),
      Invalid("RawQueriesOneBatch", Attention, "mask_index", shape({1, 3, 3})),
      Invalid("RawQueriesOtherQueries", AttentionWithPast, "mask_index", shape({2, 7, 7})),
      Unsupported("FourDimensions", Attention, "mask_index", shape({2, 1, 8, 8})),
      Invalid("FourDimensionsCausal", Attention, "mask_index",
              [](Case& c) {
                PutMask(c, {2, 1, 8, 8});
                c.attributes.unidirectional = 1;
              }),
      Invalid("FourDimensionsHeads", Attention, "mask_index", shape({2, 2, 8, 8})),
      Invalid("FourDimensionsNotSquare", Attention, "mask_index", shape({2, 1, 8, 9})),
      Invalid("FourDimensionsSmall", Attention, "mask_index", shape({2, 1, 2, 2})),
      Invalid("FiveDimensions", Attention, "mask_index", shape({2, 1, 1, 3, 3})),
      Valid("BatchZero", Attention,
            [](Case& c) {
              Put(c, TensorId::kInput, kFloat32, {0, 3, 5});
              PutMask(c, {0});
            }),
      Valid("CoreRawKeys", Core, shape({2, 5})),
      Valid("CoreRawQueries", Core, shape({2, 3, 5})),
      Invalid("CoreQueriesOnly", Core, "mask_index", shape({2, 3})),
  };
  return rules;
}

const std::vector<Rule>& AttentionBias() {
  const auto shape = [](const Dims& dims) {
    return [dims](Case& c) { Put(c, TensorId::kAttentionBias, kFloat32, dims); };
  };
  static const std::vector<Rule> rules = {
      Valid("Full", Attention, shape({2, 2, 3, 3})),
      Valid("OneBatch", Attention, shape({1, 2, 3, 3})),
      Valid("OneHead", Attention, shape({2, 1, 3, 3})),
      Valid("OneOfAll", Attention, shape({1, 1, 3, 3})),
      Invalid("Batch", Attention, "attention_bias", shape({3, 1, 3, 3})),
      Invalid("Heads", Attention, "attention_bias", shape({1, 3, 3, 3})),
      Invalid("Queries", Attention, "attention_bias", shape({1, 1, 1, 3})),
      Invalid("Keys", Attention, "attention_bias", shape({1, 1, 3, 4})),
      Invalid("Rank", Attention, "attention_bias", shape({3, 3})),
      Valid("CoreMoreKeysThanQueries", Core, shape({2, 1, 3, 5})),
      Invalid("CoreKeys", Core, "attention_bias", shape({2, 1, 3, 3})),
  };
  return rules;
}

std::string NameOf(const ::testing::TestParamInfo<Rule>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Attributes, ValidityRules, ::testing::ValuesIn(Attributes()), NameOf);
INSTANTIATE_TEST_SUITE_P(HiddenSizes, ValidityRules, ::testing::ValuesIn(HiddenSizes()), NameOf);
INSTANTIATE_TEST_SUITE_P(Tensors, ValidityRules, ::testing::ValuesIn(Tensors()), NameOf);
INSTANTIATE_TEST_SUITE_P(Quantization, ValidityRules, ::testing::ValuesIn(Quantization()), NameOf);
INSTANTIATE_TEST_SUITE_P(Past, ValidityRules, ::testing::ValuesIn(Past()), NameOf);
INSTANTIATE_TEST_SUITE_P(Masks, ValidityRules, ::testing::ValuesIn(Masks()), NameOf);
INSTANTIATE_TEST_SUITE_P(AttentionBias, ValidityRules, ::testing::ValuesIn(AttentionBias()),
                         NameOf);

}  // namespace
}  // namespace maskproof
