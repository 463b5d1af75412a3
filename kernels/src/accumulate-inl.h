// Weighted sums of value rows over the visible keys. A masked key is not multiplied by zero: it is
// not visited. Every output element is one chain of multiply-adds over its visible keys, in order.
#include <bit>
#include <cstdint>

#include "hwy/highway.h"
#include "vector-inl.h"
#include "visible_row.h"

#if defined(MASKPROOF_KERNELS_SRC_ACCUMULATE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKPROOF_KERNELS_SRC_ACCUMULATE_INL_H_
#undef MASKPROOF_KERNELS_SRC_ACCUMULATE_INL_H_
#else
#define MASKPROOF_KERNELS_SRC_ACCUMULATE_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

inline constexpr int64_t kSumRows = 4;

struct SumRows {
  const float* weights;  // rows, indexed by key
  int64_t weight_stride;
  const float* values;  // [key][value_stride]
  int64_t value_stride;
  float* sums;  // rows of value_stride
};

// One column of vectors of kRows rows, over the keys [begin, end).
template <int kRows>
HWY_INLINE void AddColumn(const SumRows& rows, int64_t begin, int64_t end, int64_t column) {
  const FloatTag d;
  const float* const w0 = rows.weights;
  const float* const w1 = w0 + (kRows > 1 ? 1 : 0) * rows.weight_stride;
  const float* const w2 = w0 + (kRows > 2 ? 2 : 0) * rows.weight_stride;
  const float* const w3 = w0 + (kRows > 3 ? 3 : 0) * rows.weight_stride;
  float* const s0 = rows.sums + column;
  float* const s1 = s0 + (kRows > 1 ? 1 : 0) * rows.value_stride;
  float* const s2 = s0 + (kRows > 2 ? 2 : 0) * rows.value_stride;
  float* const s3 = s0 + (kRows > 3 ? 3 : 0) * rows.value_stride;
  FloatVector r0 = hn::Load(d, s0);
  FloatVector r1 = hn::Load(d, s1);
  FloatVector r2 = hn::Load(d, s2);
  FloatVector r3 = hn::Load(d, s3);
  const float* HWY_RESTRICT value = rows.values + begin * rows.value_stride + column;
  for (int64_t t = begin; t < end; ++t, value += rows.value_stride) {
    const FloatVector v = hn::Load(d, value);
    r0 = hn::MulAdd(hn::Set(d, w0[t]), v, r0);
    if constexpr (kRows > 1) r1 = hn::MulAdd(hn::Set(d, w1[t]), v, r1);
    if constexpr (kRows > 2) r2 = hn::MulAdd(hn::Set(d, w2[t]), v, r2);
    if constexpr (kRows > 3) r3 = hn::MulAdd(hn::Set(d, w3[t]), v, r3);
  }
  hn::Store(r0, d, s0);
  if constexpr (kRows > 1) hn::Store(r1, d, s1);
  if constexpr (kRows > 2) hn::Store(r2, d, s2);
  if constexpr (kRows > 3) hn::Store(r3, d, s3);
}

// Two columns of vectors at once: enough independent chains to keep the multipliers busy.
template <int kRows>
HWY_INLINE void AddTwoColumns(const SumRows& rows, int64_t begin, int64_t end, int64_t column) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  const float* const w0 = rows.weights;
  const float* const w1 = w0 + (kRows > 1 ? 1 : 0) * rows.weight_stride;
  const float* const w2 = w0 + (kRows > 2 ? 2 : 0) * rows.weight_stride;
  const float* const w3 = w0 + (kRows > 3 ? 3 : 0) * rows.weight_stride;
  float* const s0 = rows.sums + column;
  float* const s1 = s0 + (kRows > 1 ? 1 : 0) * rows.value_stride;
  float* const s2 = s0 + (kRows > 2 ? 2 : 0) * rows.value_stride;
  float* const s3 = s0 + (kRows > 3 ? 3 : 0) * rows.value_stride;
  FloatVector r00 = hn::Load(d, s0);
  FloatVector r01 = hn::Load(d, s0 + lanes);
  FloatVector r10 = hn::Load(d, s1);
  FloatVector r11 = hn::Load(d, s1 + lanes);
  FloatVector r20 = hn::Load(d, s2);
  FloatVector r21 = hn::Load(d, s2 + lanes);
  FloatVector r30 = hn::Load(d, s3);
  FloatVector r31 = hn::Load(d, s3 + lanes);
  const float* HWY_RESTRICT value = rows.values + begin * rows.value_stride + column;
  for (int64_t t = begin; t < end; ++t, value += rows.value_stride) {
    const FloatVector v0 = hn::Load(d, value);
    const FloatVector v1 = hn::Load(d, value + lanes);
    const FloatVector x0 = hn::Set(d, w0[t]);
    r00 = hn::MulAdd(x0, v0, r00);
    r01 = hn::MulAdd(x0, v1, r01);
    if constexpr (kRows > 1) {
      const FloatVector x1 = hn::Set(d, w1[t]);
      r10 = hn::MulAdd(x1, v0, r10);
      r11 = hn::MulAdd(x1, v1, r11);
    }
    if constexpr (kRows > 2) {
      const FloatVector x2 = hn::Set(d, w2[t]);
      r20 = hn::MulAdd(x2, v0, r20);
      r21 = hn::MulAdd(x2, v1, r21);
    }
    if constexpr (kRows > 3) {
      const FloatVector x3 = hn::Set(d, w3[t]);
      r30 = hn::MulAdd(x3, v0, r30);
      r31 = hn::MulAdd(x3, v1, r31);
    }
  }
  hn::Store(r00, d, s0);
  hn::Store(r01, d, s0 + lanes);
  if constexpr (kRows > 1) hn::Store(r10, d, s1);
  if constexpr (kRows > 1) hn::Store(r11, d, s1 + lanes);
  if constexpr (kRows > 2) hn::Store(r20, d, s2);
  if constexpr (kRows > 2) hn::Store(r21, d, s2 + lanes);
  if constexpr (kRows > 3) hn::Store(r30, d, s3);
  if constexpr (kRows > 3) hn::Store(r31, d, s3 + lanes);
}

template <int kRows>
HWY_INLINE void AddKeys(const SumRows& rows, int64_t begin, int64_t end) {
  static_assert(kRows >= 1 && kRows <= kSumRows);
  const int64_t lanes = FloatLanes();
  int64_t column = 0;
  for (; column + 2 * lanes <= rows.value_stride; column += 2 * lanes) {
    AddTwoColumns<kRows>(rows, begin, end, column);
  }
  if (column < rows.value_stride) AddColumn<kRows>(rows, begin, end, column);
}

// The runs of ones in `bits`, for one row. `base` is the key of bit 0.
HWY_INLINE void AddRuns(const SumRows& row, uint64_t bits, int64_t base) {
  while (bits != 0) {
    const int64_t begin = std::countr_zero(bits);
    const int64_t end = begin + std::countr_one(bits >> begin);
    AddKeys<1>(row, base + begin, base + end);
    bits &= ~LowBits(end);
  }
}

// One word of keys for kRows rows. Keys that all rows see are done together, those that only some
// see one row at a time; each row gets its own keys in ascending order whatever the others see.
template <int kRows>
HWY_INLINE void AddWord(const SumRows& rows, uint64_t* visible, int64_t base) {
  uint64_t common = visible[0];
  for (int r = 1; r < kRows; ++r) common &= visible[r];
  while (true) {
    // Without a common key left, `begin` is 64 and the last keys of each row are done.
    const int64_t begin = std::countr_zero(common);
    for (int r = 0; r < kRows; ++r) {
      const SumRows row{.weights = rows.weights + r * rows.weight_stride,
                        .weight_stride = rows.weight_stride,
                        .values = rows.values,
                        .value_stride = rows.value_stride,
                        .sums = rows.sums + r * rows.value_stride};
      AddRuns(row, visible[r] & LowBits(begin), base);
    }
    if (common == 0) return;
    const int64_t end = begin + std::countr_one(common >> begin);
    AddKeys<kRows>(rows, base + begin, base + end);
    common &= ~LowBits(end);
    for (int r = 0; r < kRows; ++r) visible[r] &= ~LowBits(end);
  }
}

// The same for 1 to kSumRows rows.
HWY_INLINE void AddVisibleWord(const SumRows& rows, int64_t count, uint64_t* visible,
                               int64_t base) {
  switch (count) {
    case 1:
      return AddRuns(rows, visible[0], base);
    case 2:
      return AddWord<2>(rows, visible, base);
    case 3:
      return AddWord<3>(rows, visible, base);
    default:
      return AddWord<4>(rows, visible, base);
  }
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
