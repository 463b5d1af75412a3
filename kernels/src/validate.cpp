#include "validate.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>

#include "dispatch.h"
#include "message.h"

namespace maskproof::kernels {
namespace {

// What Attention and QAttention have in common once types are put aside.
struct OperatorShapes {
  std::span<const int64_t> input;
  std::span<const int64_t> weights;
  std::optional<std::span<const int64_t>> bias;
};

Status ValidateAttributes(const AttentionAttributes& attributes) {
  MASKPROOF_RETURN_IF_ERROR(ValidateScale(attributes.scale));
  if (attributes.num_heads <= 0 || attributes.num_heads > std::numeric_limits<int32_t>::max()) {
    return Mismatch("num_heads", "1 to 2147483647", std::to_string(attributes.num_heads));
  }
  if (std::isnan(attributes.mask_filter_value)) {
    return Mismatch("mask_filter_value", "a number", "NaN");
  }
  return {};
}

Status ValidateProjection(const OperatorShapes& shapes, Geometry& geometry) {
  MASKPROOF_RETURN_IF_ERROR(ExpectRank("input", shapes.input, 3));
  MASKPROOF_RETURN_IF_ERROR(ExpectRank("weights", shapes.weights, 2));
  geometry.batch = shapes.input[0];
  geometry.queries = shapes.input[1];
  geometry.input_width = shapes.input[2];
  if (shapes.weights[0] != geometry.input_width) {
    return WrongShape("weights",
                      std::to_string(geometry.input_width) + " rows, as the input is wide",
                      shapes.weights);
  }
  if (!shapes.bias) return {};
  return ExpectShape("bias", *shapes.bias, {shapes.weights[1]});
}

Status ValidateGivenHiddenSizes(std::span<const int64_t> sizes, int64_t heads, int64_t columns,
                                Geometry& geometry) {
  constexpr const char* kName = "qkv_hidden_sizes";
  if (sizes.size() != 3) return Mismatch(kName, "3 entries", DimsText(sizes));
  for (const int64_t size : sizes) {
    if (size <= 0 || size % heads != 0) {
      return Mismatch(kName, "positive multiples of num_heads = " + std::to_string(heads),
                      DimsText(sizes));
    }
  }
  if (sizes[0] != sizes[1]) return Mismatch(kName, "equal query and key sizes", DimsText(sizes));
  // Subtracted one by one, so that no sum can overflow.
  if (sizes[0] > columns || sizes[1] > columns - sizes[0] ||
      sizes[2] != columns - sizes[0] - sizes[1]) {
    return Mismatch(kName, "a sum of " + std::to_string(columns) + ", the columns of weights",
                    DimsText(sizes));
  }
  geometry.head_size = sizes[0] / heads;
  geometry.value_head_size = sizes[2] / heads;
  return {};
}

Status ValidateHiddenSizes(const AttentionAttributes& attributes, int64_t columns,
                           Geometry& geometry) {
  geometry.heads = attributes.num_heads;
  if (!attributes.qkv_hidden_sizes.empty()) {
    return ValidateGivenHiddenSizes(attributes.qkv_hidden_sizes, attributes.num_heads, columns,
                                    geometry);
  }
  if (columns % 3 != 0) {
    return Mismatch("weights", "a number of columns divisible by 3", std::to_string(columns));
  }
  if (columns / 3 % attributes.num_heads != 0) {
    return Mismatch("num_heads", "a divisor of the hidden size " + std::to_string(columns / 3),
                    std::to_string(attributes.num_heads));
  }
  geometry.head_size = columns / 3 / attributes.num_heads;
  geometry.value_head_size = geometry.head_size;
  return {};
}

Status ValidatePast(const std::optional<TensorView<const float>>& past, bool wants_present,
                    bool has_attention_bias, Geometry& geometry) {
  const bool equal_heads = geometry.head_size == geometry.value_head_size;
  geometry.keys = geometry.queries;
  if (!past) {
    if (wants_present && !equal_heads) {
      return Invalid("present",
                     "cannot hold keys and values of different head sizes "
                     "(qkv_hidden_sizes)");
    }
    return {};
  }
  if (has_attention_bias) return Invalid("attention_bias", "cannot be combined with past");
  if (!equal_heads) {
    return Invalid("past",
                   "cannot hold keys and values of different head sizes (qkv_hidden_sizes)");
  }
  if (!wants_present) return Invalid("past", "given, but the present output is not");
  MASKPROOF_RETURN_IF_ERROR(ExpectRank("past", past->dims, 5));
  geometry.past = past->dims[3];
  MASKPROOF_RETURN_IF_ERROR(ExpectShape(
      "past", past->dims, {2, geometry.batch, geometry.heads, geometry.past, geometry.head_size}));
  if (geometry.past > std::numeric_limits<int64_t>::max() - geometry.queries) {
    return WrongShape("past", "a length that can be added to that of the input", past->dims);
  }
  geometry.keys = geometry.past + geometry.queries;
  return {};
}

Status ValidateSupport(const AttentionAttributes& attributes, bool has_past,
                       bool has_past_sequence_length,
                       const std::optional<TensorView<const int32_t>>& mask,
                       const Geometry& geometry) {
  if (attributes.do_rotary == 1) return NotSupported("do_rotary", "rotary embedding");
  if (has_past_sequence_length) {
    return NotSupported("past_sequence_length", "shared past and present buffers");
  }
  if (attributes.past_present_share_buffer != 0 && has_past) {
    return NotSupported("past_present_share_buffer", "shared past and present buffers");
  }
  if (geometry.head_size == 0) return NotSupported("weights", "a head size of 0");
  if (mask && IsMegatronMask(*mask)) return NotSupported("mask_index", "4 dimensions");
  return {};
}

template <typename View>
Status ExpectTensor(const char* name, const View& view, Data data) {
  // Without data, the sizes are still to be countable.
  const void* const start = data == Data::kIgnored ? name : static_cast<const void*>(view.data);
  return ExpectData(name, start, view.dims);
}

template <typename View>
Status ExpectTensor(const char* name, const std::optional<View>& view, Data data) {
  return view ? ExpectTensor(name, *view, data) : Status();
}

Status ValidateOutputs(const AttentionOutputs& outputs, Data data, const Geometry& g) {
  MASKPROOF_RETURN_IF_ERROR(
      ExpectShape("output", outputs.output.dims, {g.batch, g.queries, g.value_hidden()}));
  MASKPROOF_RETURN_IF_ERROR(ExpectTensor("output", outputs.output, data));
  if (!outputs.present) return {};
  MASKPROOF_RETURN_IF_ERROR(
      ExpectShape("present", outputs.present->dims, {2, g.batch, g.heads, g.keys, g.head_size}));
  return ExpectTensor("present", *outputs.present, data);
}

}  // namespace

Status ValidateAttention(const AttentionAttributes& attributes, const AttentionInputs& inputs,
                         const AttentionOutputs& outputs, Data data, Geometry& geometry) {
  MASKPROOF_RETURN_IF_ERROR(ExpectTensor("input", inputs.input, data));
  const Data weights = inputs.packed_weights == nullptr ? data : Data::kIgnored;
  MASKPROOF_RETURN_IF_ERROR(ExpectTensor("weights", inputs.weights, weights));
  MASKPROOF_RETURN_IF_ERROR(ExpectTensor("bias", inputs.bias, data));
  MASKPROOF_RETURN_IF_ERROR(ExpectTensor("mask_index", inputs.mask_index, data));
  MASKPROOF_RETURN_IF_ERROR(ExpectTensor("past", inputs.past, data));
  MASKPROOF_RETURN_IF_ERROR(ExpectTensor("attention_bias", inputs.attention_bias, data));
  MASKPROOF_RETURN_IF_ERROR(
      ExpectTensor("past_sequence_length", inputs.past_sequence_length, data));
  MASKPROOF_RETURN_IF_ERROR(ValidateAttributes(attributes));

  OperatorShapes shapes{.input = inputs.input.dims, .weights = inputs.weights.dims, .bias = {}};
  if (inputs.bias) shapes.bias = inputs.bias->dims;
  Geometry g;
  MASKPROOF_RETURN_IF_ERROR(ValidateProjection(shapes, g));
  MASKPROOF_RETURN_IF_ERROR(ValidateHiddenSizes(attributes, shapes.weights[1], g));
  MASKPROOF_RETURN_IF_ERROR(
      ValidatePast(inputs.past, outputs.present.has_value(), inputs.attention_bias.has_value(), g));
  MASKPROOF_RETURN_IF_ERROR(ValidateCounts("input", g));
  if (inputs.mask_index) {
    MASKPROOF_RETURN_IF_ERROR(
        ValidateMask(*inputs.mask_index, g, attributes.unidirectional == 1, data));
  }
  if (inputs.attention_bias) {
    MASKPROOF_RETURN_IF_ERROR(ValidateAttentionBias(*inputs.attention_bias, g));
  }
  MASKPROOF_RETURN_IF_ERROR(ValidateSupport(attributes, inputs.past.has_value(),
                                            inputs.past_sequence_length.has_value(),
                                            inputs.mask_index, g));
  MASKPROOF_RETURN_IF_ERROR(ValidateOutputs(outputs, data, g));
  geometry = g;
  return {};
}

Status ValidateQAttention(const AttentionAttributes& attributes, const QAttentionInputs& inputs,
                          const AttentionOutputs& outputs, Data data, Geometry& geometry) {
  const Data weights = inputs.packed_weights == nullptr ? data : Data::kIgnored;
  MASKPROOF_RETURN_IF_ERROR(ExpectTensor("input", inputs.input, data));
  MASKPROOF_RETURN_IF_ERROR(ExpectTensor("weights", inputs.weights, weights));
  MASKPROOF_RETURN_IF_ERROR(ExpectTensor("bias", inputs.bias, data));
  MASKPROOF_RETURN_IF_ERROR(ExpectTensor("input_scale", inputs.input_scale, data));
  MASKPROOF_RETURN_IF_ERROR(ExpectTensor("weight_scale", inputs.weight_scale, data));
  MASKPROOF_RETURN_IF_ERROR(ExpectTensor("mask_index", inputs.mask_index, data));
  MASKPROOF_RETURN_IF_ERROR(ExpectTensor("input_zero_point", inputs.input_zero_point, data));
  MASKPROOF_RETURN_IF_ERROR(ExpectTensor("weight_zero_point", inputs.weight_zero_point, data));
  MASKPROOF_RETURN_IF_ERROR(ExpectTensor("past", inputs.past, data));
  MASKPROOF_RETURN_IF_ERROR(ValidateZeroPointTypes(inputs));
  MASKPROOF_RETURN_IF_ERROR(ValidateAttributes(attributes));

  Geometry g;
  MASKPROOF_RETURN_IF_ERROR(ValidateProjection(
      {.input = inputs.input.dims, .weights = inputs.weights.dims, .bias = inputs.bias.dims}, g));
  if (!attributes.qkv_hidden_sizes.empty()) {
    return Invalid("qkv_hidden_sizes", "is not an attribute of QAttention");
  }
  MASKPROOF_RETURN_IF_ERROR(ValidateHiddenSizes(attributes, inputs.weights.dims[1], g));
  MASKPROOF_RETURN_IF_ERROR(ValidateQuantization(inputs));
  MASKPROOF_RETURN_IF_ERROR(ValidatePast(inputs.past, outputs.present.has_value(), false, g));
  MASKPROOF_RETURN_IF_ERROR(ValidateCounts("input", g));
  if (inputs.mask_index) {
    MASKPROOF_RETURN_IF_ERROR(
        ValidateMask(*inputs.mask_index, g, attributes.unidirectional == 1, data));
  }
  MASKPROOF_RETURN_IF_ERROR(
      ValidateSupport(attributes, inputs.past.has_value(), false, inputs.mask_index, g));
  MASKPROOF_RETURN_IF_ERROR(ValidateOutputs(outputs, data, g));
  geometry = g;
  return {};
}

Status ValidatePackedWeights(const AttentionInputs& inputs, int64_t target) {
  constexpr const char* kPacked = "packed_weights";
  const PackedAttentionWeights& packed = *inputs.packed_weights;
  if (packed.empty()) return Mismatch(kPacked, "weights", "nothing packed");
  if (packed.target() != target) {
    return Mismatch(kPacked, std::string("weights packed for target ").append(TargetName(target)),
                    TargetName(packed.target()));
  }
  const std::array<int64_t, 2> dims = {packed.input_width(), packed.columns()};
  return ExpectShape(kPacked, dims, {inputs.weights.dims[0], inputs.weights.dims[1]});
}

Status ValidateCore(const CoreArguments& arguments, Data data, Geometry& geometry) {
  if (arguments.mask_index) {
    MASKPROOF_RETURN_IF_ERROR(ExpectTensor("mask_index", arguments.mask_index, data));
  }
  MASKPROOF_RETURN_IF_ERROR(ExpectTensor("attention_bias", arguments.attention_bias, data));
  MASKPROOF_RETURN_IF_ERROR(ValidateScale(arguments.scale));

  const CoreShape& shape = arguments.shape;
  const std::array<int64_t, 6> sizes = {shape.batch,        shape.heads,     shape.query_length,
                                        shape.total_length, shape.head_size, shape.value_head_size};
  for (const int64_t size : sizes) {
    if (size < 0) return Mismatch("query", "sizes that are not negative", DimsText(sizes));
  }
  if (shape.total_length < shape.query_length) {
    return Mismatch("key", "at least " + std::to_string(shape.query_length) + " rows",
                    std::to_string(shape.total_length));
  }
  const Geometry g{.batch = shape.batch,
                   .queries = shape.query_length,
                   .past = shape.total_length - shape.query_length,
                   .keys = shape.total_length,
                   .heads = shape.heads,
                   .head_size = shape.head_size,
                   .value_head_size = shape.value_head_size,
                   .input_width = 0};
  MASKPROOF_RETURN_IF_ERROR(ValidateCounts("query", g));
  if (arguments.mask_index) {
    MASKPROOF_RETURN_IF_ERROR(ValidateMask(*arguments.mask_index, g, arguments.causal, data));
  }
  if (arguments.attention_bias) {
    MASKPROOF_RETURN_IF_ERROR(ValidateAttentionBias(*arguments.attention_bias, g));
  }
  if (g.heads == 0) return NotSupported("query", "no heads");
  if (g.head_size == 0) return NotSupported("query", "a head size of 0");
  if (g.value_head_size == 0) return NotSupported("value", "a head size of 0");
  if (arguments.mask_index && IsMegatronMask(*arguments.mask_index)) {
    return NotSupported("mask_index", "4 dimensions");
  }
  if (!g.empty() && data == Data::kRequired) {
    if (arguments.query.data == nullptr) return Mismatch("query", "data", "a null pointer");
    if (arguments.key.data == nullptr) return Mismatch("key", "data", "a null pointer");
    if (arguments.value.data == nullptr) return Mismatch("value", "data", "a null pointer");
    if (arguments.output.data == nullptr) return Mismatch("output", "data", "a null pointer");
  }
  geometry = g;
  return {};
}

}  // namespace maskproof::kernels
