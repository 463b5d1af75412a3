#include "attention_core.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "core_kernels.h"
#include "parallel.h"
#include "sizes.h"

namespace maskproof::kernels {
namespace {

// Blocks of rows of a task: they share a tile while it is in the second-level cache.
constexpr int64_t kTaskBlocks = 8;

// Rows of a worker to be projected before they are used: enough that weights, which come from
// farther off, serve many of them.
constexpr int64_t kRowsAtATime = 256;

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

// Bytes of packed heads, beyond which workers share heads.
constexpr int64_t kPackedAtATime = int64_t{32} << 20;

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
  workers_ = WorkerCount(parallel_, heads * tasks_per_head_);
  // Each placed once, to be counted.
  Arena workspace_size;
  Arena head_size;
  CoreWorkspace workspace;
  PackedHead head;
  if (!PlaceWorkspace(workspace_size, workspace) || !PlaceHead(head_size, head) ||
      !workspaces_.Place(arena, workers_, workspace_size)) {
    return false;
  }
  if (tasks_per_head_ == 1) return true;
  const int64_t places = std::max(kPackedAtATime / std::max<int64_t>(head_size.used(), 1),
                                  DivideRoundingUp(workers_, tasks_per_head_));
  places_in_all_ = std::min({places, workers_, heads});
  return heads_.Place(arena, places_in_all_, head_size) && places_.Place(arena, {places_in_all_});
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

// With room for a tile if tasks pack for themselves.
bool CoreRun::PlaceWorkspace(Arena& arena, CoreWorkspace& workspace) const {
  const Geometry& g = problem_.geometry;
  const int64_t blocks = DivideRoundingUp(task_rows_, kernels_->block_rows);
  PackedTile& tile = workspace.tile;
  return (tasks_per_head_ > 1 ||
          (PlaceAt(tile.keys, arena, {packed_keys_}) &&
           PlaceAt(tile.values, arena, {packed_values_}) && PlaceAt(tile.finite, arena, {1}))) &&
         PlaceAt(workspace.queries, arena, {blocks, packed_queries_}) &&
         PlaceAt(workspace.scores, arena, {MostRowsOfBlock(), kernels_->score_stride}) &&
         PlaceAt(workspace.parts, arena, {kernels_->split_floats}) &&
         PlaceAt(workspace.sums, arena, {task_rows_, value_stride_}) &&
         PlaceAt(workspace.state, arena, {2, blocks, kernels_->packed_rows}) &&
         PlaceAt(workspace.mean, arena, {g.value_head_size}) &&
         PlaceAt(workspace.bits, arena, {task_rows_ + 1, problem_.mask->words()}) &&
         PlaceAt(workspace.visible, arena, {task_rows_});
}

bool CoreRun::PlaceHead(Arena& arena, PackedHead& head) const {
  return PlaceAt(head.keys, arena, {tiles_per_head_, packed_keys_}) &&
         PlaceAt(head.values, arena, {tiles_per_head_, packed_values_}) &&
         PlaceAt(head.finite, arena, {tiles_per_head_}) &&
         PlaceAt(head.tiles, arena, {tiles_per_head_});
}

PackedHead CoreRun::HeadAt(int64_t place) {
  PackedHead head;
  Arena memory = heads_.Of(place);
  (void)PlaceHead(memory, head);  // has been counted
  return head;
}

void CoreRun::Pack(int64_t head, int64_t tile, const PackedHead& packed) {
  const int64_t heads = problem_.geometry.heads;
  packed.tiles[tile] = {.keys = packed.keys + tile * packed_keys_,
                        .values = packed.values + tile * packed_values_,
                        .finite = packed.finite + tile};
  kernels_->pack(problem_, head / heads, head % heads, tile, packed.tiles[tile]);
}

CoreTask CoreRun::TaskOf(int64_t head, int64_t index, int64_t worker) {
  const Geometry& g = problem_.geometry;
  const int64_t first_row = index * task_rows_;
  CoreTask task{.batch = head / g.heads,
                .head = head % g.heads,
                .first_row = first_row,
                .rows = std::min(task_rows_, g.queries - first_row),
                .reads_once = ReadsOnce(),
                .workspace = {}};
  Arena memory = workspaces_.Of(worker);
  (void)PlaceWorkspace(memory, task.workspace);  // has been counted
  return task;
}

void CoreRun::RunTasks(int64_t first_head, int64_t heads, const HeadPreparation* preparation) {
  ForEachTask(parallel_, heads, [&](int64_t index, int64_t worker) {
    const CoreTask task = TaskOf(first_head + index, 0, worker);
    if (preparation != nullptr) preparation->Prepare(task.batch, task.head);
    kernels_->run(problem_, task);
  });
}

void CoreRun::RunHeads(int64_t first_head, int64_t heads, const HeadPreparation* preparation) {
  HeadQueue queue(
      places_.data(), places_in_all_, heads,
      {.prepare = preparation != nullptr ? 1 : 0, .pack = tiles_per_head_, .run = tasks_per_head_});
  ForEachTask(parallel_, workers_, [&](int64_t /*task*/, int64_t worker) {
    while (const std::optional<HeadStep> step = queue.Next(worker)) {
      const int64_t head = first_head + step->head;
      if (step->stage == HeadStage::kPrepare) {
        preparation->Prepare(head / problem_.geometry.heads, head % problem_.geometry.heads);
      } else if (step->stage == HeadStage::kPack) {
        Pack(head, step->index, HeadAt(step->place));
      } else {
        CoreTask task = TaskOf(head, step->index, worker);
        task.tiles = HeadAt(step->place).tiles;
        kernels_->run(problem_, task);
      }
      queue.Finish(*step);
    }
  });
}

void CoreRun::Run(int64_t first_batch, int64_t batches, const HeadPreparation* preparation) {
  const int64_t first_head = first_batch * problem_.geometry.heads;
  const int64_t heads = batches * problem_.geometry.heads;
  if (tasks_per_head_ == 1) {
    RunTasks(first_head, heads, preparation);
  } else {
    RunHeads(first_head, heads, preparation);
  }
}

}  // namespace maskproof::kernels
