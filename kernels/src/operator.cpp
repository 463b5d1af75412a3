#include "operator.h"

#include <algorithm>
#include <cstdint>

#include "attention_core.h"
#include "mask.h"
#include "message.h"
#include "parallel.h"
#include "projection.h"
#include "scratch.h"
#include "sizes.h"

namespace maskproof::kernels {
namespace {

// Query, key and value of one (batch, head) as rows of the projection.
StridedTensor<const float> Projected(const Geometry& g, const float* columns, int64_t head_size,
                                     int64_t stride) {
  return {.data = columns,
          .batch_stride = g.queries * stride,
          .head_stride = head_size,
          .row_stride = stride};
}

// present holds the past rows and then the new ones, keys in its first half and values in its
// second. Copied as they are: the scale is applied to scores only.
void WritePresent(const OperatorCall& call, const CoreProblem& problem) {
  const Geometry& g = call.geometry;
  if (g.keys == 0) return;  // nothing to hold, though batch and heads may be huge
  const int64_t halves_heads = 2 * g.batch * g.heads;
  const int64_t past_size = g.past * g.head_size;
  ForEachTask(call.parallel, halves_heads, [&](int64_t task, int64_t /*worker*/) {
    const int64_t batch = task / g.heads % g.batch;
    const bool is_key = task < g.batch * g.heads;
    const StridedTensor<const float>& fresh = is_key ? problem.key : problem.value;
    float* to = call.outputs.present->data + task * g.keys * g.head_size;
    if (call.past) to = std::copy_n(call.past->data + task * past_size, past_size, to);
    for (int64_t s = 0; s < g.queries; ++s) {
      to = std::copy_n(fresh.Row(batch, task % g.heads, s), g.head_size, to);
    }
  });
}

// Key or value as the core reads it from present.
StridedTensor<const float> InPresent(const Geometry& g, const float* half) {
  return {.data = half,
          .batch_stride = g.heads * g.keys * g.head_size,
          .head_stride = g.keys * g.head_size,
          .row_stride = g.head_size};
}

}  // namespace

Status RunOperator(const OperatorCall& call, Projection& projection) {
  const Geometry& g = call.geometry;
  CoreProblem problem;
  problem.geometry = g;
  problem.scale = EffectiveScale(call.attributes.scale, g.head_size);
  problem.fully_masked = call.attributes.fully_masked;
  SetAttentionBias(call.attention_bias, problem);
  if (g.empty()) {
    // No query: at most a past to be handed on.
    if (call.outputs.present) WritePresent(call, problem);
    return {};
  }

  const int64_t stride = RoundUp(g.columns(), kProjectionAlignment);
  MaskPlan mask;
  Scratch<float> projected;
  problem.mask = &mask;
  if (!projected.Allocate({g.batch, g.queries, stride}) || !projection.Reserve() ||
      !mask.Build(call.mask_index, g, call.attributes.unidirectional == 1, call.parallel)) {
    return OutOfMemory();
  }
  CoreRun core(problem, call.target, call.parallel);
  if (!core.Reserve()) return OutOfMemory();

  projection.Run(projected.data(), stride);
  problem.query = Projected(g, projected.data(), g.head_size, stride);
  problem.key = Projected(g, projected.data() + g.hidden(), g.head_size, stride);
  problem.value = Projected(g, projected.data() + 2 * g.hidden(), g.value_head_size, stride);
  if (call.outputs.present) {
    WritePresent(call, problem);
    const float* const present = call.outputs.present->data;
    problem.key = InPresent(g, present);
    problem.value = InPresent(g, present + g.batch * g.heads * g.keys * g.head_size);
  }
  problem.output = {.data = call.outputs.output.data,
                    .batch_stride = g.queries * g.value_hidden(),
                    .head_stride = g.value_head_size,
                    .row_stride = g.value_hidden()};
  core.Run();
  return {};
}

}  // namespace maskproof::kernels
