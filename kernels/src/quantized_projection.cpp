// The parts of the 8-bit projection that need no SIMD: what is packed, and in which order.
#include "quantized_projection.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "parallel.h"
#include "projection.h"
#include "sizes.h"

namespace maskproof::kernels {
namespace {

// Rows that read a panel of weights one after the other.
constexpr int64_t kRowsPerTask = 64;

int32_t ValueAt(const QuantizedView& view, int64_t index) {
  if (view.is_signed) return static_cast<const int8_t*>(view.data)[index];
  return static_cast<const uint8_t*>(view.data)[index];
}

int32_t ZeroPointAt(const std::optional<QuantizedView>& view, int64_t column) {
  if (!view) return 0;
  const bool per_column = view->dims.size() == 1 && view->dims[0] > 1;
  return ValueAt(*view, per_column ? column : 0);
}

float ScaleAt(const TensorView<const float>& view, int64_t column) {
  const bool per_column = view.dims.size() == 1 && view.dims[0] > 1;
  return view.data[per_column ? column : 0];
}

template <typename Byte>
void PackInputRow(const Byte* row, int64_t depth, int32_t zero_point, int32_t* pairs) {
  int64_t k = 0;
  for (; k + 2 <= depth; k += 2) *pairs++ = PackPair(row[k] - zero_point, row[k + 1] - zero_point);
  if (k < depth) *pairs = PackPair(row[k] - zero_point, 0);
}

}  // namespace

QuantizedProjection::QuantizedProjection(const QAttentionInputs& inputs, int64_t target,
                                         ParallelFor* parallel)
    : inputs_(inputs), kernels_(QuantizedKernelsFor(target)), parallel_(parallel) {
  problem_.rows = inputs.input.dims[0] * inputs.input.dims[1];
  problem_.depth = inputs.input.dims[2];
  problem_.columns = inputs.weights.dims[1];
  problem_.pairs = DivideRoundingUp(problem_.depth, 2);
  problem_.stride = RoundUp(problem_.columns, kProjectionAlignment);
  panels_ = DivideRoundingUp(problem_.columns, kernels_.panel);
}

bool QuantizedProjection::Reserve(Arena& arena) {
  return input_pairs_.Place(arena, {problem_.rows, problem_.pairs}) &&
         weight_pairs_.Place(arena, {panels_, problem_.pairs, kernels_.panel}) &&
         zero_points_.Place(arena, {problem_.stride}) &&
         multipliers_.Place(arena, {problem_.stride}) && bias_.Place(arena, {problem_.stride});
}

void QuantizedProjection::PackInput() {
  const int32_t zero_point = ZeroPointAt(inputs_.input_zero_point, 0);
  const int64_t depth = problem_.depth;
  ForEachTask(parallel_, problem_.rows, [&](int64_t row, int64_t /*worker*/) {
    int32_t* const pairs = input_pairs_.data() + row * problem_.pairs;
    if (inputs_.input.is_signed) {
      PackInputRow(static_cast<const int8_t*>(inputs_.input.data) + row * depth, depth, zero_point,
                   pairs);
    } else {
      PackInputRow(static_cast<const uint8_t*>(inputs_.input.data) + row * depth, depth, zero_point,
                   pairs);
    }
  });
}

void QuantizedProjection::PackColumns() {
  const float input_scale = ScaleAt(inputs_.input_scale, 0);
  for (int64_t c = 0; c < problem_.stride; ++c) {
    const bool exists = c < problem_.columns;
    zero_points_.data()[c] = exists ? ZeroPointAt(inputs_.weight_zero_point, c) : 0;
    multipliers_.data()[c] = exists ? input_scale * ScaleAt(inputs_.weight_scale, c) : 0.0F;
    bias_.data()[c] = exists ? inputs_.bias.data[c] : 0.0F;
  }
  ForEachTask(parallel_, panels_, [&](int64_t panel, int64_t /*worker*/) {
    kernels_.pack({.weights = inputs_.weights.data,
                   .is_signed = inputs_.weights.is_signed,
                   .depth = problem_.depth,
                   .columns = problem_.columns,
                   .zero_points = zero_points_.data(),
                   .first_column = panel * kernels_.panel},
                  weight_pairs_.data() + panel * problem_.pairs * kernels_.panel);
  });
}

void QuantizedProjection::Run(float* projected, int64_t stride) {
  PackInput();
  PackColumns();
  problem_.input_pairs = input_pairs_.data();
  problem_.weight_pairs = weight_pairs_.data();
  problem_.multipliers = multipliers_.data();
  problem_.bias = bias_.data();
  problem_.projected = projected;
  problem_.stride = stride;
  const int64_t chunks = DivideRoundingUp(problem_.rows, kRowsPerTask);
  ForEachTask(parallel_, panels_ * chunks, [&](int64_t task, int64_t /*worker*/) {
    const int64_t first_row = task / panels_ * kRowsPerTask;
    kernels_.project(problem_, first_row, std::min(first_row + kRowsPerTask, problem_.rows),
                     task % panels_);
  });
}

}  // namespace maskproof::kernels
