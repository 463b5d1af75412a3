// The parts of the 8-bit projection that need no SIMD: what is packed, and in which order.
#include "quantized_projection.h"

#include <algorithm>
#include <cstdint>

#include "maskproof/kernels/packed_qattention_weights.h"
#include "panel_order.h"
#include "parallel.h"
#include "sizes.h"

namespace maskproof::kernels {
namespace {

// Bytes of packed input that a second-level cache keeps while every panel of weights passes by.
constexpr int64_t kChunkBytes = int64_t{256} << 10;

// Groups of panels, and tasks, for each worker: few enough that a panel serves many tiles, and many
// enough that all workers end at about the same time.
constexpr int64_t kGroupsPerWorker = 8;
constexpr int64_t kTasksPerWorker = 16;

float ScaleAt(const TensorView<const float>& view, int64_t column) {
  const bool per_column = view.dims.size() == 1 && view.dims[0] > 1;
  return view.data[per_column ? column : 0];
}

const QuantizedWeights& Choose(const PackedQAttentionWeights* packed, const QuantizedWeights& own) {
  return packed != nullptr ? *packed->contents() : own;
}

}  // namespace

QuantizedProjection::QuantizedProjection(const QAttentionInputs& inputs, int64_t target,
                                         ParallelFor* parallel)
    : inputs_(inputs),
      kernels_(QuantizedKernelsFor(target)),
      parallel_(parallel),
      own_weights_(inputs.weights, target),
      weights_(Choose(inputs.packed_weights, own_weights_)) {}

bool QuantizedProjection::Reserve(Arena& arena, int64_t rows) {
  if (&weights_ == &own_weights_ && !own_weights_.Reserve(arena)) return false;
  const QuantizedWeightsView& weights = weights_.view();
  return gathered_.Place(arena, {rows, weights.depth}) &&
         input_words_.Place(arena, {rows, weights.words}) &&
         row_sums_.Place(arena, {weights.blocks(), rows}) &&
         multipliers_.Place(arena, {weights.padded}) && bias_.Place(arena, {weights.padded});
}

void QuantizedProjection::PackInput(const void* rows) {
  const QuantizedView& input = inputs_.input;
  const int64_t depth = input.dims[2];
  const int32_t zero_point = ZeroPointAt(inputs_.input_zero_point, 0);
  problem_.input_zero_point = zero_point + (input.is_signed ? kernels_.signed_input_shift : 0);
  if (depth == 0) return;  // there is nothing to point to
  ForEachTask(parallel_, problem_.tiles, [&](int64_t tile, int64_t /*worker*/) {
    const int64_t row = problem_.FirstRow(tile);
    kernels_.pack_input({.input = static_cast<const uint8_t*>(rows) + row * depth,
                         .is_signed = input.is_signed,
                         .depth = depth,
                         .rows = problem_.FirstRow(tile + 1) - row,
                         .zero_point = zero_point,
                         .word_count = problem_.weights.words,
                         .words = input_words_.data() + row * problem_.weights.words,
                         .sums = row_sums_.data() + row,
                         .sum_stride = problem_.rows});
  });
  problem_.input = input_words_.data();
  problem_.row_sums = row_sums_.data();
}

void QuantizedProjection::SetColumns() {
  const float input_scale = ScaleAt(inputs_.input_scale, 0);
  for (int64_t c = 0; c < problem_.weights.padded; ++c) {
    const bool exists = c < problem_.weights.columns;
    multipliers_.data()[c] = exists ? input_scale * ScaleAt(inputs_.weight_scale, c) : 0.0F;
    bias_.data()[c] = exists ? inputs_.bias.data[c] : 0.0F;
  }
  problem_.multipliers = multipliers_.data();
  problem_.bias = bias_.data();
}

// Parts that the tiles are split into, each to be multiplied by the panels of a group.
int64_t QuantizedProjection::Chunks(int64_t groups) const {
  const int64_t bytes = problem_.rows * problem_.weights.words * 4;  // 4 to a word
  const int64_t for_cache = DivideRoundingUp(bytes, kChunkBytes);
  const int64_t workers = WorkerCount(parallel_, problem_.tiles * groups);
  const int64_t for_workers =
      workers == 1 ? 1 : DivideRoundingUp(kTasksPerWorker * workers, groups);
  return std::clamp<int64_t>(std::max(for_cache, for_workers), 1, problem_.tiles);
}

void QuantizedProjection::Prepare() {
  if (&weights_ == &own_weights_) {
    own_weights_.Pack(inputs_.weights.data, inputs_.weight_zero_point, parallel_);
  }
  problem_.weights = weights_.view();
  SetColumns();
}

void QuantizedProjection::Run(int64_t first_row, int64_t rows, float* projected, int64_t stride,
                              const WantedRows& wanted) {
  const int64_t depth = problem_.weights.depth;
  const auto* const input = static_cast<const uint8_t*>(inputs_.input.data) + first_row * depth;
  problem_.projected = projected;
  problem_.stride = stride;
  const int64_t panels = weights_.panels();
  const int64_t of_all = wanted.FirstPanel(kernels_.panel, panels);
  RunPart(input, rows, 0, of_all);
  if (of_all == panels) return;
  for (int64_t i = 0; i < wanted.count; ++i) {
    std::copy_n(input + wanted.rows[i] * depth, depth, gathered_.data() + i * depth);
  }
  RunPart(gathered_.data(), wanted.count, of_all, panels);
  SpreadRows(wanted, PanelOrder::Of(of_all, panels, panels), kernels_.panel, rows, projected,
             stride, parallel_);
}

// The same rows of `projected` as of the input.
void QuantizedProjection::RunPart(const void* input, int64_t rows, int64_t first_panel,
                                  int64_t last_panel) {
  const int64_t panels = last_panel - first_panel;
  if (rows == 0 || panels == 0) return;
  problem_.rows = rows;
  problem_.tiles = DivideRoundingUp(rows, kernels_.tile_rows);
  PackInput(input);
  const PanelOrder order = PanelOrder::Of(first_panel, last_panel, weights_.panels());
  const int64_t workers = WorkerCount(parallel_, panels);
  const int64_t groups = workers == 1 ? 1 : std::min(panels, kGroupsPerWorker * workers);
  const int64_t chunks = Chunks(groups);
  ForEachTask(parallel_, groups * chunks, [&](int64_t task, int64_t /*worker*/) {
    const int64_t group = task / chunks;
    const int64_t chunk = task % chunks;
    for (int64_t i = PartBegin(panels, groups, group); i < PartBegin(panels, groups, group + 1);
         ++i) {
      kernels_.project(problem_, PartBegin(problem_.tiles, chunks, chunk),
                       PartBegin(problem_.tiles, chunks, chunk + 1), order.At(i));
    }
  });
}

}  // namespace maskproof::kernels
