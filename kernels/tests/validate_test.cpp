// Every validation rule: a call that breaks it alone is refused, for that reason, and writes
// nothing.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

#include "helpers.h"
#include "operator_cases.h"

namespace maskproof::kernels {
namespace {

constexpr float kUntouched = -123.0F;

template <typename C>
struct Rule {
  const char* name;
  const char* fault;  // what the message must begin with; null: the call is valid
  std::function<void(C&)> change;
  StatusCode code = StatusCode::kInvalidArgument;
};

// B=2, S=3, P=2, N=2, H=Hv=4, Di=5
AttentionCase WithPast() {
  return MakeAttention({.batch = 2,
                        .queries = 3,
                        .past = 2,
                        .heads = 2,
                        .head_size = 4,
                        .value_head_size = 4,
                        .input_width = 5},
                       1);
}

// The same without past, Hv=6
AttentionCase WithoutPast() {
  return MakeAttention({.batch = 2,
                        .queries = 3,
                        .heads = 2,
                        .head_size = 4,
                        .value_head_size = 6,
                        .input_width = 5},
                       1);
}

TestTensor<int32_t> Ones(const Dims& dims) {
  TestTensor<int32_t> mask(dims);
  std::fill(mask.data.begin(), mask.data.end(), 1);
  return mask;
}

template <typename C>
void Check(C c, const Rule<C>& rule) {
  SCOPED_TRACE(rule.name);
  rule.change(c);
  std::fill(c.output.data.begin(), c.output.data.end(), kUntouched);
  if (c.present) std::fill(c.present->data.begin(), c.present->data.end(), kUntouched);
  const Status status = c.Run();
  if (rule.fault == nullptr) {
    EXPECT_TRUE(status.ok()) << status.message();
    return;
  }
  EXPECT_EQ(status.code(), rule.code) << status.message();
  EXPECT_EQ(status.message().rfind(std::string(rule.fault) + ":", 0), 0U) << status.message();
  for (const float value : c.output.data) EXPECT_EQ(value, kUntouched);
  if (!c.present) return;
  for (const float value : c.present->data) EXPECT_EQ(value, kUntouched);
}

using A = AttentionCase;
using T = TestTensor<float>;
using M = TestTensor<int32_t>;

TEST(ValidateTest, Attributes) {
  const Rule<A> rules[] = {
      {"nothing", nullptr, [](A&) {}},
      {"no heads", "num_heads", [](A& c) { c.attributes.num_heads = 0; }},
      {"negative heads", "num_heads", [](A& c) { c.attributes.num_heads = -2; }},
      {"heads beyond int32", "num_heads", [](A& c) { c.attributes.num_heads = int64_t{1} << 31; }},
      {"NaN scale", "scale", [](A& c) { c.attributes.scale = kNaN; }},
      {"infinite scale", "scale", [](A& c) { c.attributes.scale = -kInfinity; }},
      {"negative scale", nullptr, [](A& c) { c.attributes.scale = -1.0F; }},
      {"NaN fill", "mask_filter_value", [](A& c) { c.attributes.mask_filter_value = kNaN; }},
      {"infinite fill", nullptr, [](A& c) { c.attributes.mask_filter_value = -kInfinity; }},
      {"rotary", "do_rotary", [](A& c) { c.attributes.do_rotary = 1; }, StatusCode::kNotSupported},
      {"other rotary", nullptr, [](A& c) { c.attributes.do_rotary = 2; }},
      {"shared buffer without past", nullptr,
       [](A& c) { c.attributes.past_present_share_buffer = 1; }},
      {"other unidirectional", nullptr, [](A& c) { c.attributes.unidirectional = -1; }},
      {"two sizes", "qkv_hidden_sizes", [](A& c) { c.hidden_sizes = {8, 8}; }},
      {"size not positive", "qkv_hidden_sizes", [](A& c) { c.hidden_sizes = {0, 0, 28}; }},
      {"size not divisible", "qkv_hidden_sizes", [](A& c) { c.hidden_sizes = {9, 9, 10}; }},
      {"query unlike key", "qkv_hidden_sizes", [](A& c) { c.hidden_sizes = {8, 10, 10}; }},
      {"wrong sum", "qkv_hidden_sizes", [](A& c) { c.hidden_sizes = {8, 8, 14}; }},
      {"overflowing sum", "qkv_hidden_sizes",
       [](A& c) {
         const int64_t most = std::numeric_limits<int64_t>::max() - 1;
         c.hidden_sizes = {most, most, 32};
       }},
      {"sizes absent, columns not divisible by 3", "weights", [](A& c) { c.hidden_sizes.clear(); }},
  };
  for (const Rule<A>& rule : rules) Check(WithoutPast(), rule);

  const Rule<A> with_past[] = {
      {"nothing", nullptr, [](A&) {}},
      {"sizes absent", nullptr, [](A& c) { c.hidden_sizes.clear(); }},
      {"sizes absent, heads do not divide", "num_heads",
       [](A& c) {
         c.hidden_sizes.clear();
         c.attributes.num_heads = 3;
       }},
      {"shared buffer", "past_present_share_buffer",
       [](A& c) { c.attributes.past_present_share_buffer = 1; }, StatusCode::kNotSupported},
      {"past_sequence_length", "past_sequence_length",
       [](A& c) { c.past_sequence_length = M({1}); }, StatusCode::kNotSupported},
  };
  for (const Rule<A>& rule : with_past) Check(WithPast(), rule);
}

TEST(ValidateTest, Shapes) {
  const Rule<A> rules[] = {
      {"input rank", "input", [](A& c) { c.input.dims = {6, 5}; }},
      {"input negative", "input", [](A& c) { c.input.dims = {2, -3, 5}; }},
      {"input overflowing", "input",
       [](A& c) { c.input.dims = {int64_t{1} << 31, int64_t{1} << 31, 5}; }},
      {"weights rank", "weights", [](A& c) { c.weights.dims = {5, 28, 1}; }},
      {"weights rows", "weights", [](A& c) { c.weights.dims = {4, 28}; }},
      {"bias rank", "bias", [](A& c) { c.bias->dims = {28, 1}; }},
      {"bias length", "bias", [](A& c) { c.bias->dims = {27}; }},
      {"bias absent", nullptr, [](A& c) { c.bias.reset(); }},
      {"output shape", "output", [](A& c) { c.output.dims = {2, 3, 8}; }},
      {"present with unequal heads", "present", [](A& c) { c.present = T({2, 2, 2, 3, 4}); }},
      {"no head size", "weights",
       [](A& c) {
         c.hidden_sizes.clear();
         c.weights = T({5, 0});
         c.bias = T({0});
       },
       StatusCode::kNotSupported},
      {"bias of scores rank", "attention_bias", [](A& c) { c.attention_bias = T({2, 3, 3}); }},
      {"bias of scores batch", "attention_bias", [](A& c) { c.attention_bias = T({3, 2, 3, 3}); }},
      {"bias of scores heads", "attention_bias", [](A& c) { c.attention_bias = T({2, 3, 3, 3}); }},
      {"bias of scores keys", "attention_bias", [](A& c) { c.attention_bias = T({2, 2, 3, 1}); }},
      {"bias of scores", nullptr, [](A& c) { c.attention_bias = T({2, 1, 3, 3}); }},
      {"null data", "input", [](A& c) { c.input.data = std::vector<float>(); }},
  };
  for (const Rule<A>& rule : rules) Check(WithoutPast(), rule);
}

TEST(ValidateTest, Past) {
  const Rule<A> rules[] = {
      {"with bias of scores", "attention_bias", [](A& c) { c.attention_bias = T({1, 1, 3, 5}); }},
      {"rank", "past", [](A& c) { c.past->dims = {2, 2, 2, 8}; }},
      {"one half", "past", [](A& c) { c.past->dims = {1, 2, 2, 2, 4}; }},
      {"batch", "past", [](A& c) { c.past->dims = {2, 1, 2, 2, 4}; }},
      {"heads", "past", [](A& c) { c.past->dims = {2, 2, 1, 2, 4}; }},
      {"head size", "past", [](A& c) { c.past->dims = {2, 2, 2, 2, 2}; }},
      {"without present", "past", [](A& c) { c.present.reset(); }},
      {"unequal heads", "past",
       [](A& c) {
         c.hidden_sizes = {6, 6, 12};
         c.output = T({2, 3, 12});
       }},
      {"present shape", "present", [](A& c) { c.present->dims = {2, 2, 2, 4, 4}; }},
      {"present without past", nullptr,
       [](A& c) {
         c.past.reset();
         c.present = T({2, 2, 2, 3, 4});
       }},
      {"past of nothing", nullptr,
       [](A& c) {
         c.past = T({2, 2, 2, 0, 4});
         c.present = T({2, 2, 2, 3, 4});
       }},
  };
  for (const Rule<A>& rule : rules) Check(WithPast(), rule);
}

TEST(ValidateTest, Masks) {
  const Rule<A> rules[] = {
      {"(B)", nullptr, [](A& c) { c.mask = M({2}, {0, 99}); }},
      {"(B) negative", "mask_index", [](A& c) { c.mask = M({2}, {3, -1}); }},
      {"(2B)", nullptr, [](A& c) { c.mask = M({4}, {5, 0, -3, 99}); }},
      {"(2B) negative end", "mask_index", [](A& c) { c.mask = M({4}, {5, -1, 0, 0}); }},
      {"(3B+2)", nullptr, [](A& c) { c.mask = M({8}, {5, 2, -1, -1, -1, -1, -1, -1}); }},
      {"(3B+2) negative", "mask_index", [](A& c) { c.mask = M({8}, {-5, 2, 0, 0, 0, 0, 0, 0}); }},
      {"(3B)", "mask_index", [](A& c) { c.mask = Ones({6}); }},
      {"(T)", "mask_index", [](A& c) { c.mask = Ones({5}); }},
      {"(B,T)", nullptr, [](A& c) { c.mask = Ones({2, 5}); }},
      {"(B,S)", "mask_index", [](A& c) { c.mask = Ones({2, 3}); }},
      {"(1,T)", "mask_index", [](A& c) { c.mask = Ones({1, 5}); }},
      {"(B,1)", nullptr, [](A& c) { c.mask = M({2, 1}, {0, -7}); }},
      {"(1,1)", nullptr, [](A& c) { c.mask = M({1, 1}, {0}); }},
      {"(B,S,T)", nullptr, [](A& c) { c.mask = Ones({2, 3, 5}); }},
      {"(1,S,T)", "mask_index", [](A& c) { c.mask = Ones({1, 3, 5}); }},
      {"(B,T,S)", "mask_index", [](A& c) { c.mask = Ones({2, 5, 3}); }},
      {"(B,1,M,M)", "mask_index", [](A& c) { c.mask = Ones({2, 1, 6, 6}); },
       StatusCode::kNotSupported},
      {"(B,1,M,M) too small", "mask_index", [](A& c) { c.mask = Ones({2, 1, 4, 4}); }},
      {"(B,N,M,M)", "mask_index", [](A& c) { c.mask = Ones({2, 2, 6, 6}); }},
      {"(B,1,M,M) causal", "mask_index",
       [](A& c) {
         c.mask = Ones({2, 1, 6, 6});
         c.attributes.unidirectional = 1;
       }},
      {"scalar", "mask_index", [](A& c) { c.mask = Ones({}); }},
      {"rank 5", "mask_index", [](A& c) { c.mask = Ones({2, 1, 1, 5, 5}); }},
  };
  for (const Rule<A>& rule : rules) Check(WithPast(), rule);
}

using Q = QAttentionCase<uint8_t, int8_t>;

TEST(ValidateTest, Quantization) {
  const Rule<Q> rules[] = {
      {"nothing", nullptr, [](Q&) {}},
      {"hidden sizes", "qkv_hidden_sizes",
       [](Q& c) {
         static constexpr int64_t kSizes[] = {8, 8, 8};
         c.attributes.qkv_hidden_sizes = kSizes;
       }},
      {"columns not divisible by 3", "weights",
       [](Q& c) {
         c.weights.dims = {5, 23};
         c.bias.dims = {23};
       }},
      {"bias length", "bias", [](Q& c) { c.bias.dims = {23}; }},
      {"input scales", "input_scale", [](Q& c) { c.input_scale = T({2}); }},
      {"no input scale", "input_scale", [](Q& c) { c.input_scale = T({0}); }},
      {"input scale rank", "input_scale", [](Q& c) { c.input_scale.dims = {1, 1}; }},
      {"input zero points", "input_zero_point",
       [](Q& c) { c.input_zero_point = TestTensor<uint8_t>({24}); }},
      {"weight scales", nullptr, [](Q& c) { c.weight_scale = T({24}); }},
      {"short weight scales", "weight_scale", [](Q& c) { c.weight_scale = T({8}); }},
      {"weight scale rank", "weight_scale", [](Q& c) { c.weight_scale = T({1, 24}); }},
      {"weight zero points", nullptr, [](Q& c) { c.weight_zero_point = TestTensor<int8_t>({24}); }},
      {"short weight zero points", "weight_zero_point",
       [](Q& c) { c.weight_zero_point = TestTensor<int8_t>({23}); }},
      {"rotary", "do_rotary", [](Q& c) { c.attributes.do_rotary = 1; }, StatusCode::kNotSupported},
      {"mask", "mask_index", [](Q& c) { c.mask = Ones({2, 3}); }},
      {"past without present", "past", [](Q& c) { c.present.reset(); }},
      {"NaN scale is data", nullptr, [](Q& c) { c.input_scale[0] = kNaN; }},
  };
  const Sizes sizes{.batch = 2,
                    .queries = 3,
                    .past = 2,
                    .heads = 2,
                    .head_size = 4,
                    .value_head_size = 4,
                    .input_width = 5};
  for (const Rule<Q>& rule : rules) Check(MakeQAttention<uint8_t, int8_t>(sizes, 2), rule);
}

TEST(ValidateTest, ZeroPointsHaveTheSignOfTheirTensor) {
  auto c = MakeQAttention<uint8_t, int8_t>({.heads = 1, .head_size = 2, .input_width = 3}, 3);
  const TestTensor<int8_t> signed_zero({1});
  const TestTensor<uint8_t> unsigned_zero({1});
  QAttentionInputs inputs = c.Inputs();
  inputs.input_zero_point = signed_zero.quantized();
  EXPECT_EQ(c.RunWith(inputs).message().rfind("input_zero_point:", 0), 0U);
  inputs = c.Inputs();
  inputs.weight_zero_point = unsigned_zero.quantized();
  EXPECT_EQ(c.RunWith(inputs).message().rfind("weight_zero_point:", 0), 0U);
  inputs.weight_zero_point = signed_zero.quantized();
  inputs.input_zero_point = unsigned_zero.quantized();
  EXPECT_TRUE(c.RunWith(inputs).ok());
}

TEST(ValidateTest, Core) {
  struct {
    const char* fault;
    StatusCode code;
    CoreShape shape;
  } const cases[] = {
      {nullptr, StatusCode::kOk, {2, 2, 3, 5, 4, 4}},
      {nullptr, StatusCode::kOk, {0, 2, 3, 5, 4, 4}},
      {nullptr, StatusCode::kOk, {2, 2, 0, 5, 4, 4}},
      {"query", StatusCode::kInvalidArgument, {2, -1, 3, 5, 4, 4}},
      {"key", StatusCode::kInvalidArgument, {2, 2, 6, 5, 4, 4}},
      {"query", StatusCode::kInvalidArgument, {int64_t{1} << 40, int64_t{1} << 40, 3, 5, 4, 4}},
      {"query", StatusCode::kNotSupported, {2, 0, 3, 5, 4, 4}},
      {"query", StatusCode::kNotSupported, {2, 2, 3, 5, 0, 4}},
      {"value", StatusCode::kNotSupported, {2, 2, 3, 5, 4, 0}},
  };
  const CoreCase whole = MakeCore({2, 2, 3, 5, 4, 4}, 4);
  for (const auto& rule : cases) {
    std::vector<float> output(48, kUntouched);
    CoreArguments arguments;
    arguments.shape = rule.shape;
    arguments.query = Dense(whole.query.data.data(), 2, 3, 4);
    arguments.key = Dense(whole.key.data.data(), 2, 5, 4);
    arguments.value = Dense(whole.value.data.data(), 2, 5, 4);
    arguments.output = Dense(output.data(), 2, 3, 4);
    const Status status = ScaledDotProductAttention(arguments);
    EXPECT_EQ(status.code(), rule.code) << status.message();
    if (rule.fault == nullptr) continue;
    EXPECT_EQ(status.message().rfind(std::string(rule.fault) + ":", 0), 0U) << status.message();
    for (const float value : output) EXPECT_EQ(value, kUntouched);
  }
}

}  // namespace
}  // namespace maskproof::kernels
