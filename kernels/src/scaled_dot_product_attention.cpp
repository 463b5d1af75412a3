// The attention core on query, key and value given by the caller.
#include <new>

#include "attention_core.h"
#include "dispatch.h"
#include "mask.h"
#include "maskproof/kernels/attention.h"
#include "message.h"
#include "validate.h"

namespace maskproof::kernels {

Status ScaledDotProductAttention(const CoreArguments& arguments, const Execution& execution) try {
  CoreProblem problem;
  MASKPROOF_RETURN_IF_ERROR(ValidateCore(arguments, problem.geometry));
  const int64_t target = ResolveTarget(execution.target);
  if (target == 0) return NotSupported("target", "not one of SupportedTargets()");
  if (problem.geometry.empty()) return {};

  MaskPlan mask;
  if (!mask.Build(arguments.mask_index, problem.geometry, arguments.causal, execution.parallel)) {
    return OutOfMemory();
  }
  problem.query = arguments.query;
  problem.key = arguments.key;
  problem.value = arguments.value;
  problem.output = arguments.output;
  problem.mask = &mask;
  problem.scale = EffectiveScale(arguments.scale, problem.geometry.head_size);
  problem.fully_masked = arguments.fully_masked;
  SetAttentionBias(arguments.attention_bias, problem);
  CoreRun core(problem, target, execution.parallel);
  if (!core.Reserve()) return OutOfMemory();
  core.Run();
  return {};
} catch (const std::bad_alloc&) {
  return {StatusCode::kOutOfMemory, {}};
}

}  // namespace maskproof::kernels
