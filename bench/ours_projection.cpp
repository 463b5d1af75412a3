#include "bench/ours_projection.h"

#include "kernels/src/projection.h"

namespace maskproof::bench {

ProjectionCall::ProjectionCall(const Problem& problem, float* output)
    : problem_(problem), output_(output) {}

kernels::Status ProjectionCall::Run(const kernels::Execution& execution) {
  const int64_t columns = problem_.output_dims[1];
  if (columns % kernels::kProjectionAlignment != 0) {
    return {kernels::StatusCode::kNotSupported,
            "the projection alone is only measured for multiples of 32 columns"};
  }
  kernels::Project({.rows = problem_.output_dims[0],
                    .depth = problem_.input.dims[1],
                    .columns = columns,
                    .input = problem_.input.as<float>().data(),
                    .weights = problem_.weights.as<float>().data(),
                    .bias = problem_.bias.as<float>().data(),
                    .projected = output_,
                    .stride = columns},
                   execution.target, execution.parallel);
  return {};
}

}  // namespace maskproof::bench
