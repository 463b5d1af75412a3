// mask_index and causality as decisions: for every query row, an interval of keys and, where the
// form needs them, bits. Nothing here is ever added to a score.
#ifndef MASKPROOF_KERNELS_SRC_MASK_H_
#define MASKPROOF_KERNELS_SRC_MASK_H_

#include <algorithm>
#include <cstdint>
#include <optional>

#include "geometry.h"
#include "maskproof/kernels/attention.h"
#include "scratch.h"
#include "visible_row.h"

namespace maskproof::kernels {

struct KeyInterval {
  int64_t begin = 0;
  int64_t end = 0;
};

class MaskPlan {
 public:
  // Of a validated mask, or none. The data may still be missing.
  MaskPlan(const std::optional<TensorView<const int32_t>>& mask, const Geometry& geometry,
           bool causal);
  [[nodiscard]] bool Reserve(Arena& arena);
  // Reads the mask.
  void Build(ParallelFor* parallel);

  // Words of 64 keys per row of bits.
  int64_t words() const { return words_; }

  // Keys outside are seen by no row of the batch.
  KeyInterval BatchInterval(int64_t batch) const {
    if (intervals_.data() != nullptr) return intervals_.data()[batch];
    return {.begin = 0, .end = keys_};
  }

  // The same for one row, causality included.
  KeyInterval RowInterval(int64_t batch, int64_t query) const {
    KeyInterval interval = BatchInterval(batch);
    if (causal_) interval.end = std::min(interval.end, past_ + query + 1);
    return interval;
  }

  // Whether a mask says the same about a key to every query of the batch, causality aside.
  bool IsOfKeysAlone() const { return form_ == Form::kLengths || form_ == Form::kPerBatch; }

  // Whether keys inside an interval may be masked.
  bool HasBits() const { return form_ == Form::kPerBatch || form_ == Form::kPerQuery; }

  // Bits that a key in the interval must have set as well; null if there is no such condition.
  const uint64_t* Bits(int64_t batch, int64_t query) const {
    if (bits_.data() == nullptr) return nullptr;
    const int64_t row = form_ == Form::kPerQuery ? batch * queries_ + query : batch;
    return bits_.data() + row * words_;
  }

 private:
  enum class Form : uint8_t { kNone, kLengths, kPerBatch, kPerQuery };

  void BuildLengths();
  void BuildBits(ParallelFor* parallel);

  std::optional<TensorView<const int32_t>> mask_;
  Form form_ = Form::kNone;
  int64_t batch_ = 0;
  int64_t queries_ = 0;
  int64_t keys_ = 0;
  int64_t past_ = 0;
  int64_t words_ = 0;
  bool causal_ = false;
  Scratch<KeyInterval> intervals_;  // one per batch item
  Scratch<uint64_t> bits_;          // one row per batch item, or one per query
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_MASK_H_
