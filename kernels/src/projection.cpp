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

void PackPanel(const float* weights, int64_t depth, int64_t columns, int64_t panel,
               float* HWY_RESTRICT packed) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  const int64_t first = panel * PanelColumns();
  for (int64_t k = 0; k < depth; ++k) {
    const float* const row = weights + k * columns;
    for (int64_t c = first; c < first + PanelColumns(); c += lanes, packed += lanes) {
      hn::Store(c < columns ? LoadPartial(row + c, columns - c) : hn::Zero(d), d, packed);
    }
  }
}

void PackInput(const ProjectionProblem& problem, const ProjectionTask& task, int64_t k,
               int64_t depth) {
  float* to = task.input;
  for (int64_t r = 0; r < task.rows; r += kGemmRows, to += depth * kPackedRows) {
    Transpose(
        {.data = problem.input + (task.first_row + r) * problem.depth + k, .stride = problem.depth},
        std::min(kGemmRows, task.rows - r), depth, {.data = to, .stride = kPackedRows});
  }
}

void ProjectRows(const ProjectionProblem& problem, const ProjectionTask& task) {
  int64_t k = 0;
  do {  // once at least: a depth of 0 gives the bias
    const int64_t depth = std::min(kProductDepth, problem.depth - k);
    PackInput(problem, task, k, depth);
    for (int64_t panel = task.first_panel; panel < task.last_panel; ++panel) {
      const int64_t column = panel * PanelColumns();
      const float* const weights = task.weights + (panel * problem.depth + k) * PanelColumns();
      const float* a = task.input;
      for (int64_t r = 0; r < task.rows; r += kGemmRows, a += depth * kPackedRows) {
        float* const c = task.projected + (task.first_row + r) * task.stride + column;
        Product product{.a = a,
                        .panel = weights,
                        .panel_stride = PanelColumns(),
                        .depth = depth,
                        .initial = k == 0 ? task.bias + column : c,
                        .initial_stride = k == 0 ? 0 : task.stride,
                        .c = c,
                        .c_stride = task.stride,
                        .canonical = k + depth == problem.depth};
        MultiplyRows<PackedFactor, 2>(product, std::min(kGemmRows, task.rows - r));
      }
    }
    k += depth;
  } while (k < problem.depth);
}

}  // namespace

const ProjectionKernels& GetProjectionKernels() {
  static const ProjectionKernels kernels{.panel = PanelColumns(),
                                         .block_rows = kGemmRows,
                                         .packed_rows = kPackedRows,
                                         .depth = kProductDepth,
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

const ProjectionKernels& KernelsFor(int64_t target) {
  return MASKPROOF_FOR_TARGET(GetProjectionKernels, target)();
}

// Blocks of rows that share a panel while it is in the first-level cache. Their packed rows stay in
// the second-level cache.
constexpr int64_t kTaskBlocks = 8;
// Tasks per worker to aim at, so that the last ones end at about the same time.
constexpr int64_t kTasksPerWorker = 4;

}  // namespace

int64_t PackedWeightsSize(int64_t depth, int64_t columns) {
  return ElementCount(
      std::initializer_list<int64_t>{depth, RoundUp(columns, kProjectionAlignment)});
}

void PackWeights(const float* weights, int64_t depth, int64_t columns, int64_t target,
                 ParallelFor* parallel, float* packed) {
  if (depth == 0) return;  // nothing, however many columns
  const ProjectionKernels& kernels = KernelsFor(target);
  ForEachTask(
      parallel, DivideRoundingUp(columns, kernels.panel), [&](int64_t panel, int64_t /*worker*/) {
        kernels.pack(weights, depth, columns, panel, packed + panel * depth * kernels.panel);
      });
}

ProjectionRun::ProjectionRun(const ProjectionProblem& problem, int64_t target,
                             ParallelFor* parallel)
    : problem_(problem), target_(target), parallel_(parallel), kernels_(&KernelsFor(target)) {}

bool ProjectionRun::Reserve(Arena& arena) {
  panels_ = DivideRoundingUp(problem_.columns, kernels_->panel);
  task_rows_ = std::min(problem_.rows, kTaskBlocks * kernels_->block_rows);
  if (task_rows_ == 0) return true;
  row_groups_ = DivideRoundingUp(problem_.rows, task_rows_);
  panel_groups_ = 1;
  if (parallel_ != nullptr) {
    const int64_t tasks = kTasksPerWorker * static_cast<int64_t>(parallel_->Concurrency());
    panel_groups_ = std::min(panels_, DivideRoundingUp(tasks, row_groups_));
  }
  const int64_t workers = WorkerCount(parallel_, row_groups_ * panel_groups_);
  return (problem_.packed != nullptr ||
          packed_.Place(arena, {PackedWeightsSize(problem_.depth, problem_.columns)})) &&
         bias_.Place(arena, {RoundUp(problem_.columns, kProjectionAlignment)}) &&
         input_.Place(
             arena,
             {workers, DivideRoundingUp(task_rows_, kernels_->block_rows) * kernels_->packed_rows,
              std::min(problem_.depth, kernels_->depth)});
}

void ProjectionRun::Run(float* projected, int64_t stride) {
  if (problem_.packed == nullptr) {
    PackWeights(problem_.weights, problem_.depth, problem_.columns, target_, parallel_,
                packed_.data());
  }
  std::fill(bias_.data(), bias_.data() + RoundUp(problem_.columns, kProjectionAlignment), 0.0F);
  if (problem_.bias != nullptr) std::copy_n(problem_.bias, problem_.columns, bias_.data());
  const int64_t worker_input = DivideRoundingUp(task_rows_, kernels_->block_rows) *
                               kernels_->packed_rows * std::min(problem_.depth, kernels_->depth);
  ForEachTask(parallel_, row_groups_ * panel_groups_, [&](int64_t index, int64_t worker) {
    const int64_t first_row = index / panel_groups_ * task_rows_;
    const int64_t group = index % panel_groups_;
    kernels_->project(problem_,
                      {.first_row = first_row,
                       .rows = std::min(task_rows_, problem_.rows - first_row),
                       .first_panel = panels_ * group / panel_groups_,
                       .last_panel = panels_ * (group + 1) / panel_groups_,
                       .weights = problem_.packed != nullptr ? problem_.packed : packed_.data(),
                       .bias = bias_.data(),
                       .input = input_.data() + worker * worker_input,
                       .projected = projected,
                       .stride = stride});
  });
}

}  // namespace maskproof::kernels
#endif  // HWY_ONCE
