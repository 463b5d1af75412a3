// Our projection on its own. The kernels have no public call for it; nothing else here looks behind
// their public headers.
#ifndef MASKPROOF_BENCH_OURS_PROJECTION_H_
#define MASKPROOF_BENCH_OURS_PROJECTION_H_

#include <vector>

#include "bench/problem.h"
#include "maskproof/kernels/execution.h"
#include "maskproof/kernels/status.h"

namespace maskproof::bench {

class ProjectionCall {
 public:
  // Both outlive the call. `output` has problem.output_dims.
  ProjectionCall(const Problem& problem, float* output);

  // Refuses a number of columns that the projection would pad.
  kernels::Status Run(const kernels::Execution& execution);

 private:
  const Problem& problem_;
  float* output_;
};

}  // namespace maskproof::bench

#endif  // MASKPROOF_BENCH_OURS_PROJECTION_H_
