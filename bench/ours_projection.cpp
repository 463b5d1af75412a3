#include "bench/ours_projection.h"

namespace maskproof::bench {

ProjectionCall::ProjectionCall(const Problem& problem, const kernels::Execution& execution,
                               float* output)
    : columns_(problem.output_dims[1]),
      output_(output),
      rows_(problem.output_dims[0]),
      problem_{.tokens = rows_,
               .depth = problem.input.dims[1],
               .columns = columns_,
               .input = problem.input.as<float>().data(),
               .bias = problem.bias.as<float>().data()},
      run_(problem_, execution.target, execution.parallel) {
  if (columns_ % kernels::kProjectionAlignment != 0) {
    status_ = {kernels::StatusCode::kNotSupported,
               "the projection alone is only measured for multiples of 32 columns"};
    return;
  }
  status_ = kernels::PackAttentionWeights(
      {.data = problem.weights.as<float>().data(), .dims = problem.weights.dims}, execution,
      packed_);
  if (!status_.ok()) return;
  problem_.packed = packed_.data();
  status_ = workspace_.Provide(
      execution, [this](kernels::Arena& arena) { return run_.Reserve(arena, rows_); });
}

kernels::Status ProjectionCall::Run() {
  if (!status_.ok()) return status_;
  run_.Prepare();
  run_.Run(0, rows_, output_, columns_);
  return status_;
}

}  // namespace maskproof::bench
