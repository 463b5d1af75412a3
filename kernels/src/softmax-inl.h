// One row of a tile from raw dot products to weights, on line: each tile is weighed against the
// largest score so far, and what was summed before is rescaled when a larger one turns up.
#include <cstdint>
#include <cstring>
#include <limits>

#include "exp-inl.h"
#include "hwy/highway.h"
#include "sizes.h"
#include "vector-inl.h"
#include "visible_row.h"

#if defined(MASKPROOF_KERNELS_SRC_SOFTMAX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKPROOF_KERNELS_SRC_SOFTMAX_INL_H_
#undef MASKPROOF_KERNELS_SRC_SOFTMAX_INL_H_
#else
#define MASKPROOF_KERNELS_SRC_SOFTMAX_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

// What one row brings to a tile.
struct ScoreRow {
  float* x;              // dot products, then weights, indexed by key of the tile; aligned
  const uint64_t* seen;  // bits of the keys that the row sees; null: all in [begin, end)
  int64_t begin;         // a multiple of the lanes
  int64_t end;
  float scale;
  const float* bias;  // indexed as x; null if there is none
  int64_t bias_end;   // floats of `bias` that there are
};

// Lanes where `bits` is set keep their value, the others become `other`.
HWY_INLINE FloatVector SelectLanes(uint64_t bits, FloatVector v, FloatVector other) {
  uint8_t bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(bits >> (8 * i));
  return hn::IfThenElse(hn::LoadMaskBits(FloatTag(), bytes), v, other);
}

// scale * dot + bias, with -infinity where the key is masked; what stood there, computed or not, is
// not used.
template <bool kMasked, bool kBiased>
HWY_INLINE FloatVector ScoresAt(const ScoreRow& row, int64_t t) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  const FloatVector masked = hn::Set(d, -std::numeric_limits<float>::infinity());
  uint64_t visible = LowBits(lanes);
  if constexpr (kMasked) {
    visible &= row.seen[t / kKeysPerWord] >> (t % kKeysPerWord);
    if (visible == 0) return masked;
  }
  FloatVector score = hn::Mul(hn::Load(d, row.x + t), hn::Set(d, row.scale));
  if constexpr (kBiased) score = hn::Add(score, LoadPartial(row.bias + t, row.bias_end - t));
  if (kMasked && visible != LowBits(lanes)) score = SelectLanes(visible, score, masked);
  return score;
}

template <bool kMasked, bool kBiased>
HWY_INLINE float LargestScore(const ScoreRow& row) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  FloatVector largest = hn::Set(d, -std::numeric_limits<float>::infinity());
  if (!kMasked && !kBiased && row.scale > 0.0F) {
    // Rounding keeps the order: the largest product has the largest score.
    for (int64_t t = row.begin; t < row.end; t += lanes) {
      largest = hn::Max(largest, hn::Load(d, row.x + t));
    }
    return hn::GetLane(hn::MaxOfLanes(d, largest)) * row.scale;
  }
  for (int64_t t = row.begin; t < row.end; t += lanes) {
    const FloatVector score = ScoresAt<kMasked, kBiased>(row, t);
    largest = hn::Max(largest, score);
    if constexpr (kBiased) hn::Store(score, d, row.x + t);
  }
  return hn::GetLane(hn::MaxOfLanes(d, largest));
}

// Replaces dot products by e^(score - shift) and returns their sum. Masked keys have weight 0; they
// leave no trace in the sum, as x + 0 = x. Key t stands in lane t mod L, so that keys masked before
// or after the visible ones do not change its order either.
template <bool kMasked, bool kBiased>
HWY_INLINE float Exponentials(const ScoreRow& row, float shift) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  const FloatVector subtrahend = hn::Set(d, shift);
  FloatVector sum = hn::Zero(d);
  for (int64_t t = row.begin; t < row.end; t += lanes) {
    // With a bias, LargestScore has left the score.
    const FloatVector score = kBiased ? hn::Load(d, row.x + t) : ScoresAt<kMasked, false>(row, t);
    const FloatVector e = ExpNonPositive(hn::Sub(score, subtrahend));
    sum = hn::Add(sum, e);
    hn::Store(e, d, row.x + t);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

// The softmax of a row so far.
struct RowState {
  float largest = -std::numeric_limits<float>::infinity();
  float total = 0.0F;  // sum of e^(score - largest)
};

// Weighs one tile. Returns the factor by which sums of earlier tiles are to be multiplied.
template <bool kMasked, bool kBiased>
HWY_INLINE float WeighTile(const ScoreRow& row, RowState& state) {
  constexpr float kNothing = -std::numeric_limits<float>::infinity();
  const FloatTag d;
  const float before = state.largest;
  const float here = LargestScore<kMasked, kBiased>(row);
  // A NaN stays.
  if (!(here <= before)) state.largest = here;
  // Nothing seen so far, or every score has overflowed to -infinity: weights of 0, NaN where a
  // score is NaN.
  const float shift = state.largest == kNothing ? 0.0F : state.largest;
  const float sum = Exponentials<kMasked, kBiased>(row, shift);
  if (state.largest == before) {
    state.total += sum;
    return 1.0F;
  }
  const float factor = hn::GetLane(ExpNonPositive(hn::Set(d, before - state.largest)));
  state.total = state.total * factor + sum;
  return factor;
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
