// What Attention and QAttention do alike once their projection is set up.
#ifndef MASKPROOF_KERNELS_SRC_OPERATOR_H_
#define MASKPROOF_KERNELS_SRC_OPERATOR_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "geometry.h"
#include "maskproof/kernels/attention.h"
#include "scratch.h"
#include "wanted_rows.h"

namespace maskproof::kernels {

// A projection to be run over the rows of B * S, some at a time, with columns Q | K | V.
class Projection {
 public:
  virtual ~Projection() = default;
  // `rows`: the most that one Run will be asked for.
  [[nodiscard]] virtual bool Reserve(Arena& arena, int64_t rows) = 0;
  // Before the first Run.
  virtual void Prepare() = 0;
  // Rows [first_row, first_row + rows) into projected: [rows][stride]. What is not wanted may be
  // anything finite.
  virtual void Run(int64_t first_row, int64_t rows, float* projected, int64_t stride,
                   const WantedRows& wanted) = 0;
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
