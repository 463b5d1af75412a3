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
  int64_t tokens = 0;              // of a batch: where they are many, a target may go another way
  int64_t depth = 0;               // Di
  int64_t columns = 0;             // D + D + Dv
  const float* input = nullptr;    // rows of [depth]
  const float* weights = nullptr;  // [depth][columns]; unused if `packed` is given
  const float* bias = nullptr;     // [columns]; null means zeros
  const float* packed = nullptr;   // what PackWeights makes of the weights, or null
};

// Floats of packed weights: whole panels, and OddColumns. -1 if they cannot be counted.
int64_t PackedWeightsSize(int64_t depth, int64_t columns);

// What stands behind the panels, for target AMX_BF16 alone: for every 32 columns, bits of those
// that hold a number without parts (bf16_parts-inl.h).
inline uint32_t* OddColumns(float* packed, int64_t depth, int64_t columns) {
  return reinterpret_cast<uint32_t*>(packed + depth * RoundUp(columns, kProjectionAlignment));
}
inline const uint32_t* OddColumns(const float* packed, int64_t depth, int64_t columns) {
  return OddColumns(const_cast<float*>(packed), depth, columns);
}

// packed: [panel][depth][columns of a panel], aligned, zeros beyond the last column.
void PackWeights(const float* weights, int64_t depth, int64_t columns, int64_t target,
                 ParallelFor* parallel, float* packed);

struct ProjectionTask;

// The part that is compiled once per SIMD target.
struct ProjectionKernels {
  int64_t panel;        // columns of a panel: a divisor of kProjectionAlignment
  int64_t block_rows;   // rows that are multiplied together
  int64_t task_blocks;  // of a task, at most
  // Floats of memory that a task of so many rows and such a depth works with.
  int64_t (*scratch)(int64_t rows, int64_t depth);
  // One panel of `packed`.
  void (*pack)(const float* weights, int64_t depth, int64_t columns, int64_t panel, float* packed);
  void (*project)(const ProjectionProblem& problem, const ProjectionTask& task);
};

const ProjectionKernels& ProjectionKernelsFor(int64_t target);
// On AMX's bfloat16 products, for the target AMX_BF16; null for others.
const ProjectionKernels* Bf16ProjectionKernelsFor(int64_t target);

// Every element is one chain of multiply-adds that begins with the bias, over the depth, in order;
// or as docs/operators.md has it for AMX_BF16.
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
  int64_t ScratchSize(int64_t rows) const;
  // As ProjectionTask has it.
  struct WorkerMemory {
    int64_t* packed_row = nullptr;
    float* input = nullptr;
  };
  [[nodiscard]] bool PlaceMemory(Arena& arena, int64_t rows, WorkerMemory& memory) const;
  WorkerMemory MemoryOf(int64_t worker, int64_t rows);

  const ProjectionProblem& problem_;
  int64_t target_;
  ParallelFor* parallel_;
  const ProjectionKernels* kernels_;

  Scratch<float> packed_;  // weights, if they did not come packed
  Scratch<float> bias_;    // padded with zeros
  ScratchOfEach inputs_;   // per worker: what kernels work with, packed rows above all
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_PROJECTION_H_
