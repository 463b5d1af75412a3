// One row from raw dot products to weights.
#include <algorithm>
#include <cfloat>
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

// Visible keys among those of the vector that starts at key `first`, a multiple of the lanes.
HWY_INLINE uint64_t VisibleLanes(const VisibleRow& row, int64_t first) {
  const uint64_t word = VisibleWord(row, first / kKeysPerWord);
  return (word >> (first % kKeysPerWord)) & LowBits(FloatLanes());
}

// Lanes where `bits` is set keep their value, the others become `other`.
HWY_INLINE FloatVector SelectLanes(uint64_t bits, FloatVector v, FloatVector other) {
  uint8_t bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<uint8_t>(bits >> (8 * i));
  return hn::IfThenElse(hn::LoadMaskBits(FloatTag(), bytes), v, other);
}

// Turns dot products into scores, scale * dot + bias, with -infinity where the key is masked; what
// stood there, computed or not, is not used. Returns the maximum over the visible keys.
HWY_INLINE float ScoreRow(const VisibleRow& row, float scale, const float* bias, int64_t keys,
                          float* HWY_RESTRICT x) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  const uint64_t all = LowBits(lanes);
  const FloatVector masked = hn::Set(d, -std::numeric_limits<float>::infinity());
  const FloatVector factor = hn::Set(d, scale);
  FloatVector maximum = masked;
  for (int64_t t = RoundDown(row.begin, lanes); t < row.end; t += lanes) {
    const uint64_t visible = VisibleLanes(row, t);
    FloatVector score = masked;
    if (visible != 0) {
      score = hn::Mul(hn::Load(d, x + t), factor);
      if (bias != nullptr) score = hn::Add(score, LoadPartial(bias + t, keys - t));
      if (visible != all) score = SelectLanes(visible, score, masked);
      maximum = hn::Max(maximum, score);
    }
    hn::Store(score, d, x + t);
  }
  return hn::GetLane(hn::MaxOfLanes(d, maximum));
}

// Replaces the scores of a row that sees a key by its weights. Masked keys have weight 0, which is
// never multiplied with anything; they leave no trace in the sum, as x + 0 = x. Key t stands in
// lane t mod L, so that keys masked before or after the visible ones do not change its order
// either.
HWY_INLINE void WeighRow(const VisibleRow& row, float maximum, float* HWY_RESTRICT x) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  const int64_t first = RoundDown(row.begin, lanes);
  if (!(maximum > -std::numeric_limits<float>::infinity())) {
    // Every visible score is NaN, or has overflowed to -infinity: there is no distribution.
    std::fill(x + first, x + RoundUp(row.end, lanes), std::numeric_limits<float>::quiet_NaN());
    return;
  }
  const FloatVector shift = hn::Set(d, maximum);
  FloatVector sum = hn::Zero(d);
  for (int64_t t = first; t < row.end; t += lanes) {
    const FloatVector e = ExpNonPositive(hn::Sub(hn::Load(d, x + t), shift));
    sum = hn::Add(sum, e);
    hn::Store(e, d, x + t);
  }
  const FloatVector total = hn::SumOfLanes(d, sum);
  const FloatVector smallest = hn::Set(d, FLT_MIN);
  for (int64_t t = first; t < row.end; t += lanes) {
    const FloatVector weight = hn::Div(hn::Load(d, x + t), total);
    // Written so that NaN stays.
    hn::Store(hn::IfThenZeroElse(hn::Lt(weight, smallest), weight), d, x + t);
  }
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
