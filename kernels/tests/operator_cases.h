// Complete Attention and QAttention calls for the tests of the operators and of their validation.
#ifndef MASKPROOF_KERNELS_TESTS_OPERATOR_CASES_H_
#define MASKPROOF_KERNELS_TESTS_OPERATOR_CASES_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "helpers.h"

namespace maskproof::kernels {

struct AttentionCase {
  AttentionAttributes attributes;
  std::vector<int64_t> hidden_sizes;
  TestTensor<float> input;
  TestTensor<float> weights;
  std::optional<TestTensor<float>> bias;
  std::optional<TestTensor<int32_t>> mask;
  std::optional<TestTensor<float>> past;
  std::optional<TestTensor<float>> attention_bias;
  std::optional<TestTensor<int32_t>> past_sequence_length;
  TestTensor<float> output;
  std::optional<TestTensor<float>> present;

  AttentionInputs Inputs() {
    attributes.qkv_hidden_sizes = hidden_sizes;
    AttentionInputs inputs;
    inputs.input = input.view();
    inputs.weights = weights.view();
    if (bias) inputs.bias = bias->view();
    if (mask) inputs.mask_index = mask->view();
    if (past) inputs.past = past->view();
    if (attention_bias) inputs.attention_bias = attention_bias->view();
    if (past_sequence_length) inputs.past_sequence_length = past_sequence_length->view();
    return inputs;
  }

  AttentionOutputs Outputs() {
    AttentionOutputs outputs{.output = output.mutable_view(), .present = {}};
    if (present) outputs.present = present->mutable_view();
    return outputs;
  }

  Status Run(const Execution& execution = {}) {
    return Attention(attributes, Inputs(), Outputs(), execution);
  }
};

struct Sizes {
  int64_t batch = 1;
  int64_t queries = 1;
  int64_t past = -1;  // -1: neither past nor present
  int64_t heads = 1;
  int64_t head_size = 1;
  int64_t value_head_size = 1;
  int64_t input_width = 1;

  int64_t columns() const { return heads * (2 * head_size + value_head_size); }
};

inline AttentionCase MakeAttention(const Sizes& s, uint64_t seed) {
  Random random(seed);
  AttentionCase c;
  c.attributes.num_heads = s.heads;
  c.hidden_sizes = {s.heads * s.head_size, s.heads * s.head_size, s.heads * s.value_head_size};
  c.input = random.Tensor({s.batch, s.queries, s.input_width});
  c.weights = random.Tensor({s.input_width, s.columns()});
  c.bias = random.Tensor({s.columns()});
  c.output = TestTensor<float>({s.batch, s.queries, s.heads * s.value_head_size});
  if (s.past >= 0) {
    c.past = random.Tensor({2, s.batch, s.heads, s.past, s.head_size});
    c.present = TestTensor<float>({2, s.batch, s.heads, s.past + s.queries, s.head_size});
  }
  return c;
}

struct QAttentionBase {
  AttentionAttributes attributes;
  TestTensor<float> bias;
  TestTensor<float> input_scale;
  TestTensor<float> weight_scale;
  std::optional<TestTensor<int32_t>> mask;
  std::optional<TestTensor<float>> past;
  TestTensor<float> output;
  std::optional<TestTensor<float>> present;
};

template <typename X, typename W>
struct QAttentionCase : QAttentionBase {
  TestTensor<X> input;
  TestTensor<W> weights;
  std::optional<TestTensor<X>> input_zero_point;
  std::optional<TestTensor<W>> weight_zero_point;

  QAttentionInputs Inputs() const {
    QAttentionInputs inputs;
    inputs.input = input.quantized();
    inputs.weights = weights.quantized();
    inputs.bias = bias.view();
    inputs.input_scale = input_scale.view();
    inputs.weight_scale = weight_scale.view();
    if (mask) inputs.mask_index = mask->view();
    if (input_zero_point) inputs.input_zero_point = input_zero_point->quantized();
    if (weight_zero_point) inputs.weight_zero_point = weight_zero_point->quantized();
    if (past) inputs.past = past->view();
    return inputs;
  }

  AttentionOutputs Outputs() {
    AttentionOutputs outputs{.output = output.mutable_view(), .present = {}};
    if (present) outputs.present = present->mutable_view();
    return outputs;
  }

  Status Run(const Execution& execution = {}) { return RunWith(Inputs(), execution); }

  Status RunWith(const QAttentionInputs& inputs, const Execution& execution = {}) {
    return QAttention(attributes, inputs, Outputs(), execution);
  }
};

// Hv is H. Scales are powers of two.
template <typename X, typename W>
QAttentionCase<X, W> MakeQAttention(const Sizes& s, uint64_t seed) {
  Random random(seed);
  QAttentionCase<X, W> c;
  c.attributes.num_heads = s.heads;
  const int64_t hidden = s.heads * s.head_size;
  c.input = random.Bytes<X>({s.batch, s.queries, s.input_width});
  c.weights = random.Bytes<W>({s.input_width, 3 * hidden});
  c.bias = TestTensor<float>({3 * hidden});
  c.input_scale = TestTensor<float>({}, {0x1p-6F});
  c.weight_scale = TestTensor<float>({1}, {0x1p-7F});
  c.output = TestTensor<float>({s.batch, s.queries, hidden});
  if (s.past >= 0) {
    c.past = random.Tensor({2, s.batch, s.heads, s.past, s.head_size});
    c.present = TestTensor<float>({2, s.batch, s.heads, s.past + s.queries, s.head_size});
  }
  return c;
}

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_TESTS_OPERATOR_CASES_H_
