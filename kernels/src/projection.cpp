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
#include "sizes.h"
#include "vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {
namespace {

// Depth of a packed panel: with 2 x 16 columns it fills 32 KiB, a first-level cache.
constexpr int64_t kPanelDepth = 256;

// weights[first_row .. first_row + depth) x columns of one panel, with zeros past the last column.
void PackWeights(const ProjectionProblem& problem, int64_t first_row, int64_t depth, int64_t column,
                 float* HWY_RESTRICT packed) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  const int64_t left = problem.columns - column;
  for (int64_t k = 0; k < depth; ++k) {
    const float* const row = problem.weights + (first_row + k) * problem.columns + column;
    hn::Store(LoadPartial(row, left), d, packed);
    hn::Store(left > lanes ? LoadPartial(row + lanes, left - lanes) : hn::Zero(d), d,
              packed + lanes);
    packed += 2 * lanes;
  }
}

void AddBias(const ProjectionProblem& problem, int64_t first_row, int64_t last_row,
             int64_t column) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  for (int64_t half = column; half < column + 2 * lanes; half += lanes) {
    const bool has_bias = problem.bias != nullptr && half < problem.columns;
    const FloatVector bias =
        has_bias ? LoadPartial(problem.bias + half, problem.columns - half) : hn::Zero(d);
    for (int64_t row = first_row; row < last_row; ++row) {
      float* const c = problem.projected + row * problem.stride + half;
      hn::Store(CanonicalNaN(hn::Add(hn::Load(d, c), bias)), d, c);
    }
  }
}

// One panel of columns of the rows [first_row, last_row).
void ProjectPanel(const ProjectionProblem& problem, int64_t first_row, int64_t last_row,
                  int64_t panel_index) {
  HWY_ALIGN float packed[kPanelDepth * 2 * kMostLanes];
  const int64_t column = panel_index * PanelColumns();
  int64_t k = 0;
  do {  // once at least: a depth of 0 gives zeros
    const int64_t depth = std::min(kPanelDepth, problem.depth - k);
    PackWeights(problem, k, depth, column, packed);
    for (int64_t row = first_row; row < last_row; row += kGemmRows) {
      const GemmRows rows{.a = problem.input + row * problem.depth + k,
                          .a_stride = problem.depth,
                          .c = problem.projected + row * problem.stride + column,
                          .c_stride = problem.stride};
      MultiplyPanel(rows, std::min(kGemmRows, last_row - row), packed, depth,
                    /*accumulate=*/k > 0);
    }
    k += depth;
  } while (k < problem.depth);
  AddBias(problem, first_row, last_row, column);
}

}  // namespace

const ProjectionKernels& GetProjectionKernels() {
  static const ProjectionKernels kernels{.panel = PanelColumns(), .project = ProjectPanel};
  return kernels;
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace maskproof::kernels {
namespace {

HWY_EXPORT(GetProjectionKernels);

// Rows that share a packed panel. Many, as packing costs as much as multiplying a few rows.
constexpr int64_t kRowsPerTask = 256;

}  // namespace

void Project(const ProjectionProblem& problem, int64_t target, ParallelFor* parallel) {
  const ProjectionKernels& kernels = MASKPROOF_FOR_TARGET(GetProjectionKernels, target)();
  const int64_t panels = DivideRoundingUp(problem.columns, kernels.panel);
  const int64_t chunks = DivideRoundingUp(problem.rows, kRowsPerTask);
  ForEachTask(parallel, panels * chunks, [&](int64_t task, int64_t /*worker*/) {
    const int64_t first_row = task / panels * kRowsPerTask;
    kernels.project(problem, first_row, std::min(first_row + kRowsPerTask, problem.rows),
                    task % panels);
  });
}

}  // namespace maskproof::kernels
#endif  // HWY_ONCE
