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

bool MaskPlan::Build(const std::optional<TensorView<const int32_t>>& mask, const Geometry& geometry,
                     bool causal, ParallelFor* parallel) {
  queries_ = geometry.queries;
  keys_ = geometry.keys;
  past_ = geometry.past;
  words_ = DivideRoundingUp(keys_, kKeysPerWord);
  causal_ = causal;
  if (!mask) return true;
  switch (mask->dims.size()) {
    case 1:
      return BuildLengths(*mask, geometry.batch);
    case 2:
      // (B,1) and (1,1) are dummies unless they happen to be (B,T).
      if (mask->dims[0] != geometry.batch || mask->dims[1] != keys_) return true;
      return BuildBits(*mask, geometry.batch, parallel);
    default:
      bits_per_query_ = true;
      return BuildBits(*mask, geometry.batch * queries_, parallel);
  }
}

bool MaskPlan::BuildLengths(const TensorView<const int32_t>& mask, int64_t batch) {
  if (!intervals_.Allocate({batch})) return false;
  // (2B): exclusive ends, then inclusive starts. (B) and (3B+2): ends only.
  const bool has_starts = mask.dims[0] == 2 * batch;
  for (int64_t b = 0; b < batch; ++b) {
    KeyInterval& interval = intervals_.data()[b];
    interval.end = std::min<int64_t>(mask.data[b], keys_);
    interval.begin = has_starts ? std::max<int64_t>(mask.data[batch + b], 0) : 0;
    if (interval.begin >= interval.end) interval = {};
  }
  return true;
}

bool MaskPlan::BuildBits(const TensorView<const int32_t>& mask, int64_t rows,
                         ParallelFor* parallel) {
  if (!bits_.Allocate({rows, words_})) return false;
  ForEachTask(parallel, rows, [&](int64_t row, int64_t /*worker*/) {
    PackKept(mask.data + row * keys_, keys_, bits_.data() + row * words_);
  });
  if (bits_per_query_) return true;

  // What lies before the first and after the last key that is kept will not even be packed.
  if (!intervals_.Allocate({rows})) return false;
  for (int64_t row = 0; row < rows; ++row) {
    uint64_t* const bits = bits_.data() + row * words_;
    const VisibleRow kept = MakeVisibleRow(0, keys_, bits, nullptr, bits);
    intervals_.data()[row] = {.begin = kept.begin, .end = kept.end};
  }
  return true;
}

}  // namespace maskproof::kernels
