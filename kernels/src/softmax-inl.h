// One row of a tile from raw dot products to weights, on line: each tile is weighed against the
// largest score so far, and what was summed before is rescaled when a larger one turns up.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>

#include "exp-inl.h"
#include "gemm-inl.h"
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

  // Whether the order of products is the order of scores, so that they may stay until exponentials
  // are taken: the row is seen whole, has no bias, and rounding keeps the order.
  bool AreProducts() const { return seen == nullptr && bias == nullptr && scale > 0.0F; }
};

// Lanes where `bits` is set keep their value, the others become `other`.
HWY_INLINE FloatVector SelectLanes(uint64_t bits, FloatVector v, FloatVector other) {
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  return hn::IfThenElse(hn::MFromD<FloatTag>{static_cast<__mmask16>(bits)}, v, other);
#else
  uint8_t bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(bits >> (8 * i));
  return hn::IfThenElse(hn::LoadMaskBits(FloatTag(), bytes), v, other);
#endif
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
  if constexpr (kMasked) score = SelectLanes(visible, score, masked);
  return score;
}

// The largest score where AreProducts(). Four vectors at a time, as each waits for the one before.
HWY_INLINE float LargestProduct(const ScoreRow& row) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  FloatVector largest[4];
#pragma GCC unroll 4
  for (FloatVector& of_some : largest) {
    of_some = hn::Set(d, -std::numeric_limits<float>::infinity());
  }
  int64_t t = row.begin;
  for (; t + 4 * lanes <= row.end; t += 4 * lanes) {
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i)
      largest[i] = hn::Max(largest[i], hn::Load(d, row.x + t + i * lanes));
  }
  for (; t < row.end; t += lanes) largest[0] = hn::Max(largest[0], hn::Load(d, row.x + t));
  const FloatVector of_all =
      hn::Max(hn::Max(largest[0], largest[1]), hn::Max(largest[2], largest[3]));
  return hn::GetLane(hn::MaxOfLanes(d, of_all)) * row.scale;
}

// Replaces dot products by scores and returns the largest one.
template <bool kMasked, bool kBiased>
HWY_INLINE float StoreScores(const ScoreRow& row) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  FloatVector largest = hn::Set(d, -std::numeric_limits<float>::infinity());
  for (int64_t t = row.begin; t < row.end; t += lanes) {
    const FloatVector score = ScoresAt<kMasked, kBiased>(row, t);
    largest = hn::Max(largest, score);
    hn::Store(score, d, row.x + t);
  }
  return hn::GetLane(hn::MaxOfLanes(d, largest));
}

// What Exponentials() does to the vectors from key `t` on. Adds them to `sum` one by one.
template <bool kExact, int kVectors>
HWY_INLINE FloatVector AddExponentials(const ScoreRow& row, int64_t t, float scale, float shift,
                                       FloatVector sum) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  const FloatVector factor = hn::Set(d, scale);
  const FloatVector subtrahend = hn::Set(d, shift);
  FloatVector e[kVectors];
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    const FloatVector x = hn::Load(d, row.x + t + v * lanes);
    e[v] = kExact ? hn::MulSub(x, factor, subtrahend) : hn::Sub(hn::Mul(x, factor), subtrahend);
  }
  ExpNonPositive(e);
#pragma GCC unroll 4
  for (int v = 0; v < kVectors; ++v) {
    sum = hn::Add(sum, e[v]);
    hn::Store(e[v], d, row.x + t + v * lanes);
  }
  return sum;
}

// Replaces products with `scale` by e^(score - shift) and returns the sum of those. Masked keys
// have weight 0; they leave no trace in the sum, as x + 0 = x. Key t stands in lane t mod L, so
// that keys masked before or after the visible ones do not change its order either.
//
// With kExact, products with `scale` are taken to be exact, and one operation does what takes two.
template <bool kExact>
HWY_INLINE float Exponentials(const ScoreRow& row, float scale, float shift) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  FloatVector sum = hn::Zero(d);
  int64_t t = row.begin;
  for (; t + kExpVectors * lanes <= row.end; t += kExpVectors * lanes) {
    sum = AddExponentials<kExact, kExpVectors>(row, t, scale, shift, sum);
  }
  for (; t < row.end; t += lanes) sum = AddExponentials<kExact, 1>(row, t, scale, shift, sum);
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

// Whether products with a positive number are exact: always, but for those that are denormal, and
// there e^x does not tell the difference.
HWY_INLINE bool IsPowerOfTwo(float value) {
  int exponent = 0;
  return std::frexp(value, &exponent) == 0.5F;
}

// Prepares Exponentials() and returns the largest score.
template <bool kMasked, bool kBiased>
HWY_INLINE float PrepareScores(const ScoreRow& row) {
  if constexpr (!kMasked && !kBiased) {
    if (row.AreProducts()) return LargestProduct(row);
  }
  return StoreScores<kMasked, kBiased>(row);
}

// The softmax of the rows of a block so far, filled up to kPackedRows. Aligned.
struct RowStates {
  float* largest;  // scores; -infinity: nothing has been seen
  float* totals;   // sums of e^(score - largest)
};

HWY_INLINE void StartRows(const RowStates& states) {
  std::fill(states.largest, states.largest + kPackedRows, -std::numeric_limits<float>::infinity());
  std::fill(states.totals, states.totals + kPackedRows, 0.0F);
}

// Takes in the largest scores of one more tile. Gives what is to be subtracted from its scores, and
// the factors by which sums of earlier tiles are to be multiplied.
HWY_INLINE void ShiftRows(const float* here, const RowStates& states, float* shifts,
                          float* factors) {
  const FloatTag d;
  const FloatVector nothing = hn::Set(d, -std::numeric_limits<float>::infinity());
  for (int64_t r = 0; r < kPackedRows; r += FloatLanes()) {
    const FloatVector before = hn::Load(d, states.largest + r);
    const FloatVector of_tile = hn::Load(d, here + r);
    // A NaN stays.
    const FloatVector largest = hn::IfThenElse(hn::Le(of_tile, before), before, of_tile);
    hn::Store(largest, d, states.largest + r);
    // Nothing seen so far, or every score has overflowed to -infinity: weights of 0, NaN where a
    // score is NaN.
    hn::Store(hn::IfThenZeroElse(hn::Eq(largest, nothing), largest), d, shifts + r);
    const FloatVector factor = ExpNonPositive(hn::Sub(before, largest));
    hn::Store(hn::IfThenElse(hn::Eq(largest, before), hn::Set(d, 1.0F), factor), d, factors + r);
  }
}

HWY_INLINE void AddTotals(const float* factors, const float* sums, const RowStates& states) {
  const FloatTag d;
  for (int64_t r = 0; r < kPackedRows; r += FloatLanes()) {
    const FloatVector total = hn::Load(d, states.totals + r);
    hn::Store(hn::MulAdd(total, hn::Load(d, factors + r), hn::Load(d, sums + r)), d,
              states.totals + r);
  }
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
