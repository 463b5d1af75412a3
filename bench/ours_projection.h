// Our projection on its own. The kernels have no public call for it; nothing else here looks behind
// their public headers.
#ifndef MASKPROOF_BENCH_OURS_PROJECTION_H_
#define MASKPROOF_BENCH_OURS_PROJECTION_H_

#include "bench/problem.h"
#include "kernels/src/projection.h"
#include "kernels/src/workspace.h"
#include "maskproof/kernels/execution.h"
#include "maskproof/kernels/packed_attention_weights.h"
#include "maskproof/kernels/status.h"

namespace maskproof::bench {

// With weights packed and memory taken in advance, as by a runtime.
class ProjectionCall {
 public:
  // The problem and `output`, which has problem.output_dims, outlive the call. execution.target is
  // not 0.
  ProjectionCall(const Problem& problem, const kernels::Execution& execution, float* output);

  // Refuses a number of columns that the projection would pad.
  kernels::Status Run();

 private:
  int64_t columns_;
  float* output_;
  kernels::Status status_;
  kernels::PackedAttentionWeights packed_;
  int64_t rows_;
  kernels::ProjectionProblem problem_;
  kernels::ProjectionRun run_;
  kernels::Workspace workspace_;
};

}  // namespace maskproof::bench

#endif  // MASKPROOF_BENCH_OURS_PROJECTION_H_
