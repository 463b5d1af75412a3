// Attention, QAttention and the attention core they share.
//
// Symbols: B batch, S query length, P past length, T = P + S total length, N heads, H head size of
// query and key, Hv head size of value, D = N*H, Dv = N*Hv, Di input width.
//
// Semantics: docs/operators.md. In short
//   x[s,t] = scale * (query[s] . key[t]) + attention_bias[s,t]
//   p[s,:] = softmax over the keys that query s sees
//   output[s] = sum_t p[s,t] * value[t]
// A mask is a decision and not a number: a key that is masked takes no part, whatever stands in its
// key and value rows. A row that sees no key follows FullyMaskedPolicy.
//
// All functions validate first; when the Status is not ok, no output byte has been written.
// They are reentrant and do not change the floating-point environment.
#ifndef MASKPROOF_KERNELS_ATTENTION_H_
#define MASKPROOF_KERNELS_ATTENTION_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "maskproof/kernels/execution.h"
#include "maskproof/kernels/packed_attention_weights.h"
#include "maskproof/kernels/status.h"
#include "maskproof/kernels/tensor_view.h"

namespace maskproof::kernels {

// What a query row that sees no key at all gives.
enum class FullyMaskedPolicy {
  kUniform,  // the mean of all T values: every weight is 1/T (com.microsoft operators)
  kZero,     // zeros (ONNX standard, PyTorch)
};

// Attributes shared by com.microsoft.Attention and com.microsoft.QAttention.
struct AttentionAttributes {
  int64_t num_heads = 0;       // required, > 0
  int64_t unidirectional = 0;  // causal if exactly 1
  // [D, D, Dv]; empty means absent. Attention only.
  std::span<const int64_t> qkv_hidden_sizes;
  // Accepted for compatibility and without effect: masked keys are excluded. NaN is refused.
  float mask_filter_value = -10000.0F;
  float scale = 0.0F;  // 0 means 1/sqrt(H); must be finite
  int64_t past_present_share_buffer = 0;
  int64_t do_rotary = 0;
  int64_t rotary_embedding_dim = 0;
  FullyMaskedPolicy fully_masked = FullyMaskedPolicy::kUniform;
};

struct AttentionInputs {
  TensorView<const float> input;                          // (B, S, Di)
  TensorView<const float> weights;                        // (Di, D + D + Dv), columns Q | K | V
  std::optional<TensorView<const float>> bias;            // (D + D + Dv); absent means zeros
  std::optional<TensorView<const int32_t>> mask_index;    // every form of docs/operators.md
  std::optional<TensorView<const float>> past;            // (2, B, N, P, H)
  std::optional<TensorView<const float>> attention_bias;  // (B or 1, N or 1, S, T)
  std::optional<TensorView<const int32_t>> past_sequence_length;  // shared buffers only: refused
  // What PackAttentionWeights made of `weights`, for the same target; the data of `weights` are
  // then not read, and may be missing.
  const PackedAttentionWeights* packed_weights = nullptr;
};

struct AttentionOutputs {
  TensorView<float> output;  // (B, S, Dv)
  std::optional<TensorView<float>>
      present;  // (2, B, N, T, H): past, then the new key and value rows
};

Status Attention(const AttentionAttributes& attributes, const AttentionInputs& inputs,
                 const AttentionOutputs& outputs, const Execution& execution = {});

// Bytes of workspace that the call with the same arguments needs. Tensors may still be without data
// here. Refuses what the call would refuse for its sizes and attributes.
Status AttentionWorkspaceSize(const AttentionAttributes& attributes, const AttentionInputs& inputs,
                              const AttentionOutputs& outputs, const Execution& execution,
                              size_t& bytes);

class PackedQAttentionWeights;  // packed_qattention_weights.h

struct QAttentionInputs {
  QuantizedView input;                                  // (B, S, Di)
  QuantizedView weights;                                // (Di, 3 D)
  TensorView<const float> bias;                         // (3 D)
  TensorView<const float> input_scale;                  // scalar or (1)
  TensorView<const float> weight_scale;                 // scalar, (1) or (3 D)
  std::optional<TensorView<const int32_t>> mask_index;  // as for Attention
  std::optional<QuantizedView> input_zero_point;        // scalar or (1), signedness of input
  std::optional<QuantizedView> weight_zero_point;  // scalar, (1) or (3 D), signedness of weights
  std::optional<TensorView<const float>> past;     // (2, B, N, P, H)
  // If not null, read in place of weights.data. Refused (kInvalidArgument) unless shape, signedness
  // and zero points are those of weights and weight_zero_point, and the target is that of the call.
  const PackedQAttentionWeights* packed_weights = nullptr;
};

// The projection's integer part, sum (x - zx) * (w - zw), is exact for every input; then
// q = float(acc) * (input_scale * weight_scale[c]) + bias[c] in float32.
Status QAttention(const AttentionAttributes& attributes, const QAttentionInputs& inputs,
                  const AttentionOutputs& outputs, const Execution& execution = {});

// As AttentionWorkspaceSize.
Status QAttentionWorkspaceSize(const AttentionAttributes& attributes,
                               const QAttentionInputs& inputs, const AttentionOutputs& outputs,
                               const Execution& execution, size_t& bytes);

// Scaled dot-product attention on given query, key and value.
struct CoreShape {
  int64_t batch = 0;            // B
  int64_t heads = 0;            // N
  int64_t query_length = 0;     // S
  int64_t total_length = 0;     // T >= S; the past length is T - S
  int64_t head_size = 0;        // H
  int64_t value_head_size = 0;  // Hv
};

struct CoreArguments {
  CoreShape shape;
  StridedTensor<const float> query;                       // (B, N, S, H)
  StridedTensor<const float> key;                         // (B, N, T, H)
  StridedTensor<const float> value;                       // (B, N, T, Hv)
  std::optional<TensorView<const int32_t>> mask_index;    // the forms of Attention
  std::optional<TensorView<const float>> attention_bias;  // (B or 1, N or 1, S, T); -inf masks
  bool causal = false;                                    // query s sees keys t <= T - S + s
  float scale = 0.0F;                                     // 0 means 1/sqrt(H); must be finite
  FullyMaskedPolicy fully_masked = FullyMaskedPolicy::kUniform;
  StridedTensor<float> output;  // (B, N, S, Hv)
};

Status ScaledDotProductAttention(const CoreArguments& arguments, const Execution& execution = {});

// As AttentionWorkspaceSize.
Status ScaledDotProductAttentionWorkspaceSize(const CoreArguments& arguments,
                                              const Execution& execution, size_t& bytes);

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_ATTENTION_H_
