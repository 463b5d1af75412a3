#include "quantized_weights.h"

#include <cstdint>
#include <optional>

#include "parallel.h"
#include "sizes.h"

namespace maskproof::kernels {

int32_t ZeroPointAt(const std::optional<QuantizedView>& zero_point, int64_t column) {
  if (!zero_point) return 0;
  const bool per_column = zero_point->dims.size() == 1 && zero_point->dims[0] > 1;
  const int64_t index = per_column ? column : 0;
  if (zero_point->is_signed) return static_cast<const int8_t*>(zero_point->data)[index];
  return static_cast<const uint8_t*>(zero_point->data)[index];
}

QuantizedWeights::QuantizedWeights(const QuantizedView& weights, int64_t target)
    : target_(target), is_signed_(weights.is_signed), kernels_(QuantizedKernelsFor(target)) {
  view_.depth = weights.dims[0];
  view_.columns = weights.dims[1];
  view_.padded = RoundUp(view_.columns, kQuantizedAlignment);
  view_.words = RoundUp(DivideRoundingUp(view_.depth, kernels_.word_depths), kernels_.step_words);
}

bool QuantizedWeights::Reserve(Arena& arena) {
  if (!words_.Place(arena, {panels(), view_.words, kernels_.panel}) ||
      !sums_.Place(arena, {view_.blocks(), view_.padded}) ||
      !zero_points_.Place(arena, {view_.padded})) {
    return false;
  }
  view_.packed = words_.data();
  view_.sums = sums_.data();
  view_.zero_points = zero_points_.data();
  return true;
}

void QuantizedWeights::Pack(const void* weights, const std::optional<QuantizedView>& zero_point,
                            ParallelFor* parallel) {
  for (int64_t c = 0; c < view_.padded; ++c) {
    zero_points_.data()[c] = c < view_.columns ? ZeroPointAt(zero_point, c) + Shift() : 0;
  }
  if (view_.depth == 0) return;  // there is nothing to point to
  const int64_t panel_size = view_.words * kernels_.panel;
  ForEachTask(parallel, panels(), [&](int64_t panel, int64_t /*worker*/) {
    const int64_t column = panel * kernels_.panel;
    kernels_.pack_weights({.weights = weights,
                           .is_signed = is_signed_,
                           .depth = view_.depth,
                           .columns = view_.columns,
                           .first_column = column,
                           .word_count = view_.words,
                           .words = words_.data() + panel * panel_size,
                           .sums = sums_.data() + column,
                           .sum_stride = view_.padded});
  });
}

}  // namespace maskproof::kernels
