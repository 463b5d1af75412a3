// float32 projection. Compiled once per SIMD target.
#include "projection.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "projection.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include <algorithm>
#include <cstdint>

#include "dispatch.h"
#include "gemm-inl.h"
#include "hwy/highway.h"
#include "panel_order.h"
#include "parallel.h"
#include "projection_task.h"
#include "sizes.h"
#include "transpose-inl.h"
#include "vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {
namespace {

// Depth of a product. Deep, as sums that wait in memory cost more than a panel that comes from the
// second-level cache.
constexpr int64_t kProductDepth = 1024;

// Blocks of rows that share a panel while it is in the first-level cache. Their packed rows stay in
// the second-level cache.
constexpr int64_t kTaskBlocks = 10;

// Floats of the packed input of a task. Not by EvenRows: a task of fewer rows may have larger ones.
int64_t PackedInputSize(int64_t rows, int64_t depth) {
  const int64_t blocks = std::min(kTaskBlocks, DivideRoundingUp(rows, kGemmRows));
  return blocks * kPackedRows * std::min(depth, kProductDepth);
}

void PackPanel(const float* weights, int64_t depth, int64_t columns, int64_t panel,
               float* HWY_RESTRICT packed) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  const int64_t first = panel * PanelColumns();
  packed += first * depth;
  for (int64_t k = 0; k < depth; ++k) {
    const float* const row = weights + k * columns;
    for (int64_t c = first; c < first + PanelColumns(); c += lanes, packed += lanes) {
      hn::Store(c < columns ? LoadPartial(row + c, columns - c) : hn::Zero(d), d, packed);
    }
  }
}

void PackInput(const ProjectionProblem& problem, const ProjectionTask& task, int64_t k,
               int64_t depth) {
  if (depth == 0) return;  // nor is there memory for it
  const int64_t block = EvenRows(task.rows);
  float* to = task.input;
  for (int64_t r = 0; r < task.rows; r += block, to += depth * kPackedRows) {
    const int64_t row = task.first_row + r;
    Rows<const float> from{.data = problem.input + k, .stride = problem.depth};
    if (task.input_row == nullptr) {
      from.data += row * problem.depth;
    } else {
      from.index = task.input_row + row;
    }
    Transpose(from, std::min(block, task.rows - r), depth, {.data = to, .stride = kPackedRows});
  }
}

void ProjectRows(const ProjectionProblem& problem, const ProjectionTask& task) {
  const int64_t block = EvenRows(task.rows);
  int64_t k = 0;
  do {  // once at least: a depth of 0 gives the bias
    const int64_t depth = std::min(kProductDepth, problem.depth - k);
    if (*task.packed_row != task.first_row) PackInput(problem, task, k, depth);
    *task.packed_row = depth == problem.depth ? task.first_row : -1;
    // All blocks together fetch the next panel, which may come from far off.
    const int64_t blocks = DivideRoundingUp(task.rows, block);
    const int64_t later_depths = DivideRoundingUp(blocks * kLineFloats, PanelColumns());
    for (int64_t i = task.first; i < task.last; ++i) {
      const int64_t panel = task.panels.At(i);
      const int64_t column = panel * PanelColumns();
      const float* const weights = task.weights + (panel * problem.depth + k) * PanelColumns();
      const int64_t next_panel = task.panels.At(i + 1 < task.last ? i + 1 : task.first);
      const float* later = task.weights + (next_panel * problem.depth + k) * PanelColumns();
      const float* a = task.input;
      for (int64_t r = 0; r < task.rows; r += block, a += depth * kPackedRows) {
        float* const c = task.projected + (task.first_row + r) * task.stride + column;
        const Product product{.a = a,
                              .panel = weights,
                              .panel_stride = PanelColumns(),
                              .depth = depth,
                              .initial = k == 0 ? task.bias + column : c,
                              .initial_stride = k == 0 ? 0 : task.stride,
                              .c = c,
                              .c_stride = task.stride,
                              .canonical = k + depth == problem.depth,
                              .later = later,
                              .later_depths = later_depths};
        MultiplyRows<PackedFactor, 2>(product, std::min(block, task.rows - r));
        later += depth / later_depths * kLineFloats;
      }
    }
    k += depth;
  } while (k < problem.depth);
}

}  // namespace

const ProjectionKernels& GetProjectionKernels() {
  static const ProjectionKernels kernels{.panel = PanelColumns(),
                                         .block_rows = kGemmRows,
                                         .task_blocks = kTaskBlocks,
                                         .scratch = PackedInputSize,
                                         .pack = PackPanel,
                                         .project = ProjectRows};
  return kernels;
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace maskproof::kernels {
namespace {

HWY_EXPORT(GetProjectionKernels);

const ProjectionKernels& KernelsFor(int64_t target, const ProjectionProblem& problem) {
  // Tile registers are 16 rows, and 32 deep.
  constexpr int64_t kLeastTokens = 16;
  constexpr int64_t kLeastDepth = 24;
  const ProjectionKernels* const bf16 = Bf16ProjectionKernelsFor(target);
  const bool fills = problem.tokens >= kLeastTokens && problem.depth >= kLeastDepth;
  return bf16 != nullptr && fills ? *bf16 : ProjectionKernelsFor(target);
}

// Tasks per worker to aim at, so that the last ones end at about the same time.
constexpr int64_t kTasksPerWorker = 4;

}  // namespace

const ProjectionKernels& ProjectionKernelsFor(int64_t target) {
  return MASKPROOF_FOR_TARGET(GetProjectionKernels, target)();
}

int64_t PackedWeightsSize(int64_t depth, int64_t columns) {
  const int64_t padded = RoundUp(columns, kProjectionAlignment);
  const int64_t floats = ElementCount(std::initializer_list<int64_t>{depth, padded});
  int64_t all = 0;
  if (floats <= 0) return floats;
  if (__builtin_add_overflow(floats, padded / kProjectionAlignment, &all)) return -1;
  return all;
}

void PackWeights(const float* weights, int64_t depth, int64_t columns, int64_t target,
                 ParallelFor* parallel, float* packed) {
  if (depth == 0) return;  // nothing, however many columns
  const ProjectionKernels* const bf16 = Bf16ProjectionKernelsFor(target);
  const ProjectionKernels& kernels = bf16 != nullptr ? *bf16 : ProjectionKernelsFor(target);
  ForEachTask(parallel, DivideRoundingUp(columns, kernels.panel),
              [&](int64_t panel, int64_t /*worker*/) {
                kernels.pack(weights, depth, columns, panel, packed);
              });
}

ProjectionRun::ProjectionRun(const ProjectionProblem& problem, int64_t target,
                             ParallelFor* parallel)
    : problem_(problem),
      target_(target),
      parallel_(parallel),
      kernels_(&KernelsFor(target, problem)) {}

// All tasks alike, as each has to read all of the weights of its panels.
int64_t ProjectionRun::TaskRows(int64_t rows) const {
  return EvenParts(rows, kernels_->task_blocks * kernels_->block_rows);
}

int64_t ProjectionRun::PanelGroups(int64_t row_groups, int64_t panels) const {
  if (parallel_ == nullptr) return 1;
  const int64_t tasks = kTasksPerWorker * static_cast<int64_t>(parallel_->Concurrency());
  return std::min(panels, DivideRoundingUp(tasks, row_groups));
}

int64_t ProjectionRun::Panels() const {
  return DivideRoundingUp(problem_.columns, kernels_->panel);
}

// Not by TaskRows: the tasks of fewer rows may be larger.
int64_t ProjectionRun::ScratchSize(int64_t rows) const {
  return kernels_->scratch(std::min(rows, kernels_->task_blocks * kernels_->block_rows),
                           problem_.depth);
}

bool ProjectionRun::Reserve(Arena& arena, int64_t rows) {
  if (rows == 0) return true;
  const int64_t row_groups = DivideRoundingUp(rows, TaskRows(rows));
  const int64_t workers = WorkerCount(parallel_, row_groups * PanelGroups(row_groups, Panels()));
  Arena of_worker;
  WorkerMemory memory;
  if (!PlaceMemory(of_worker, rows, memory)) return false;
  return (problem_.packed != nullptr ||
          packed_.Place(arena, {PackedWeightsSize(problem_.depth, problem_.columns)})) &&
         bias_.Place(arena, {RoundUp(problem_.columns, kProjectionAlignment)}) &&
         inputs_.Place(arena, workers, of_worker);
}

bool ProjectionRun::PlaceMemory(Arena& arena, int64_t rows, WorkerMemory& memory) const {
  return PlaceAt(memory.packed_row, arena, {1}) &&
         PlaceAt(memory.input, arena, {ScratchSize(rows)});
}

ProjectionRun::WorkerMemory ProjectionRun::MemoryOf(int64_t worker, int64_t rows) {
  Arena arena = inputs_.Of(worker);
  WorkerMemory memory;
  (void)PlaceMemory(arena, rows, memory);  // has been counted
  return memory;
}

void ProjectionRun::Prepare() {
  if (problem_.packed == nullptr) {
    PackWeights(problem_.weights, problem_.depth, problem_.columns, target_, parallel_,
                packed_.data());
  }
  std::fill(bias_.data(), bias_.data() + RoundUp(problem_.columns, kProjectionAlignment), 0.0F);
  if (problem_.bias != nullptr) std::copy_n(problem_.bias, problem_.columns, bias_.data());
}

void ProjectionRun::Run(int64_t first_row, int64_t rows, float* projected, int64_t stride,
                        const WantedRows& wanted) {
  const float* const input = problem_.input + first_row * problem_.depth;
  const int64_t panels = Panels();
  const int64_t of_all = wanted.FirstPanel(kernels_->panel, panels);
  RunPart({.input = input, .rows = rows, .first_panel = 0, .last_panel = of_all}, rows, projected,
          stride);
  if (of_all == panels) return;
  RunPart({.input = input,
           .rows = wanted.count,
           .input_row = wanted.rows,
           .first_panel = of_all,
           .last_panel = panels},
          rows, projected, stride);
  SpreadRows(wanted, PanelOrder::Of(of_all, panels, panels), kernels_->panel, rows, projected,
             stride, parallel_);
}

void ProjectionRun::RunPart(const Part& part, int64_t reserved_rows, float* projected,
                            int64_t stride) {
  const int64_t panels = part.last_panel - part.first_panel;
  if (part.rows == 0 || panels == 0) return;
  ProjectionProblem problem = problem_;
  problem.input = part.input;
  const int64_t task_rows = TaskRows(part.rows);
  const int64_t row_groups = DivideRoundingUp(part.rows, task_rows);
  // Each worker takes panels next to each other, of the same rows one group after the other.
  const int64_t workers = WorkerCount(parallel_, panels);
  const int64_t groups_each = DivideRoundingUp(PanelGroups(row_groups, panels), workers);
  const int64_t panel_groups = groups_each * workers;
  const PanelOrder order = PanelOrder::Of(part.first_panel, part.last_panel, Panels());
  const int64_t tasks = row_groups * panel_groups;
  for (int64_t worker = 0; worker < WorkerCount(parallel_, tasks); ++worker) {
    *MemoryOf(worker, reserved_rows).packed_row = -1;
  }
  ForEachTask(parallel_, tasks, [&](int64_t index, int64_t worker) {
    const int64_t task_row = index / groups_each % row_groups * task_rows;
    const int64_t group = index / (groups_each * row_groups) * groups_each + index % groups_each;
    const int64_t first = PartBegin(panels, panel_groups, group);
    const int64_t last = PartBegin(panels, panel_groups, group + 1);
    if (first == last) return;
    const WorkerMemory memory = MemoryOf(worker, reserved_rows);
    kernels_->project(problem,
                      {.first_row = task_row,
                       .rows = std::min(task_rows, part.rows - task_row),
                       .input_row = part.input_row,
                       .panels = order,
                       .first = first,
                       .last = last,
                       .weights = problem_.packed != nullptr ? problem_.packed : packed_.data(),
                       .bias = bias_.data(),
                       .packed_row = memory.packed_row,
                       .input = memory.input,
                       .projected = projected,
                       .stride = stride});
  });
}

}  // namespace maskproof::kernels
#endif  // HWY_ONCE
