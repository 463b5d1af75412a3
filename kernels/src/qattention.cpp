// com.microsoft.QAttention.
#include <cstddef>
#include <cstdint>
#include <new>
#include <optional>

#include "dispatch.h"
#include "maskproof/kernels/attention.h"
#include "message.h"
#include "operator.h"
#include "parallel.h"
#include "quantized_projection.h"
#include "validate.h"

namespace maskproof::kernels {
namespace {

// Validates the arguments and hands the call and its projection to `use`.
template <typename Use>
Status WithCall(const AttentionAttributes& attributes, const QAttentionInputs& inputs,
                const AttentionOutputs& outputs, const Execution& given, Data data,
                const Use& use) try {
  ThreadsOfCall threads(given);
  const Execution& execution = threads.execution();
  Geometry geometry;
  MASKPROOF_RETURN_IF_ERROR(ValidateQAttention(attributes, inputs, outputs, data, geometry));
  const int64_t target = ResolveTarget(execution.target);
  if (target == 0) return NotSupported("target", "not one of SupportedTargets()");
  if (inputs.packed_weights != nullptr) {
    MASKPROOF_RETURN_IF_ERROR(ValidatePackedWeights(inputs, data, target));
  }
  QuantizedProjection projection(inputs, target, execution.parallel);
  const std::optional<TensorView<const float>> no_attention_bias;
  return use({.attributes = attributes,
              .geometry = geometry,
              .mask_index = inputs.mask_index,
              .past = inputs.past,
              .attention_bias = no_attention_bias,
              .outputs = outputs,
              .target = target,
              .execution = execution},
             projection);
} catch (const std::bad_alloc&) {
  return OutOfMemory();
}

}  // namespace

Status QAttention(const AttentionAttributes& attributes, const QAttentionInputs& inputs,
                  const AttentionOutputs& outputs, const Execution& execution) {
  return WithCall(attributes, inputs, outputs, execution, Data::kRequired, RunOperator);
}

Status QAttentionWorkspaceSize(const AttentionAttributes& attributes,
                               const QAttentionInputs& inputs, const AttentionOutputs& outputs,
                               const Execution& execution, size_t& bytes) {
  return WithCall(attributes, inputs, outputs, execution, Data::kIgnored,
                  [&bytes](const OperatorCall& call, Projection& projection) {
                    return OperatorWorkspaceSize(call, projection, bytes);
                  });
}

}  // namespace maskproof::kernels
