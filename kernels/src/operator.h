// What Attention and QAttention do alike once their projection is set up.
#ifndef MASKPROOF_KERNELS_SRC_OPERATOR_H_
#define MASKPROOF_KERNELS_SRC_OPERATOR_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "geometry.h"
#include "maskproof/kernels/attention.h"
#include "scratch.h"

namespace maskproof::kernels {

// A projection to be run into [B * S][stride], columns Q | K | V.
class Projection {
 public:
  virtual ~Projection() = default;
  [[nodiscard]] virtual bool Reserve(Arena& arena) = 0;
  virtual void Run(float* projected, int64_t stride) = 0;
};

struct OperatorCall {
  const AttentionAttributes& attributes;
  const Geometry& geometry;
  const std::optional<TensorView<const int32_t>>& mask_index;
  const std::optional<TensorView<const float>>& past;
  const std::optional<TensorView<const float>>& attention_bias;
  const AttentionOutputs& outputs;
  int64_t target;
  const Execution& execution;
};

// The call is validated. Has all memory before it writes an output.
Status RunOperator(const OperatorCall& call, Projection& projection);

// Bytes of workspace that RunOperator needs.
Status OperatorWorkspaceSize(const OperatorCall& call, Projection& projection, size_t& bytes);

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_OPERATOR_H_
