// Transposition of small float matrices: rows of a caller's tensor become columns of a packed
// panel.
#include <cstdint>

#include "hwy/highway.h"
#include "vector-inl.h"

#if defined(MASKPROOF_KERNELS_SRC_TRANSPOSE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKPROOF_KERNELS_SRC_TRANSPOSE_INL_H_
#undef MASKPROOF_KERNELS_SRC_TRANSPOSE_INL_H_
#else
#define MASKPROOF_KERNELS_SRC_TRANSPOSE_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

// A matrix of floats whose rows are `stride` apart.
template <typename T>
struct Rows {
  T* data;
  int64_t stride;
};

// Four rows by four columns at a time, where there are vectors of four. Returns how many rows are
// done.
HWY_INLINE int64_t TransposeFours([[maybe_unused]] const Rows<const float>& from,
                                  [[maybe_unused]] int64_t rows, [[maybe_unused]] int64_t columns,
                                  [[maybe_unused]] const Rows<float>& to) {
  int64_t r = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::FixedTag<float, 4> d;
  const hn::Repartition<double, decltype(d)> pairs;
  const auto lower = [&](auto a, auto b) {
    return hn::BitCast(d, hn::InterleaveLower(pairs, hn::BitCast(pairs, a), hn::BitCast(pairs, b)));
  };
  const auto upper = [&](auto a, auto b) {
    return hn::BitCast(d, hn::InterleaveUpper(pairs, hn::BitCast(pairs, a), hn::BitCast(pairs, b)));
  };
  for (; r + 4 <= rows; r += 4) {
    const float* const row0 = from.data + r * from.stride;
    const float* const row1 = row0 + from.stride;
    const float* const row2 = row1 + from.stride;
    const float* const row3 = row2 + from.stride;
    float* out = to.data + r;
    int64_t c = 0;
    for (; c + 4 <= columns; c += 4, out += 4 * to.stride) {
      const auto v0 = hn::LoadU(d, row0 + c);
      const auto v1 = hn::LoadU(d, row1 + c);
      const auto v2 = hn::LoadU(d, row2 + c);
      const auto v3 = hn::LoadU(d, row3 + c);
      const auto low01 = hn::InterleaveLower(d, v0, v1);  // 00 10 01 11
      const auto low23 = hn::InterleaveLower(d, v2, v3);
      const auto high01 = hn::InterleaveUpper(d, v0, v1);
      const auto high23 = hn::InterleaveUpper(d, v2, v3);
      hn::StoreU(lower(low01, low23), d, out);
      hn::StoreU(upper(low01, low23), d, out + to.stride);
      hn::StoreU(lower(high01, high23), d, out + 2 * to.stride);
      hn::StoreU(upper(high01, high23), d, out + 3 * to.stride);
    }
    for (; c < columns; ++c, out += to.stride) {
      out[0] = row0[c];
      out[1] = row1[c];
      out[2] = row2[c];
      out[3] = row3[c];
    }
  }
#endif
  return r;
}

// to[c][r] = from[r][c] for r < rows, c < columns.
HWY_INLINE void Transpose(const Rows<const float>& from, int64_t rows, int64_t columns,
                          const Rows<float>& to) {
  for (int64_t r = TransposeFours(from, rows, columns, to); r < rows; ++r) {
    const float* const row = from.data + r * from.stride;
    for (int64_t c = 0; c < columns; ++c) to.data[c * to.stride + r] = row[c];
  }
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
