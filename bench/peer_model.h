// A problem as an ONNX model of one node, the way a runtime is given one: what belongs to the model
// is a constant in it, what comes with every call is an input.
#ifndef MASKPROOF_BENCH_PEER_MODEL_H_
#define MASKPROOF_BENCH_PEER_MODEL_H_

#include <string>
#include <vector>

#include "bench/problem.h"

namespace maskproof::bench {

struct PeerModel {
  struct Input {
    std::string name;
    const Tensor* tensor;
    Dims dims;  // as the operator wants them; the same elements
  };
  std::string bytes;
  std::vector<Input> inputs;
  // The outputs are "output", with Problem::output_dims, and "present" if the problem has it.
};

// Attention, QAttention, MultiHeadAttention for the core, Gemm for the projection.
PeerModel MakePeerModel(const Problem& problem);

}  // namespace maskproof::bench

#endif  // MASKPROOF_BENCH_PEER_MODEL_H_
