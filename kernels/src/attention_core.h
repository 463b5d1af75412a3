// The attention core: softmax(scale * Q K^T + bias) V over the visible keys, head by head.
#ifndef MASKPROOF_KERNELS_SRC_ATTENTION_CORE_H_
#define MASKPROOF_KERNELS_SRC_ATTENTION_CORE_H_

#include <cstdint>

#include "geometry.h"
#include "mask.h"
#include "maskproof/kernels/attention.h"
#include "scratch.h"

namespace maskproof::kernels {

struct CoreProblem {
  Geometry geometry;
  StridedTensor<const float> query;  // (B, N, S, H)
  StridedTensor<const float> key;    // (B, N, T, H)
  StridedTensor<const float> value;  // (B, N, T, Hv)
  StridedTensor<float> output;       // (B, N, S, Hv)
  const MaskPlan* mask = nullptr;
  const float* bias = nullptr;    // rows of T floats; null if there is none
  int64_t bias_batch_stride = 0;  // 0 where the bias is broadcast
  int64_t bias_head_stride = 0;
  float scale = 1.0F;
  FullyMaskedPolicy fully_masked = FullyMaskedPolicy::kUniform;

  const float* BiasRow(int64_t batch, int64_t head, int64_t query_row) const {
    if (bias == nullptr) return nullptr;
    return bias + batch * bias_batch_stride + head * bias_head_stride + query_row * geometry.keys;
  }
};

// attention_bias as the core reads it. `bias` may be absent.
void SetAttentionBias(const std::optional<TensorView<const float>>& bias, CoreProblem& problem);

// `scale`, or 1/sqrt(head_size) if it is 0.
float EffectiveScale(float scale, int64_t head_size);

struct CoreKernels;

// All the memory a problem needs, had in advance: once Reserve has succeeded nothing can fail.
class CoreRun {
 public:
  // `target` as by ResolveTarget.
  CoreRun(const CoreProblem& problem, int64_t target, ParallelFor* parallel);
  [[nodiscard]] bool Reserve();
  // query, key, value and output of the problem may be set up to this call.
  void Run();

 private:
  void PackHeads();

  const CoreProblem& problem_;
  ParallelFor* parallel_;
  const CoreKernels* kernels_;
  int64_t tile_rows_ = 0;
  int64_t tiles_ = 0;  // of all heads together
  int64_t packed_keys_ = 0;
  int64_t packed_values_ = 0;
  Scratch<float> keys_;          // per head
  Scratch<float> values_;        // per head
  Scratch<float> scores_;        // per worker
  Scratch<float> sums_;          // per worker
  Scratch<double> means_;        // per worker
  Scratch<uint64_t> bits_;       // per worker
  Scratch<VisibleRow> visible_;  // per worker
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_ATTENTION_CORE_H_
