// The float32 projection: input * weights + bias.
#ifndef MASKPROOF_KERNELS_SRC_PROJECTION_H_
#define MASKPROOF_KERNELS_SRC_PROJECTION_H_

#include <cstdint>

#include "maskproof/kernels/execution.h"

namespace maskproof::kernels {

// Projected rows are this many floats apart at least: a multiple of the columns of any panel.
inline constexpr int64_t kProjectionAlignment = 32;

struct ProjectionProblem {
  int64_t rows = 0;                // B * S
  int64_t depth = 0;               // Di
  int64_t columns = 0;             // D + D + Dv
  const float* input = nullptr;    // [rows][depth]
  const float* weights = nullptr;  // [depth][columns]
  const float* bias = nullptr;     // [columns]; null means zeros
  float* projected = nullptr;      // [rows][stride], aligned; written up to the last whole panel
  int64_t stride = 0;              // columns, rounded up to kProjectionAlignment
};

// The part that is compiled once per SIMD target.
struct ProjectionKernels {
  int64_t panel;  // columns of a panel: a divisor of kProjectionAlignment
  // The columns of one panel of the rows [first_row, last_row).
  void (*project)(const ProjectionProblem& problem, int64_t first_row, int64_t last_row,
                  int64_t panel_index);
};

// Every element is one chain of multiply-adds over the depth, in order; then the bias is added.
void Project(const ProjectionProblem& problem, int64_t target, ParallelFor* parallel);

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_PROJECTION_H_
