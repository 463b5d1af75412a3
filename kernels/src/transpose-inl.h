// Transposition of small float matrices: rows of a caller's tensor become columns of a packed
// panel.
#include <algorithm>
#include <cstdint>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "sizes.h"
#include "vector-inl.h"

#if defined(MASKPROOF_KERNELS_SRC_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKPROOF_KERNELS_SRC_TRANSPOSE_INL_H_
#undef MASKPROOF_KERNELS_SRC_TRANSPOSE_INL_H_
#else
#define MASKPROOF_KERNELS_SRC_TRANSPOSE_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

// A matrix of floats whose rows are `stride` apart; with an index, row r is row index[r] of it.
template <typename T>
struct Rows {
  T* data;
  int64_t stride;
  const int64_t* index = nullptr;

  T* Row(int64_t r) const { return data + (index == nullptr ? r : index[r]) * stride; }
};

#if HWY_TARGET != HWY_SCALAR
// The lower, or upper, two numbers of each 128-bit block of a and then of b.
HWY_INLINE FloatVector PairsLower(FloatVector a, FloatVector b) {
  const hn::Repartition<double, FloatTag> pairs;
  return hn::BitCast(FloatTag(),
                     hn::InterleaveLower(pairs, hn::BitCast(pairs, a), hn::BitCast(pairs, b)));
}
HWY_INLINE FloatVector PairsUpper(FloatVector a, FloatVector b) {
  const hn::Repartition<double, FloatTag> pairs;
  return hn::BitCast(FloatTag(),
                     hn::InterleaveUpper(pairs, hn::BitCast(pairs, a), hn::BitCast(pairs, b)));
}

// As many rows and columns as a vector has lanes: 4, 8 or 16. Rows from `rows` on are copies of the
// last one. Fetches what stands `ahead` floats further on, if that is not 0: rows far apart are no
// pattern that the processor would see through.
HWY_INLINE void TransposeSquare(const Rows<const float>& from, int64_t rows, int64_t ahead,
                                const Rows<float>& to) {
  const FloatTag d;
  constexpr int kLanes = static_cast<int>(hn::MaxLanes(FloatTag()));
  // q[4 i + j]: block m holds column 4 m + j of the rows 4 i .. 4 i + 3.
  FloatVector q[kLanes];
  const auto load = [&](int64_t row) HWY_ATTR {
    const float* const address = from.Row(std::min(row, rows - 1));
    if (ahead != 0) hwy::Prefetch(address + ahead);
    return hn::LoadU(d, address);
  };
#pragma GCC unroll 4
  for (int i = 0; i < kLanes; i += 4) {
    const FloatVector v0 = load(i);
    const FloatVector v1 = load(i + 1);
    const FloatVector v2 = load(i + 2);
    const FloatVector v3 = load(i + 3);
    const FloatVector low01 = hn::InterleaveLower(d, v0, v1);
    const FloatVector low23 = hn::InterleaveLower(d, v2, v3);
    const FloatVector high01 = hn::InterleaveUpper(d, v0, v1);
    const FloatVector high23 = hn::InterleaveUpper(d, v2, v3);
    q[i + 0] = PairsLower(low01, low23);
    q[i + 1] = PairsUpper(low01, low23);
    q[i + 2] = PairsLower(high01, high23);
    q[i + 3] = PairsUpper(high01, high23);
  }
  const auto store = [&](int column, FloatVector v)
                         HWY_ATTR { hn::StoreU(v, d, to.data + column * to.stride); };
#pragma GCC unroll 4
  for (int j = 0; j < 4; ++j) {
    if constexpr (kLanes == 4) {
      store(j, q[j]);
    } else if constexpr (kLanes == 8) {
      store(j, hn::ConcatLowerLower(d, q[4 + j], q[j]));
      store(4 + j, hn::ConcatUpperUpper(d, q[4 + j], q[j]));
    } else {
      // Blocks by (rows, columns / 4): 00 01 20 21, 10 11 30 31 and 02 03 22 23, 12 13 32 33.
      const FloatVector a = hn::ConcatLowerLower(d, q[8 + j], q[j]);
      const FloatVector b = hn::ConcatLowerLower(d, q[12 + j], q[4 + j]);
      const FloatVector e = hn::ConcatUpperUpper(d, q[8 + j], q[j]);
      const FloatVector f = hn::ConcatUpperUpper(d, q[12 + j], q[4 + j]);
      store(j, hn::OddEvenBlocks(hn::SwapAdjacentBlocks(b), a));
      store(4 + j, hn::OddEvenBlocks(b, hn::SwapAdjacentBlocks(a)));
      store(8 + j, hn::OddEvenBlocks(hn::SwapAdjacentBlocks(f), e));
      store(12 + j, hn::OddEvenBlocks(f, hn::SwapAdjacentBlocks(e)));
    }
  }
}
#endif  // HWY_TARGET != HWY_SCALAR

HWY_INLINE void TransposeElements(const Rows<const float>& from, int64_t rows, int64_t first,
                                  int64_t columns, const Rows<float>& to) {
  for (int64_t r = 0; r < rows; ++r) {
    const float* const row = from.Row(r);
    for (int64_t c = first; c < columns; ++c) to.data[c * to.stride + r] = row[c];
  }
}

// to[c][r] = from[r][c] for r < rows, c < columns. Rows up to a whole vector of them may be written
// besides: to.stride has room for them. `next` rows beyond these will be wanted soon.
HWY_INLINE void Transpose(Rows<const float> from, int64_t rows, int64_t columns, Rows<float> to,
                          [[maybe_unused]] int64_t next = 0) {
#if HWY_TARGET == HWY_SCALAR
  TransposeElements(from, rows, 0, columns, to);
#else
  const int64_t lanes = FloatLanes();
  const int64_t distance = RoundUp(rows, lanes);
  for (; rows > 0; rows -= lanes, next -= lanes) {
    const int64_t ahead = next >= lanes && from.index == nullptr ? distance * from.stride : 0;
    int64_t c = 0;
    for (; c + lanes <= columns; c += lanes) {
      TransposeSquare({.data = from.data + c, .stride = from.stride, .index = from.index}, rows,
                      ahead, {.data = to.data + c * to.stride, .stride = to.stride});
    }
    TransposeElements(from, std::min(rows, lanes), c, columns, to);
    if (from.index == nullptr) {
      from.data += lanes * from.stride;
    } else {
      from.index += lanes;
    }
    to.data += lanes;
  }
#endif
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
