// com.microsoft.Attention.
#include "maskproof/kernels/attention.h"

#include <cstdint>
#include <new>

#include "dispatch.h"
#include "message.h"
#include "operator.h"
#include "projection.h"
#include "validate.h"

namespace maskproof::kernels {
namespace {

class FloatProjection final : public Projection {
 public:
  FloatProjection(const AttentionInputs& inputs, const Geometry& geometry, int64_t target,
                  ParallelFor* parallel)
      : problem_{.rows = geometry.batch * geometry.queries,
                 .depth = geometry.input_width,
                 .columns = geometry.columns(),
                 .input = inputs.input.data,
                 .weights = inputs.weights.data,
                 .bias = inputs.bias ? inputs.bias->data : nullptr},
        run_(problem_, target, parallel) {}

  [[nodiscard]] bool Reserve() override { return run_.Reserve(); }
  void Run(float* projected, int64_t stride) override { run_.Run(projected, stride); }

 private:
  ProjectionProblem problem_;
  ProjectionRun run_;
};

}  // namespace

Status Attention(const AttentionAttributes& attributes, const AttentionInputs& inputs,
                 const AttentionOutputs& outputs, const Execution& execution) try {
  Geometry geometry;
  MASKPROOF_RETURN_IF_ERROR(ValidateAttention(attributes, inputs, outputs, geometry));
  const int64_t target = ResolveTarget(execution.target);
  if (target == 0) return NotSupported("target", "not one of SupportedTargets()");
  FloatProjection projection(inputs, geometry, target, execution.parallel);
  return RunOperator({.attributes = attributes,
                      .geometry = geometry,
                      .mask_index = inputs.mask_index,
                      .past = inputs.past,
                      .attention_bias = inputs.attention_bias,
                      .outputs = outputs,
                      .target = target,
                      .parallel = execution.parallel},
                     projection);
} catch (const std::bad_alloc&) {
  return {StatusCode::kOutOfMemory, {}};
}

}  // namespace maskproof::kernels
