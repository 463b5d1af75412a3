// com.microsoft.Attention.
#include "maskproof/kernels/attention.h"

#include <cstddef>
#include <cstdint>
#include <new>

#include "dispatch.h"
#include "message.h"
#include "operator.h"
#include "parallel.h"
#include "projection.h"
#include "scratch.h"
#include "validate.h"

namespace maskproof::kernels {
namespace {

class FloatProjection final : public Projection {
 public:
  FloatProjection(const AttentionInputs& inputs, const Geometry& geometry, int64_t target,
                  ParallelFor* parallel)
      : problem_{.tokens = geometry.queries,
                 .depth = geometry.input_width,
                 .columns = geometry.columns(),
                 .input = inputs.input.data,
                 .weights = inputs.weights.data,
                 .bias = inputs.bias ? inputs.bias->data : nullptr,
                 .packed =
                     inputs.packed_weights != nullptr ? inputs.packed_weights->data() : nullptr},
        run_(problem_, target, parallel) {}

  [[nodiscard]] bool Reserve(Arena& arena, int64_t rows) override {
    return run_.Reserve(arena, rows);
  }
  void Prepare() override { run_.Prepare(); }
  void Run(int64_t first_row, int64_t rows, float* projected, int64_t stride,
           const WantedRows& wanted) override {
    run_.Run(first_row, rows, projected, stride, wanted);
  }

 private:
  ProjectionProblem problem_;
  ProjectionRun run_;
};

// Validates the arguments and hands the call and its projection to `use`.
template <typename Use>
Status WithCall(const AttentionAttributes& attributes, const AttentionInputs& inputs,
                const AttentionOutputs& outputs, const Execution& given, Data data,
                const Use& use) try {
  ThreadsOfCall threads(given);
  const Execution& execution = threads.execution();
  Geometry geometry;
  MASKPROOF_RETURN_IF_ERROR(ValidateAttention(attributes, inputs, outputs, data, geometry));
  const int64_t target = ResolveTarget(execution.target);
  if (target == 0) return NotSupported("target", "not one of SupportedTargets()");
  if (inputs.packed_weights != nullptr) {
    MASKPROOF_RETURN_IF_ERROR(ValidatePackedWeights(inputs, target));
  }
  FloatProjection projection(inputs, geometry, target, execution.parallel);
  return use({.attributes = attributes,
              .geometry = geometry,
              .mask_index = inputs.mask_index,
              .past = inputs.past,
              .attention_bias = inputs.attention_bias,
              .outputs = outputs,
              .target = target,
              .execution = execution},
             projection);
} catch (const std::bad_alloc&) {
  return OutOfMemory();
}

}  // namespace

Status Attention(const AttentionAttributes& attributes, const AttentionInputs& inputs,
                 const AttentionOutputs& outputs, const Execution& execution) {
  return WithCall(attributes, inputs, outputs, execution, Data::kRequired, RunOperator);
}

Status AttentionWorkspaceSize(const AttentionAttributes& attributes, const AttentionInputs& inputs,
                              const AttentionOutputs& outputs, const Execution& execution,
                              size_t& bytes) {
  return WithCall(attributes, inputs, outputs, execution, Data::kIgnored,
                  [&bytes](const OperatorCall& call, Projection& projection) {
                    return OperatorWorkspaceSize(call, projection, bytes);
                  });
}

}  // namespace maskproof::kernels
