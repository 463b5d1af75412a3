// com.microsoft.QAttention.
#include <cstdint>
#include <new>
#include <optional>

#include "dispatch.h"
#include "maskproof/kernels/attention.h"
#include "message.h"
#include "operator.h"
#include "quantized_projection.h"
#include "validate.h"

namespace maskproof::kernels {

Status QAttention(const AttentionAttributes& attributes, const QAttentionInputs& inputs,
                  const AttentionOutputs& outputs, const Execution& execution) try {
  Geometry geometry;
  MASKPROOF_RETURN_IF_ERROR(ValidateQAttention(attributes, inputs, outputs, geometry));
  const int64_t target = ResolveTarget(execution.target);
  if (target == 0) return NotSupported("target", "not one of SupportedTargets()");
  if (inputs.packed_weights != nullptr) {
    MASKPROOF_RETURN_IF_ERROR(ValidatePackedWeights(inputs, target));
  }
  QuantizedProjection projection(inputs, target, execution.parallel);
  const std::optional<TensorView<const float>> no_attention_bias;
  return RunOperator({.attributes = attributes,
                      .geometry = geometry,
                      .mask_index = inputs.mask_index,
                      .past = inputs.past,
                      .attention_bias = no_attention_bias,
                      .outputs = outputs,
                      .target = target,
                      .parallel = execution.parallel},
                     projection);
} catch (const std::bad_alloc&) {
  return {StatusCode::kOutOfMemory, {}};
}

}  // namespace maskproof::kernels
