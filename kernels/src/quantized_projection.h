// The 8-bit projection: exact integer products, scaled to float32, plus bias.
#ifndef MASKPROOF_KERNELS_SRC_QUANTIZED_PROJECTION_H_
#define MASKPROOF_KERNELS_SRC_QUANTIZED_PROJECTION_H_

#include <cstdint>

#include "maskproof/kernels/attention.h"
#include "operator.h"
#include "scratch.h"

namespace maskproof::kernels {

// Pairs of neighbours along the depth, less their zero point, as two int16 in an int32: what one
// multiply-add instruction of 16-bit pairs takes. An odd depth ends in a pair with a zero.
constexpr int32_t PackPair(int32_t even, int32_t odd) {
  return static_cast<int32_t>((static_cast<uint32_t>(even) & 0xFFFFU) |
                              (static_cast<uint32_t>(odd) << 16));
}

// Pairs after which an int32 total of products could overflow are 2^31 / (2 * 255 * 255) = 16512;
// totals go over to int64 earlier, at a power of two.
inline constexpr int64_t kExactPairs = 8192;

struct QuantizedProblem {
  int64_t rows = 0;                       // B * S
  int64_t depth = 0;                      // Di
  int64_t columns = 0;                    // 3 D
  int64_t pairs = 0;                      // depth / 2, rounded up
  const int32_t* input_pairs = nullptr;   // [rows][pairs]
  const int32_t* weight_pairs = nullptr;  // [panel][pairs][columns of a panel], aligned
  const float* multipliers = nullptr;     // [stride]: input_scale * weight_scale of the column
  const float* bias = nullptr;            // [stride]
  float* projected = nullptr;             // [rows][stride], aligned; written up to the last panel
  int64_t stride = 0;                     // columns, rounded up to kProjectionAlignment
};

// Columns of the weights, less their zero points, packed into one panel.
struct QuantizedPanel {
  const void* weights = nullptr;  // [depth][columns]
  bool is_signed = false;
  int64_t depth = 0;
  int64_t columns = 0;
  const int32_t* zero_points = nullptr;  // [stride]
  int64_t first_column = 0;
};

struct QuantizedKernels {
  int64_t panel;  // columns of a panel: a divisor of kProjectionAlignment
  void (*pack)(const QuantizedPanel& panel, int32_t* packed);
  void (*project)(const QuantizedProblem& problem, int64_t first_row, int64_t last_row,
                  int64_t panel_index);
};

const QuantizedKernels& QuantizedKernelsFor(int64_t target);

// QAttention's projection of validated inputs.
class QuantizedProjection final : public Projection {
 public:
  QuantizedProjection(const QAttentionInputs& inputs, int64_t target, ParallelFor* parallel);
  [[nodiscard]] bool Reserve(Arena& arena) override;
  void Run(float* projected, int64_t stride) override;

 private:
  void PackInput();
  void PackColumns();

  const QAttentionInputs& inputs_;
  const QuantizedKernels& kernels_;
  ParallelFor* parallel_;
  QuantizedProblem problem_;
  int64_t panels_ = 0;
  Scratch<int32_t> input_pairs_;
  Scratch<int32_t> weight_pairs_;
  Scratch<int32_t> zero_points_;
  Scratch<float> multipliers_;
  Scratch<float> bias_;
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_QUANTIZED_PROJECTION_H_
