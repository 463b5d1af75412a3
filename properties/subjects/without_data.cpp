#include "properties/subjects/without_data.h"

#include <optional>

namespace maskproof {
namespace {

template <typename... Views>
void Drop(Views&... views) {
  ((views.data = nullptr), ...);
}

template <typename... Views>
void DropOptional(std::optional<Views>&... views) {
  ((views ? void(views->data = nullptr) : void()), ...);
}

}  // namespace

kernels::AttentionInputs WithoutData(kernels::AttentionInputs inputs) {
  Drop(inputs.input, inputs.weights);
  DropOptional(inputs.bias, inputs.mask_index, inputs.past, inputs.attention_bias,
               inputs.past_sequence_length);
  return inputs;
}

kernels::QAttentionInputs WithoutData(kernels::QAttentionInputs inputs) {
  Drop(inputs.input, inputs.weights, inputs.bias, inputs.input_scale, inputs.weight_scale);
  DropOptional(inputs.mask_index, inputs.input_zero_point, inputs.weight_zero_point, inputs.past);
  return inputs;
}

kernels::AttentionOutputs WithoutData(kernels::AttentionOutputs outputs) {
  Drop(outputs.output);
  DropOptional(outputs.present);
  return outputs;
}

kernels::CoreArguments WithoutData(kernels::CoreArguments arguments) {
  Drop(arguments.query, arguments.key, arguments.value, arguments.output);
  DropOptional(arguments.mask_index, arguments.attention_bias);
  return arguments;
}

}  // namespace maskproof
