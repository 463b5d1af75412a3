#include "mask.h"

#include <algorithm>
#include <cstdint>

#include "parallel.h"
#include "sizes.h"

namespace maskproof::kernels {
namespace {

// Value > 0 keeps.
void PackKept(const int32_t* values, int64_t count, uint64_t* words) {
  for (int64_t first = 0; first < count; first += kKeysPerWord) {
    const int64_t in_word = std::min(kKeysPerWord, count - first);
    uint64_t bits = 0;
    for (int64_t i = 0; i < in_word; ++i) {
      bits |= static_cast<uint64_t>(values[first + i] > 0) << i;
    }
    words[first / kKeysPerWord] = bits;
  }
}

}  // namespace

MaskPlan::MaskPlan(const std::optional<TensorView<const int32_t>>& mask, const Geometry& geometry,
                   bool causal)
    : mask_(mask),
      batch_(geometry.batch),
      queries_(geometry.queries),
      keys_(geometry.keys),
      past_(geometry.past),
      words_(DivideRoundingUp(keys_, kKeysPerWord)),
      causal_(causal) {
  if (!mask) return;
  switch (mask->dims.size()) {
    case 1:
      form_ = Form::kLengths;
      break;
    case 2:
      // (B,1) and (1,1) are dummies unless they happen to be (B,T).
      if (mask->dims[0] == batch_ && mask->dims[1] == keys_) form_ = Form::kPerBatch;
      break;
    default:
      form_ = Form::kPerQuery;
      break;
  }
}

bool MaskPlan::Reserve(Arena& arena) {
  switch (form_) {
    case Form::kNone:
      return true;
    case Form::kLengths:
      return intervals_.Place(arena, {batch_});
    case Form::kPerBatch:
      return intervals_.Place(arena, {batch_}) && bits_.Place(arena, {batch_, words_});
    case Form::kPerQuery:
      return bits_.Place(arena, {batch_, queries_, words_});
  }
  return false;
}

void MaskPlan::Build(ParallelFor* parallel) {
  if (form_ == Form::kNone) return;
  if (form_ == Form::kLengths) {
    BuildLengths();
  } else {
    BuildBits(parallel);
  }
}

void MaskPlan::BuildLengths() {
  // (2B): exclusive ends, then inclusive starts. (B) and (3B+2): ends only.
  const bool has_starts = mask_->dims[0] == 2 * batch_;
  for (int64_t b = 0; b < batch_; ++b) {
    KeyInterval& interval = intervals_.data()[b];
    interval.end = std::min<int64_t>(mask_->data[b], keys_);
    interval.begin = has_starts ? std::max<int64_t>(mask_->data[batch_ + b], 0) : 0;
    if (interval.begin >= interval.end) interval = {};
  }
}

void MaskPlan::BuildBits(ParallelFor* parallel) {
  const int64_t rows = form_ == Form::kPerQuery ? batch_ * queries_ : batch_;
  ForEachTask(parallel, rows, [&](int64_t row, int64_t /*worker*/) {
    PackKept(mask_->data + row * keys_, keys_, bits_.data() + row * words_);
  });
  if (form_ == Form::kPerQuery) return;

  // What lies before the first and after the last key that is kept will not even be packed.
  for (int64_t row = 0; row < rows; ++row) {
    uint64_t* const bits = bits_.data() + row * words_;
    const VisibleRow kept = MakeVisibleRow(0, keys_, bits, nullptr, bits);
    intervals_.data()[row] = {.begin = kept.begin, .end = kept.end};
  }
}

}  // namespace maskproof::kernels
