// The attention core on query, key and value given by the caller.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <new>

#include "attention_core.h"
#include "dispatch.h"
#include "mask.h"
#include "maskproof/kernels/attention.h"
#include "message.h"
#include "parallel.h"
#include "scratch.h"
#include "validate.h"
#include "workspace.h"

namespace maskproof::kernels {
namespace {

// A validated call. Pieces refer to each other.
class CoreCall {
 public:
  CoreCall(const CoreArguments& arguments, const Geometry& geometry, int64_t target,
           ParallelFor* parallel)
      : parallel_(parallel),
        batches_(BatchesAtATime(geometry, parallel)),
        mask_(arguments.mask_index, geometry, arguments.causal),
        core_(problem_, target, parallel) {
    problem_.geometry = geometry;
    problem_.query = arguments.query;
    problem_.key = arguments.key;
    problem_.value = arguments.value;
    problem_.output = arguments.output;
    problem_.mask = &mask_;
    problem_.scale = EffectiveScale(arguments.scale, geometry.head_size);
    problem_.fully_masked = arguments.fully_masked;
    SetAttentionBias(arguments.attention_bias, problem_);
  }

  [[nodiscard]] bool Reserve(Arena& arena) {
    return problem_.geometry.empty() || (mask_.Reserve(arena) && core_.Reserve(arena, batches_));
  }

  void Run() {
    if (problem_.geometry.empty()) return;
    mask_.Build(parallel_);
    const int64_t batches = problem_.geometry.batch;
    for (int64_t batch = 0; batch < batches; batch += batches_) {
      core_.Run(batch, std::min(batches_, batches - batch));
    }
  }

 private:
  ParallelFor* parallel_;
  int64_t batches_;  // done together
  CoreProblem problem_;
  MaskPlan mask_;
  CoreRun core_;
};

}  // namespace

Status ScaledDotProductAttention(const CoreArguments& arguments, const Execution& execution) try {
  ThreadsOfCall threads(execution);
  Geometry geometry;
  MASKPROOF_RETURN_IF_ERROR(ValidateCore(arguments, Data::kRequired, geometry));
  const int64_t target = ResolveTarget(execution.target);
  if (target == 0) return NotSupported("target", "not one of SupportedTargets()");
  CoreCall call(arguments, geometry, target, threads.execution().parallel);
  Workspace workspace;
  MASKPROOF_RETURN_IF_ERROR(
      workspace.Provide(execution, [&call](Arena& arena) { return call.Reserve(arena); }));
  call.Run();
  return {};
} catch (const std::bad_alloc&) {
  return OutOfMemory();
}

Status ScaledDotProductAttentionWorkspaceSize(const CoreArguments& arguments,
                                              const Execution& execution, size_t& bytes) try {
  ThreadsOfCall threads(execution);
  Geometry geometry;
  MASKPROOF_RETURN_IF_ERROR(ValidateCore(arguments, Data::kIgnored, geometry));
  const int64_t target = ResolveTarget(execution.target);
  if (target == 0) return NotSupported("target", "not one of SupportedTargets()");
  CoreCall call(arguments, geometry, target, threads.execution().parallel);
  return MeasureWorkspace([&call](Arena& arena) { return call.Reserve(arena); }, bytes);
} catch (const std::bad_alloc&) {
  return OutOfMemory();
}

}  // namespace maskproof::kernels
