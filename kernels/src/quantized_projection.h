// The 8-bit projection: exact integer products, scaled to float32, plus bias.
#ifndef MASKPROOF_KERNELS_SRC_QUANTIZED_PROJECTION_H_
#define MASKPROOF_KERNELS_SRC_QUANTIZED_PROJECTION_H_

#include <cstdint>

#include "maskproof/kernels/attention.h"
#include "operator.h"
#include "quantized_kernels.h"
#include "quantized_weights.h"
#include "scratch.h"

namespace maskproof::kernels {

// QAttention's projection of validated inputs. Packs the weights itself where `inputs` come without
// packed ones.
class QuantizedProjection final : public Projection {
 public:
  QuantizedProjection(const QAttentionInputs& inputs, int64_t target, ParallelFor* parallel);
  [[nodiscard]] bool Reserve(Arena& arena, int64_t rows) override;
  void Prepare() override;
  // stride: a multiple of kQuantizedAlignment that is not less than the columns.
  void Run(int64_t first_row, int64_t rows, float* projected, int64_t stride,
           const WantedRows& wanted) override;

 private:
  void RunPart(const void* input, int64_t rows, int64_t first_panel, int64_t last_panel);
  void PackInput(const void* rows);
  void SetColumns();
  int64_t Chunks(int64_t groups) const;

  const QAttentionInputs& inputs_;
  const QuantizedKernels& kernels_;
  ParallelFor* parallel_;
  QuantizedWeights own_weights_;
  const QuantizedWeights& weights_;
  QuantizedProblem problem_;
  Scratch<uint8_t> gathered_;  // rows of the input, side by side
  Scratch<int32_t> input_words_;
  Scratch<int32_t> row_sums_;
  Scratch<float> multipliers_;
  Scratch<float> bias_;
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_QUANTIZED_PROJECTION_H_
