#include "attention_core.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core_kernels.h"
#include "parallel.h"
#include "sizes.h"

namespace maskproof::kernels {
namespace {

// Rows of a tile share each packed panel while it is in the first-level cache ...
constexpr int64_t kMostTileRows = 32;
// ... but the scores of a tile should stay in the second-level cache. In floats.
constexpr int64_t kTileScores = int64_t{64} * 1024;
constexpr int64_t kFewestTileRows = 4;

int64_t TileRows(int64_t queries, int64_t score_stride) {
  const int64_t fitting = RoundDown(kTileScores / score_stride, kFewestTileRows);
  return std::min(queries, std::clamp(fitting, kFewestTileRows, kMostTileRows));
}

}  // namespace

void SetAttentionBias(const std::optional<TensorView<const float>>& bias, CoreProblem& problem) {
  if (!bias) return;
  const int64_t head_elements = problem.geometry.queries * problem.geometry.keys;
  problem.bias = bias->data;
  problem.bias_head_stride = bias->dims[1] == 1 ? 0 : head_elements;
  problem.bias_batch_stride = bias->dims[0] == 1 ? 0 : bias->dims[1] * head_elements;
}

float EffectiveScale(float scale, int64_t head_size) {
  if (scale != 0.0F) return scale;
  return static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_size)));
}

CoreRun::CoreRun(const CoreProblem& problem, int64_t target, ParallelFor* parallel)
    : problem_(problem), parallel_(parallel), kernels_(&CoreKernelsFor(target)) {}

bool CoreRun::Reserve() {
  const Geometry& g = problem_.geometry;
  const int64_t score_stride = RoundUp(g.keys, kernels_->panel);
  const int64_t value_stride = RoundUp(g.value_head_size, kernels_->lanes);
  tile_rows_ = TileRows(g.queries, score_stride);
  tiles_ = g.batch * g.heads * DivideRoundingUp(g.queries, tile_rows_);
  if (__builtin_mul_overflow(score_stride, g.head_size, &packed_keys_) ||
      __builtin_mul_overflow(g.keys, value_stride, &packed_values_)) {
    return false;
  }
  const int64_t workers = WorkerCount(parallel_, tiles_);
  return keys_.Allocate({g.batch, g.heads, packed_keys_}) &&
         values_.Allocate({g.batch, g.heads, packed_values_}) &&
         scores_.Allocate({workers, tile_rows_, score_stride}) &&
         sums_.Allocate({workers, tile_rows_, value_stride}) &&
         means_.Allocate({workers, g.value_head_size}) &&
         bits_.Allocate({workers, tile_rows_ + 1, problem_.mask->words()}) &&
         visible_.Allocate({workers, tile_rows_});
}

void CoreRun::PackHeads() {
  const Geometry& g = problem_.geometry;
  ForEachTask(parallel_, g.batch * g.heads, [&](int64_t task, int64_t /*worker*/) {
    const int64_t batch = task / g.heads;
    kernels_->pack(problem_, batch, task % g.heads, problem_.mask->BatchInterval(batch),
                   {.keys = keys_.data() + task * packed_keys_,
                    .values = values_.data() + task * packed_values_});
  });
}

void CoreRun::Run() {
  PackHeads();
  const Geometry& g = problem_.geometry;
  const int64_t tiles_per_head = DivideRoundingUp(g.queries, tile_rows_);
  const int64_t score_stride = RoundUp(g.keys, kernels_->panel);
  const int64_t value_stride = RoundUp(g.value_head_size, kernels_->lanes);
  ForEachTask(parallel_, tiles_, [&](int64_t task, int64_t worker) {
    const int64_t head = task / tiles_per_head;
    const int64_t first_row = task % tiles_per_head * tile_rows_;
    const Tile tile{
        .batch = head / g.heads,
        .head = head % g.heads,
        .first_row = first_row,
        .rows = std::min(tile_rows_, g.queries - first_row),
        .packed = {.keys = keys_.data() + head * packed_keys_,
                   .values = values_.data() + head * packed_values_},
        .scores = scores_.data() + worker * tile_rows_ * score_stride,
        .sums = sums_.data() + worker * tile_rows_ * value_stride,
        .mean = means_.data() + worker * g.value_head_size,
        .bits = bits_.data() + worker * (tile_rows_ + 1) * problem_.mask->words(),
        .visible = visible_.data() + worker * tile_rows_,
    };
    kernels_->run(problem_, tile);
  });
}

}  // namespace maskproof::kernels
