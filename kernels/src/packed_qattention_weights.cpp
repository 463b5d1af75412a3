#include "maskproof/kernels/packed_qattention_weights.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <utility>

#include "dispatch.h"
#include "message.h"
#include "parallel.h"
#include "quantized_weights.h"
#include "scratch.h"
#include "validate.h"
#include "workspace.h"

namespace maskproof::kernels {

PackedQAttentionWeights::PackedQAttentionWeights() = default;
PackedQAttentionWeights::PackedQAttentionWeights(PackedQAttentionWeights&& other) noexcept =
    default;
PackedQAttentionWeights& PackedQAttentionWeights::operator=(
    PackedQAttentionWeights&& other) noexcept = default;
PackedQAttentionWeights::~PackedQAttentionWeights() = default;

Status PackQAttentionWeights(const QuantizedView& weights,
                             const std::optional<QuantizedView>& weight_zero_point,
                             const Execution& execution, PackedQAttentionWeights& packed) try {
  ThreadsOfCall threads(execution);
  MASKPROOF_RETURN_IF_ERROR(ValidateQuantizedWeights(weights, weight_zero_point));
  const int64_t target = ResolveTarget(execution.target);
  if (target == 0) return NotSupported("target", "not one of SupportedTargets()");
  auto contents = std::make_unique<QuantizedWeights>(weights, target);
  const auto reserve = [&contents](Arena& arena) { return contents->Reserve(arena); };
  size_t bytes = 0;
  MASKPROOF_RETURN_IF_ERROR(MeasureWorkspace(reserve, bytes));
  AlignedBuffer memory;
  if (!memory.Allocate(static_cast<int64_t>(bytes))) return OutOfMemory();
  Arena arena(memory.data());
  if (!reserve(arena)) return OutOfMemory();
  contents->Pack(weights.data, weight_zero_point, threads.execution().parallel);
  packed.contents_ = std::move(contents);
  packed.memory_ = std::move(memory);
  return {};
} catch (const std::bad_alloc&) {
  return OutOfMemory();
}

}  // namespace maskproof::kernels
