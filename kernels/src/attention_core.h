// The attention core: softmax(scale * Q K^T + bias) V over the visible keys, head by head.
#ifndef MASKPROOF_KERNELS_SRC_ATTENTION_CORE_H_
#define MASKPROOF_KERNELS_SRC_ATTENTION_CORE_H_

#include <cstdint>

#include "geometry.h"
#include "head_queue.h"
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
  // The batches that query, and key and value, begin with: they may hold only those at work.
  int64_t query_batch = 0;
  int64_t key_batch = 0;
  const MaskPlan* mask = nullptr;
  bool has_bias = false;
  const float* bias = nullptr;    // rows of T floats; null also while only sizes are asked for
  int64_t bias_batch_stride = 0;  // 0 where the bias is broadcast
  int64_t bias_head_stride = 0;
  float scale = 1.0F;
  FullyMaskedPolicy fully_masked = FullyMaskedPolicy::kUniform;

  const float* QueryRow(int64_t batch, int64_t head, int64_t row) const {
    return query.Row(batch - query_batch, head, row);
  }
  const float* KeyRow(int64_t batch, int64_t head, int64_t row) const {
    return key.Row(batch - key_batch, head, row);
  }
  const float* ValueRow(int64_t batch, int64_t head, int64_t row) const {
    return value.Row(batch - key_batch, head, row);
  }
  const float* BiasRow(int64_t batch, int64_t head, int64_t query_row) const {
    if (!has_bias) return nullptr;
    return bias + batch * bias_batch_stride + head * bias_head_stride + query_row * geometry.keys;
  }
};

// attention_bias as the core reads it. `bias` may be absent.
void SetAttentionBias(const std::optional<TensorView<const float>>& bias, CoreProblem& problem);

// Batches to be done together, so that what is made for them is still in the second-level cache
// when it is used, and every worker has something to do.
int64_t BatchesAtATime(const Geometry& geometry, const ParallelFor* parallel);

// `scale`, or 1/sqrt(head_size) if it is 0.
float EffectiveScale(float scale, int64_t head_size);

// The keys and values of one tile of a head, in the order in which they are read. Key t is always
// at the same place, whatever is masked and however many keys follow.
struct PackedTile {
  // As core.cpp has them; core_bf16.cpp has layouts of its own.
  float* keys = nullptr;      // [panel of keys][head_size][keys of the panel]
  float* values = nullptr;    // [panel of columns][key][columns of the panel]; null: in place
  uint8_t* finite = nullptr;  // whether every packed value is a finite number
};

struct CoreKernels;
struct CoreTask;
struct CoreWorkspace;
struct PackedHead;

// What is to be done for a head before its keys and values are read. May be called for several
// heads at the same time.
class HeadPreparation {
 public:
  virtual ~HeadPreparation() = default;
  virtual void Prepare(int64_t batch, int64_t head) const = 0;
};

// Once Reserve has succeeded nothing can fail.
class CoreRun {
 public:
  // `target` as by ResolveTarget.
  CoreRun(const CoreProblem& problem, int64_t target, ParallelFor* parallel);
  // `batches`: the most that one Run will be asked for.
  [[nodiscard]] bool Reserve(Arena& arena, int64_t batches);
  // The batches [first_batch, first_batch + batches). query, key, value and output of the problem
  // may be set up to this call. `preparation` may be null.
  void Run(int64_t first_batch, int64_t batches, const HeadPreparation* preparation = nullptr);

 private:
  // Pieces of the memory of a worker, and of a place for packed heads.
  [[nodiscard]] bool PlaceWorkspace(Arena& arena, CoreWorkspace& workspace) const;
  [[nodiscard]] bool PlaceHead(Arena& arena, PackedHead& head) const;
  // Heads of one task each: keys and values are packed on the way.
  void RunTasks(int64_t first_head, int64_t heads, const HeadPreparation* preparation);
  void RunHeads(int64_t first_head, int64_t heads, const HeadPreparation* preparation);
  void Pack(int64_t head, int64_t tile, const PackedHead& packed);
  CoreTask TaskOf(int64_t head, int64_t index, int64_t worker);
  PackedHead HeadAt(int64_t place);
  int64_t MostRowsOfBlock() const;
  // Whether a head is one block of rows (CoreTask::reads_once). Known once tasks are.
  bool ReadsOnce() const;
  // Whether values are read where they stand: what is whole vectors, and not worth packing.
  bool ValuesStay() const;

  const CoreProblem& problem_;
  int64_t target_;
  ParallelFor* parallel_;
  const CoreKernels* kernels_ = nullptr;  // from Reserve on
  int64_t task_rows_ = 0;
  int64_t tasks_per_head_ = 0;
  int64_t tiles_per_head_ = 0;
  int64_t value_stride_ = 0;
  int64_t workers_ = 0;
  int64_t places_in_all_ = 0;   // for heads, from packing to their last task
  int64_t packed_keys_ = 0;     // floats of a packed tile
  int64_t packed_values_ = 0;   // floats of a packed tile
  int64_t packed_queries_ = 0;  // floats of a packed block of rows
  ScratchOfEach workspaces_;    // of workers
  ScratchOfEach heads_;         // in places, unless a head is one task
  Scratch<HeadPlace> places_;
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_ATTENTION_CORE_H_
