#include "attention_core.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "core_kernels.h"
#include "parallel.h"
#include "sizes.h"

namespace maskproof::kernels {
namespace {

// Blocks of rows of a task: they share a tile while it is in the second-level cache.
constexpr int64_t kTaskBlocks = 8;

// Rows of a worker to be projected before they are used: enough that weights, which come from
// farther off, serve many of them.
constexpr int64_t kRowsAtATime = 128;

// Rows of a head whose values are read where they stand: packed, they would be read again too few
// times.
constexpr int64_t kMostRowsInPlace = 128;

const CoreKernels& KernelsFor(int64_t target, const Geometry& geometry) {
  const CoreKernels* const bf16 = Bf16CoreKernelsFor(target, geometry);
  return bf16 != nullptr ? *bf16 : CoreKernelsFor(target);
}

// Floats of `rows` packed rows of `columns` numbers. False on overflow.
[[nodiscard]] bool PackedFloats(const CoreKernels& kernels, int64_t rows, int64_t columns,
                                int64_t& floats) {
  int64_t numbers = 0;
  if (__builtin_mul_overflow(rows, columns, &numbers) ||
      __builtin_mul_overflow(numbers, kernels.halves, &numbers)) {
    return false;
  }
  // `rows` are even where a number takes an odd count of halves.
  return !__builtin_add_overflow(numbers / 2, kernels.head_floats, &floats);
}

// One worker packs one head at a time, whose tiles then stay in the second-level cache. Several
// pack so many together that each has so many tiles to pack, and tasks to do.
constexpr int64_t kPiecesPerWorker = 4;

}  // namespace

void SetAttentionBias(const std::optional<TensorView<const float>>& bias, CoreProblem& problem) {
  // Without an element, the sizes may be anything, and their products overflow.
  if (!bias || problem.geometry.empty()) return;
  const int64_t head_elements = problem.geometry.queries * problem.geometry.keys;
  problem.has_bias = true;
  problem.bias = bias->data;
  problem.bias_head_stride = bias->dims[1] == 1 ? 0 : head_elements;
  problem.bias_batch_stride = bias->dims[0] == 1 ? 0 : bias->dims[1] * head_elements;
}

float EffectiveScale(float scale, int64_t head_size) {
  if (scale != 0.0F) return scale;
  return static_cast<float>(1.0 / std::sqrt(static_cast<double>(head_size)));
}

int64_t BatchesAtATime(const Geometry& geometry, const ParallelFor* parallel) {
  if (geometry.queries == 0) return geometry.batch;
  const int64_t workers = WorkerCount(parallel, std::numeric_limits<int64_t>::max());
  const int64_t rows = kRowsAtATime * workers;
  return std::clamp<int64_t>(rows / geometry.queries, 1, std::max<int64_t>(geometry.batch, 1));
}

CoreRun::CoreRun(const CoreProblem& problem, int64_t target, ParallelFor* parallel)
    : problem_(problem), target_(target), parallel_(parallel) {}

bool CoreRun::Reserve(Arena& arena, int64_t batches) {
  const Geometry& g = problem_.geometry;
  kernels_ = &KernelsFor(target_, g);
  value_stride_ = RoundUp(g.value_head_size, kernels_->lanes);
  // Much alike, and of whole register tiles.
  task_rows_ = std::min(g.queries, RoundUp(EvenParts(g.queries, kTaskBlocks * kernels_->block_rows),
                                           kernels_->tile_rows));
  tasks_per_head_ = DivideRoundingUp(g.queries, task_rows_);
  tiles_per_head_ = DivideRoundingUp(g.keys, kTileKeys);
  const int64_t capacity = TileCapacity(g.keys);
  const int64_t depth = RoundUp(g.head_size, kernels_->depth_step);
  if (!PackedFloats(*kernels_, ReadsOnce() ? kernels_->panel_keys : capacity, depth,
                    packed_keys_) ||
      !PackedFloats(*kernels_, ValuesStay() ? 0 : capacity, value_stride_, packed_values_) ||
      !PackedFloats(*kernels_, kernels_->packed_rows, depth, packed_queries_)) {
    return false;
  }
  const int64_t heads = batches * g.heads;
  if (tasks_per_head_ == 1) {
    // What one task needs alone is packed on the way.
    heads_at_a_time_ = heads;
    return ReserveWorkers(arena, batches, true);
  }
  const int64_t workers = WorkerCount(parallel_, heads);
  const int64_t of_a_head = std::min(tasks_per_head_, tiles_per_head_);
  heads_at_a_time_ =
      workers == 1 ? 1 : std::min(heads, DivideRoundingUp(kPiecesPerWorker * workers, of_a_head));
  return ReserveWorkers(arena, batches, false) &&
         keys_.Place(arena, {heads_at_a_time_, tiles_per_head_, packed_keys_}) &&
         values_.Place(arena, {heads_at_a_time_, tiles_per_head_, packed_values_}) &&
         finite_.Place(arena, {heads_at_a_time_, tiles_per_head_}) &&
         tiles_.Place(arena, {heads_at_a_time_, tiles_per_head_});
}

bool CoreRun::ReadsOnce() const {
  return kernels_->reads_once && tasks_per_head_ == 1 && task_rows_ <= kernels_->block_rows;
}

// Where any key may be masked, whether values are finite is of use to every block: packing finds
// out once.
bool CoreRun::ValuesStay() const {
  const Geometry& g = problem_.geometry;
  const bool is_short = kernels_->reads_rows && g.queries <= kMostRowsInPlace &&
                        !problem_.mask->HasBits() && !problem_.has_bias;
  return value_stride_ == g.value_head_size && (ReadsOnce() || is_short);
}

int64_t CoreRun::MostRowsOfBlock() const {
  return std::min(RoundUp(task_rows_, kernels_->written_rows), kernels_->block_rows);
}

// With room for a tile in each worker's memory if it packs.
bool CoreRun::ReserveWorkers(Arena& arena, int64_t batches, bool packs) {
  const Geometry& g = problem_.geometry;
  const int64_t workers = WorkerCount(parallel_, batches * g.heads * tasks_per_head_);
  const int64_t blocks = DivideRoundingUp(task_rows_, kernels_->block_rows);
  return (!packs ||
          (keys_.Place(arena, {workers, packed_keys_}) &&
           values_.Place(arena, {workers, packed_values_}) && finite_.Place(arena, {workers}))) &&
         queries_.Place(arena, {workers, blocks, packed_queries_}) &&
         scores_.Place(arena, {workers, MostRowsOfBlock(), kernels_->score_stride}) &&
         parts_.Place(arena, {workers, kernels_->split_floats}) &&
         sums_.Place(arena, {workers, task_rows_, value_stride_}) &&
         state_.Place(arena, {workers, 2, blocks, kernels_->packed_rows}) &&
         means_.Place(arena, {workers, g.value_head_size}) &&
         bits_.Place(arena, {workers, task_rows_ + 1, problem_.mask->words()}) &&
         visible_.Place(arena, {workers, task_rows_});
}

void CoreRun::PackHeads(int64_t first_head, int64_t heads) {
  const Geometry& g = problem_.geometry;
  ForEachTask(parallel_, heads * tiles_per_head_, [&](int64_t index, int64_t /*worker*/) {
    const int64_t head = first_head + index / tiles_per_head_;
    const PackedTile tile{.keys = keys_.data() + index * packed_keys_,
                          .values = values_.data() + index * packed_values_,
                          .finite = finite_.data() + index};
    tiles_.data()[index] = tile;
    kernels_->pack(problem_, head / g.heads, head % g.heads, index % tiles_per_head_, tile);
  });
}

CoreTask CoreRun::TaskOf(int64_t first_head, int64_t index, int64_t worker) {
  const Geometry& g = problem_.geometry;
  const int64_t head = first_head + index / tasks_per_head_;
  const int64_t first_row = index % tasks_per_head_ * task_rows_;
  const int64_t blocks = DivideRoundingUp(task_rows_, kernels_->block_rows);
  const int64_t packed_rows = blocks * kernels_->packed_rows;
  const bool packs = tasks_per_head_ == 1;
  CoreTask task{.batch = head / g.heads,
                .head = head % g.heads,
                .first_row = first_row,
                .rows = std::min(task_rows_, g.queries - first_row),
                .tiles = packs ? nullptr : tiles_.data() + (head - first_head) * tiles_per_head_,
                .reads_once = ReadsOnce(),
                .workspace = {
                    .queries = queries_.data() + worker * blocks * packed_queries_,
                    .scores = scores_.data() + worker * MostRowsOfBlock() * kernels_->score_stride,
                    .sums = sums_.data() + worker * task_rows_ * value_stride_,
                    .state = state_.data() + worker * 2 * packed_rows,
                    .mean = means_.data() + worker * g.value_head_size,
                    .bits = bits_.data() + worker * (task_rows_ + 1) * problem_.mask->words(),
                    .visible = visible_.data() + worker * task_rows_,
                    .parts = parts_.data() + worker * kernels_->split_floats,
                }};
  if (packs) {
    task.workspace.tile = {.keys = keys_.data() + worker * packed_keys_,
                           .values = values_.data() + worker * packed_values_,
                           .finite = finite_.data() + worker};
  }
  return task;
}

void CoreRun::PrepareHeads(int64_t first_head, int64_t heads, const HeadPreparation& preparation) {
  ForEachTask(parallel_, heads, [&](int64_t index, int64_t /*worker*/) {
    const int64_t head = first_head + index;
    preparation.Prepare(head / problem_.geometry.heads, head % problem_.geometry.heads);
  });
}

void CoreRun::RunHeads(int64_t first_head, int64_t heads, const HeadPreparation* preparation) {
  // Where a head is one task, its keys and values are used while they are still near.
  const bool is_apart = tasks_per_head_ > 1;
  if (is_apart && preparation != nullptr) PrepareHeads(first_head, heads, *preparation);
  if (is_apart) PackHeads(first_head, heads);
  ForEachTask(parallel_, heads * tasks_per_head_, [&](int64_t index, int64_t worker) {
    const CoreTask task = TaskOf(first_head, index, worker);
    if (!is_apart && preparation != nullptr) preparation->Prepare(task.batch, task.head);
    kernels_->run(problem_, task);
  });
}

void CoreRun::Run(int64_t first_batch, int64_t batches, const HeadPreparation* preparation) {
  const int64_t all = batches * problem_.geometry.heads;
  const int64_t first_head = first_batch * problem_.geometry.heads;
  for (int64_t head = 0; head < all; head += heads_at_a_time_) {
    RunHeads(first_head + head, std::min(heads_at_a_time_, all - head), preparation);
  }
}

}  // namespace maskproof::kernels
