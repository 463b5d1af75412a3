// float32 numbers as sums of three bfloat16 numbers, and their products in AMX's tile registers:
// float32 products at more than twice the speed of fused multiply-adds. Nothing but for AVX3_DL.
//
// x = h + m + l exactly: h is x rounded to the 8 significant bits of a bfloat16, m what is left
// rounded likewise, l the rest, which has at most 8 bits. |m| <= 2^-8 |x|, |l| <= 2^-17 |x|. Of the
// nine products of the parts of two numbers six are computed, exactly, and added up in float32, the
// small ones first; the others come to at most (2^-24 + 2^-34) |x y|. docs/operators.md has the
// whole bound.
#include <algorithm>
#include <cstdint>

#include "amx-inl.h"
#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "vector-inl.h"

#if defined(MASKPROOF_KERNELS_SRC_BF16_PARTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKPROOF_KERNELS_SRC_BF16_PARTS_INL_H_
#undef MASKPROOF_KERNELS_SRC_BF16_PARTS_INL_H_
#else
#define MASKPROOF_KERNELS_SRC_BF16_PARTS_INL_H_
#endif

#if HWY_TARGET == HWY_AVX3_DL

MASKPROOF_BEFORE_AMX_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

// What one tile product goes through of keys, or of lanes of a head.
inline constexpr int64_t kPartDepth = 32;
// Rows of a factor, or columns of the other.
inline constexpr int64_t kPartRows = kRegisterWords;
// Floats that one part takes, and those of three: a tile register and three of them.
inline constexpr int64_t kPartFloats = kPartRows * kRegisterWords;
inline constexpr int64_t kPartsFloats = 3 * kPartFloats;

// Numbers that have parts: 0, and those whose parts and products stay clear of both ends of
// float32's range.
inline constexpr uint32_t kLeastWithParts = (127U - 60U) << 23;  // 2^-60
inline constexpr uint32_t kMostWithParts = (127U + 60U) << 23;   // 2^60

// Lanes of numbers that have none.
HWY_INLINE uint32_t LanesWithoutParts(FloatVector x) {
  const __m512i magnitude =
      _mm512_and_si512(_mm512_castps_si512(x.raw), _mm512_set1_epi32(0x7FFFFFFF));
  const __mmask16 outside =
      _mm512_cmpgt_epu32_mask(_mm512_sub_epi32(magnitude, _mm512_set1_epi32(kLeastWithParts)),
                              _mm512_set1_epi32(kMostWithParts - kLeastWithParts));
  return _mm512_mask_test_epi32_mask(outside, magnitude, magnitude);
}

HWY_INLINE FloatVector RoundToPart(FloatVector x) {
  // To nearest, halves away from zero; a NaN may become something else, but what is left is a NaN
  // then.
  const __m512i up = _mm512_add_epi32(_mm512_castps_si512(x.raw), _mm512_set1_epi32(0x8000));
  return FloatVector{
      _mm512_castsi512_ps(_mm512_and_si512(up, _mm512_set1_epi32(static_cast<int>(0xFFFF0000U))))};
}

// Lane i of `first` and of `second` as a word of two bfloat16 numbers: their upper halves.
HWY_INLINE void StorePart(FloatVector first, FloatVector second, float* to) {
  const __m512i low = _mm512_srli_epi32(_mm512_castps_si512(first.raw), 16);
  const __m512i high = _mm512_and_si512(_mm512_castps_si512(second.raw),
                                        _mm512_set1_epi32(static_cast<int>(0xFFFF0000U)));
  _mm512_store_si512(to, _mm512_or_si512(low, high));
}

// A row of each of the three parts that stand from `to` on: of 32 numbers, the i-th beside the
// (16 + i)-th. The other factor has its depths in the same order.
HWY_INLINE void SplitRow(FloatVector first, FloatVector second, float* to) {
  for (int part = 0; part < 2; ++part, to += kPartFloats) {
    const FloatVector rounded_first = RoundToPart(first);
    const FloatVector rounded_second = RoundToPart(second);
    StorePart(rounded_first, rounded_second, to);
    first = hn::Sub(first, rounded_first);
    second = hn::Sub(second, rounded_second);
  }
  StorePart(first, second, to);
}

// Up to 16 numbers of a row of `columns` from `column` on, then zeros. Nothing but zeros if the row
// is null.
HWY_INLINE FloatVector LoadOfRow(const float* row, int64_t column, int64_t columns) {
  if (row == nullptr || column >= columns) return hn::Zero(FloatTag());
  return LoadPartial(row + column, columns - column);
}

// Whether a row of numbers has parts.
HWY_INLINE bool HasParts(const float* row, int64_t count) {
  uint32_t without = 0;
  for (int64_t c = 0; c < count; c += kMostLanes) {
    without |= LanesWithoutParts(LoadPartial(row + c, count - c));
  }
  return without == 0;
}

// The tile registers of this thread, for as long as this lives: four of sums, two of each factor.
class PartTiles {
 public:
  PartTiles() {
    TileConfiguration tiles;
    for (int tile = 0; tile < 8; ++tile) tiles.Set(tile, kPartRows);
    tiles.Load();
  }
  PartTiles(const PartTiles&) = delete;
  PartTiles& operator=(const PartTiles&) = delete;
  ~PartTiles() { _tile_release(); }
};

// 16 or 32 rows times 32 columns over a depth of 32. The rows from 16 on, and the columns, stand
// `a_next` and `b_next` floats further on.
struct PartFactors {
  const float* a;
  int64_t a_next;
  const float* b;
  int64_t b_next;
};

template <bool kBothRows>
HWY_INLINE void LoadRowPart(const PartFactors& factors, int64_t part) {
  constexpr int kStride = 64;
  _tile_loadd(4, factors.a + part * kPartFloats, kStride);
  if constexpr (kBothRows) {
    _tile_loadd(5, factors.a + factors.a_next + part * kPartFloats, kStride);
  }
}

HWY_INLINE void LoadColumnPart(const PartFactors& factors, int64_t part) {
  constexpr int kStride = 64;
  _tile_loadd(6, factors.b + part * kPartFloats, kStride);
  _tile_loadd(7, factors.b + factors.b_next + part * kPartFloats, kStride);
}

// Brings a part of a factor of a later step nearer: it comes from the second-level cache.
HWY_INLINE void FetchPart(const float* factor, int64_t next, int64_t part) {
  for (const float* tile : {factor, factor + next}) {
#pragma GCC unroll 16
    for (int64_t line = 0; line < kPartRows; ++line) {
      hwy::Prefetch(tile + part * kPartFloats + line * kLineFloats);
    }
  }
}

// Adds what has been loaded, multiplied, to the sums.
template <bool kBothRows>
HWY_INLINE void MultiplyLoaded() {
  _tile_dpbf16ps(0, 4, 6);
  _tile_dpbf16ps(1, 4, 7);
  if constexpr (kBothRows) {
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
}

// One step of all products but that of the first parts. Fetches `later`, a factor of the next step.
template <bool kBothRows>
HWY_INLINE void MultiplySmallParts(const PartFactors& factors, const float* later,
                                   int64_t later_next) {
  LoadRowPart<kBothRows>(factors, 2);  // l h
  LoadColumnPart(factors, 0);
  MultiplyLoaded<kBothRows>();
  FetchPart(later, later_next, 0);
  LoadRowPart<kBothRows>(factors, 1);  // m h
  MultiplyLoaded<kBothRows>();
  LoadColumnPart(factors, 1);  // m m
  MultiplyLoaded<kBothRows>();
  FetchPart(later, later_next, 1);
  LoadRowPart<kBothRows>(factors, 0);  // h m
  MultiplyLoaded<kBothRows>();
  FetchPart(later, later_next, 2);
  LoadColumnPart(factors, 2);  // h l
  MultiplyLoaded<kBothRows>();
}

// One step of the products of the first parts, to come after all the others: so the large terms of
// a sum are rounded as seldom as in a sum of whole products.
template <bool kBothRows>
HWY_INLINE void MultiplyFirstParts(const PartFactors& factors) {
  LoadRowPart<kBothRows>(factors, 0);
  LoadColumnPart(factors, 0);
  MultiplyLoaded<kBothRows>();
}

// One step of all products, those of the first parts last, for sums so deep that the order of steps
// is of no account. Fetches as MultiplySmallParts does, which leaves the rows' first parts loaded.
template <bool kBothRows>
HWY_INLINE void MultiplyAllParts(const PartFactors& factors, const float* later,
                                 int64_t later_next) {
  MultiplySmallParts<kBothRows>(factors, later, later_next);
  LoadColumnPart(factors, 0);
  MultiplyLoaded<kBothRows>();
}

// Sums to go on from; `stride` 0: one row for all.
template <bool kBothRows>
HWY_INLINE void LoadSums(const float* from, int64_t stride) {
  const auto bytes = static_cast<size_t>(stride) * sizeof(float);
  _tile_loadd(0, from, bytes);
  _tile_loadd(1, from + kPartRows, bytes);
  if constexpr (kBothRows) {
    _tile_loadd(2, from + kPartRows * stride, bytes);
    _tile_loadd(3, from + kPartRows * stride + kPartRows, bytes);
  }
}

template <bool kBothRows>
HWY_INLINE void ClearSums() {
  _tile_zero(0);
  _tile_zero(1);
  if constexpr (kBothRows) {
    _tile_zero(2);
    _tile_zero(3);
  }
}

template <bool kBothRows>
HWY_INLINE void StoreSums(float* to, int64_t stride) {
  const auto bytes = static_cast<size_t>(stride) * sizeof(float);
  _tile_stored(0, to, bytes);
  _tile_stored(1, to + kPartRows, bytes);
  if constexpr (kBothRows) {
    _tile_stored(2, to + kPartRows * stride, bytes);
    _tile_stored(3, to + kPartRows * stride + kPartRows, bytes);
  }
  for (int64_t r = 0; r < (kBothRows ? 2 : 1) * kPartRows; ++r) {
    MASKPROOF_UNPOISON(to + r * stride, 2 * kPartRows * sizeof(float));
  }
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET

#endif
