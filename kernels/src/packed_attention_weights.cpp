#include "maskproof/kernels/packed_attention_weights.h"

#include <cstdint>
#include <new>
#include <utility>

#include "dispatch.h"
#include "message.h"
#include "parallel.h"
#include "projection.h"

namespace maskproof::kernels {

PackedAttentionWeights& PackedAttentionWeights::operator=(PackedAttentionWeights&& other) noexcept {
  buffer_ = std::exchange(other.buffer_, {});
  input_width_ = std::exchange(other.input_width_, 0);
  columns_ = std::exchange(other.columns_, 0);
  target_ = std::exchange(other.target_, 0);
  return *this;
}

Status PackAttentionWeights(const TensorView<const float>& weights, const Execution& execution,
                            PackedAttentionWeights& packed) try {
  ThreadsOfCall threads(execution);
  MASKPROOF_RETURN_IF_ERROR(ExpectData("weights", weights.data, weights.dims));
  MASKPROOF_RETURN_IF_ERROR(ExpectRank("weights", weights.dims, 2));
  const int64_t target = ResolveTarget(execution.target);
  if (target == 0) return NotSupported("target", "not one of SupportedTargets()");
  const int64_t floats = PackedWeightsSize(weights.dims[0], weights.dims[1]);
  constexpr auto kSize = static_cast<int64_t>(sizeof(float));
  PackedAttentionWeights fresh;
  if (floats < 0 || floats > AlignedBuffer::kMostBytes / kSize ||
      !fresh.buffer_.Allocate(floats * kSize)) {
    return OutOfMemory();
  }
  fresh.input_width_ = weights.dims[0];
  fresh.columns_ = weights.dims[1];
  fresh.target_ = target;
  PackWeights(weights.data, fresh.input_width_, fresh.columns_, target,
              threads.execution().parallel, reinterpret_cast<float*>(fresh.buffer_.data()));
  packed = std::move(fresh);
  return {};
} catch (const std::bad_alloc&) {
  return OutOfMemory();
}

}  // namespace maskproof::kernels
