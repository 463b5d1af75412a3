// QAttention's weights as the projection reads them: packed for one SIMD target.
#ifndef MASKPROOF_KERNELS_SRC_QUANTIZED_WEIGHTS_H_
#define MASKPROOF_KERNELS_SRC_QUANTIZED_WEIGHTS_H_

#include <cstdint>
#include <optional>

#include "maskproof/kernels/execution.h"
#include "maskproof/kernels/tensor_view.h"
#include "quantized_kernels.h"
#include "scratch.h"

namespace maskproof::kernels {

// The zero point of a column, of a tensor that may have one for all columns or be absent.
int32_t ZeroPointAt(const std::optional<QuantizedView>& zero_point, int64_t column);

class QuantizedWeights {
 public:
  // weights: (depth, columns), of which only the shape and the signedness are kept.
  QuantizedWeights(const QuantizedView& weights, int64_t target);

  [[nodiscard]] bool Reserve(Arena& arena);
  void Pack(const void* weights, const std::optional<QuantizedView>& zero_point,
            ParallelFor* parallel);

  int64_t target() const { return target_; }
  bool is_signed() const { return is_signed_; }
  const QuantizedWeightsView& view() const { return view_; }
  int64_t panels() const { return DivideRoundingUp(view_.columns, kernels_.panel); }
  // The zero point of a column, as it was given.
  int32_t ZeroPoint(int64_t column) const { return zero_points_.data()[column] - Shift(); }

 private:
  int32_t Shift() const {
    return is_signed_ ? kernels_.signed_weight_shift : kernels_.unsigned_weight_shift;
  }

  int64_t target_;
  bool is_signed_;
  const QuantizedKernels& kernels_;
  QuantizedWeightsView view_;
  Scratch<int32_t> words_;
  Scratch<int32_t> sums_;
  Scratch<int32_t> zero_points_;
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_QUANTIZED_WEIGHTS_H_
