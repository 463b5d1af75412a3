// The float32 projection: input * weights + bias.
#ifndef MASKPROOF_KERNELS_SRC_PROJECTION_H_
#define MASKPROOF_KERNELS_SRC_PROJECTION_H_

#include <cstdint>

#include "maskproof/kernels/execution.h"
#include "scratch.h"
#include "sizes.h"
#include "wanted_rows.h"

namespace maskproof::kernels {

// Projected rows are this many floats apart at least: a multiple of the columns of any panel.
inline constexpr int64_t kProjectionAlignment = 32;

struct ProjectionProblem {
  int64_t depth = 0;               // Di
  int64_t columns = 0;             // D + D + Dv
  const float* input = nullptr;    // rows of [depth]
  const float* weights = nullptr;  // [depth][columns]; unused if `packed` is given
  const float* bias = nullptr;     // [columns]; null means zeros
  const float* packed = nullptr;   // what PackWeights makes of the weights, or null
};

// Floats of packed weights: whole panels. -1 if they cannot be counted.
int64_t PackedWeightsSize(int64_t depth, int64_t columns);

// packed: [panel][depth][columns of a panel], aligned, zeros beyond the last column.
void PackWeights(const float* weights, int64_t depth, int64_t columns, int64_t target,
                 ParallelFor* parallel, float* packed);

struct ProjectionTask;

// The part that is compiled once per SIMD target.
struct ProjectionKernels {
  int64_t panel;        // columns of a panel: a divisor of kProjectionAlignment
  int64_t block_rows;   // rows of a register tile
  int64_t packed_rows;  // the same, filled up to whole vectors
  int64_t depth;        // rows of weights that are multiplied in one go
  void (*pack)(const float* weights, int64_t depth, int64_t columns, int64_t panel, float* packed);
  void (*project)(const ProjectionProblem& problem, const ProjectionTask& task);
};

// Every element is one chain of multiply-adds that begins with the bias, over the depth, in order.
class ProjectionRun {
 public:
  // `target` as by ResolveTarget.
  ProjectionRun(const ProjectionProblem& problem, int64_t target, ParallelFor* parallel);
  // `rows`: the most that one Run will be asked for.
  [[nodiscard]] bool Reserve(Arena& arena, int64_t rows);
  // Before the first Run.
  void Prepare();
  // Rows [first_row, first_row + rows) of the input into projected: [rows][stride], aligned;
  // written up to the last whole panel. `stride` is a multiple of kProjectionAlignment. Columns
  // that only some rows are wanted of may be zero in the others.
  void Run(int64_t first_row, int64_t rows, float* projected, int64_t stride,
           const WantedRows& wanted = {});

 private:
  // Some rows by some panels.
  struct Part {
    const float* input;
    int64_t rows;
    const int64_t* input_row = nullptr;  // as in ProjectionTask
    int64_t first_panel;
    int64_t last_panel;
  };
  void RunPart(const Part& part, int64_t reserved_rows, float* projected, int64_t stride);
  // Tasks: groups of rows by groups of panels.
  int64_t TaskRows(int64_t rows) const;
  int64_t PanelGroups(int64_t row_groups, int64_t panels) const;
  int64_t Panels() const;
  int64_t PackedInputSize(int64_t rows) const;

  const ProjectionProblem& problem_;
  int64_t target_;
  ParallelFor* parallel_;
  const ProjectionKernels* kernels_;

  Scratch<float> packed_;  // weights, if they did not come packed
  Scratch<float> bias_;    // padded with zeros
  ScratchOfEach inputs_;   // per worker: packed rows
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_PROJECTION_H_
