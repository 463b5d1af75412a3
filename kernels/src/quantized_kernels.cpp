// Exact products of 8-bit numbers less their zero points. Compiled once per SIMD target.
//
// x - zx and w - zw are within [-255, 255]: they fit an int16, their products and the sum of two
// products fit an int32. Nothing saturates and nothing wraps around, on any target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quantized_kernels.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "dispatch.h"
#include "hwy/highway.h"
#include "quantized_projection.h"
#include "vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {
namespace {

constexpr int64_t kTileRows = 4;

// `count` lanes from bytes, the rest zeros.
template <typename Byte>
HWY_INLINE IntVector LoadBytes(const Byte* from, int64_t count) {
  const IntTag d;
  const hn::Rebind<Byte, IntTag> bytes;
  if (count >= FloatLanes()) return hn::PromoteTo(d, hn::LoadU(bytes, from));
  HWY_ALIGN Byte buffer[kMostLanes] = {};
  if (count > 0) std::memcpy(buffer, from, static_cast<size_t>(count));
  return hn::PromoteTo(d, hn::LoadU(bytes, buffer));
}

template <typename Byte>
void PackWeights(const QuantizedPanel& panel, int32_t* HWY_RESTRICT packed) {
  const IntTag d;
  const int64_t lanes = FloatLanes();
  const IntVector low_half = hn::Set(d, 0xFFFF);
  const auto* const weights = static_cast<const Byte*>(panel.weights);
  for (int64_t k = 0; k < panel.depth; k += 2) {
    const Byte* const even_row = weights + k * panel.columns + panel.first_column;
    const Byte* const odd_row = k + 1 < panel.depth ? even_row + panel.columns : nullptr;
    for (int64_t half = 0; half < 2 * lanes; half += lanes) {
      const int64_t left = std::max<int64_t>(panel.columns - panel.first_column - half, 0);
      const int64_t at = left > 0 ? half : 0;
      const IntVector zero = hn::LoadU(d, panel.zero_points + panel.first_column + half);
      const IntVector even = hn::Sub(LoadBytes(even_row + at, left), zero);
      const IntVector odd =
          odd_row == nullptr ? hn::Zero(d) : hn::Sub(LoadBytes(odd_row + at, left), zero);
      hn::Store(hn::Or(hn::And(even, low_half), hn::ShiftLeft<16>(odd)), d, packed);
      packed += lanes;
    }
  }
}

void PackPanel(const QuantizedPanel& panel, int32_t* packed) {
  if (panel.is_signed) return PackWeights<int8_t>(panel, packed);
  return PackWeights<uint8_t>(panel, packed);
}

// Adds the products of one pair per lane to a total that is kept in two vectors, because some
// instruction sets multiply the two halves of a vector apart.
HWY_INLINE void AddPairs(IntVector x, IntVector w, IntVector& sum0, IntVector& sum1) {
#if HWY_TARGET == HWY_SCALAR
  const IntVector even =
      hn::Mul(hn::ShiftRight<16>(hn::ShiftLeft<16>(x)), hn::ShiftRight<16>(hn::ShiftLeft<16>(w)));
  const IntVector odd = hn::Mul(hn::ShiftRight<16>(x), hn::ShiftRight<16>(w));
  sum0 = hn::Add(sum0, even);
  sum1 = hn::Add(sum1, odd);
#else
  const IntTag d;
  const hn::Repartition<int16_t, IntTag> d16;
  sum0 = hn::ReorderWidenMulAccumulate(d, hn::BitCast(d16, x), hn::BitCast(d16, w), sum0, sum1);
#endif
}

HWY_INLINE IntVector TotalOf(IntVector sum0, IntVector sum1) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Add(sum0, sum1);
#else
  return hn::RearrangeToOddPlusEven(sum0, sum1);
#endif
}

// Totals of up to kExactPairs pairs, for kRows rows and one panel.
template <int kRows>
HWY_INLINE void MultiplyRows(const int32_t* x, int64_t x_stride, const int32_t* HWY_RESTRICT w,
                             int64_t pairs, int32_t* totals) {
  const IntTag d;
  const int64_t lanes = FloatLanes();
  const int32_t* const x0 = x;
  const int32_t* const x1 = x + (kRows > 1 ? 1 : 0) * x_stride;
  const int32_t* const x2 = x + (kRows > 2 ? 2 : 0) * x_stride;
  const int32_t* const x3 = x + (kRows > 3 ? 3 : 0) * x_stride;
  IntVector a00 = hn::Zero(d);
  IntVector b00 = a00;
  IntVector a01 = a00;
  IntVector b01 = a00;
  IntVector a10 = a00;
  IntVector b10 = a00;
  IntVector a11 = a00;
  IntVector b11 = a00;
  IntVector a20 = a00;
  IntVector b20 = a00;
  IntVector a21 = a00;
  IntVector b21 = a00;
  IntVector a30 = a00;
  IntVector b30 = a00;
  IntVector a31 = a00;
  IntVector b31 = a00;
  for (int64_t k = 0; k < pairs; ++k) {
    const IntVector w0 = hn::Load(d, w);
    const IntVector w1 = hn::Load(d, w + lanes);
    w += 2 * lanes;
    const IntVector v0 = hn::Set(d, x0[k]);
    AddPairs(v0, w0, a00, b00);
    AddPairs(v0, w1, a01, b01);
    if constexpr (kRows > 1) {
      const IntVector v1 = hn::Set(d, x1[k]);
      AddPairs(v1, w0, a10, b10);
      AddPairs(v1, w1, a11, b11);
    }
    if constexpr (kRows > 2) {
      const IntVector v2 = hn::Set(d, x2[k]);
      AddPairs(v2, w0, a20, b20);
      AddPairs(v2, w1, a21, b21);
    }
    if constexpr (kRows > 3) {
      const IntVector v3 = hn::Set(d, x3[k]);
      AddPairs(v3, w0, a30, b30);
      AddPairs(v3, w1, a31, b31);
    }
  }
  hn::Store(TotalOf(a00, b00), d, totals);
  hn::Store(TotalOf(a01, b01), d, totals + lanes);
  if constexpr (kRows > 1) hn::Store(TotalOf(a10, b10), d, totals + 2 * lanes);
  if constexpr (kRows > 1) hn::Store(TotalOf(a11, b11), d, totals + 3 * lanes);
  if constexpr (kRows > 2) hn::Store(TotalOf(a20, b20), d, totals + 4 * lanes);
  if constexpr (kRows > 2) hn::Store(TotalOf(a21, b21), d, totals + 5 * lanes);
  if constexpr (kRows > 3) hn::Store(TotalOf(a30, b30), d, totals + 6 * lanes);
  if constexpr (kRows > 3) hn::Store(TotalOf(a31, b31), d, totals + 7 * lanes);
}

HWY_INLINE void Multiply(const int32_t* x, int64_t x_stride, int64_t rows, const int32_t* w,
                         int64_t pairs, int32_t* totals) {
  switch (rows) {
    case 1:
      return MultiplyRows<1>(x, x_stride, w, pairs, totals);
    case 2:
      return MultiplyRows<2>(x, x_stride, w, pairs, totals);
    case 3:
      return MultiplyRows<3>(x, x_stride, w, pairs, totals);
    default:
      return MultiplyRows<4>(x, x_stride, w, pairs, totals);
  }
}

constexpr int64_t kTileSize = kTileRows * 2 * kMostLanes;

// Totals of any number of pairs, each rounded to float once.
void TotalsAsFloat(const int32_t* x, int64_t x_stride, int64_t rows, const int32_t* w,
                   int64_t pairs, float* totals) {
  const FloatTag df;
  const IntTag d;
  const int64_t lanes = FloatLanes();
  const int64_t count = rows * 2 * lanes;
  HWY_ALIGN int32_t block[kTileSize];
  if (pairs <= kExactPairs) {
    Multiply(x, x_stride, rows, w, pairs, block);
    for (int64_t i = 0; i < count; i += lanes) {
      hn::Store(hn::ConvertTo(df, hn::Load(d, block + i)), df, totals + i);
    }
    return;
  }
  int64_t exact[kTileSize] = {};
  for (int64_t k = 0; k < pairs; k += kExactPairs) {
    Multiply(x + k, x_stride, rows, w + k * 2 * lanes, std::min(kExactPairs, pairs - k), block);
    for (int64_t i = 0; i < count; ++i) exact[i] += block[i];
  }
  for (int64_t i = 0; i < count; ++i) totals[i] = static_cast<float>(exact[i]);
}

void ProjectPanel(const QuantizedProblem& problem, int64_t first_row, int64_t last_row,
                  int64_t panel_index) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  const int64_t column = panel_index * 2 * lanes;
  const int32_t* const w = problem.weight_pairs + panel_index * problem.pairs * 2 * lanes;
  HWY_ALIGN float totals[kTileSize];
  for (int64_t row = first_row; row < last_row; row += kTileRows) {
    const int64_t rows = std::min(kTileRows, last_row - row);
    TotalsAsFloat(problem.input_pairs + row * problem.pairs, problem.pairs, rows, w, problem.pairs,
                  totals);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t half = 0; half < 2 * lanes; half += lanes) {
        const FloatVector total = hn::Load(d, totals + r * 2 * lanes + half);
        const FloatVector scaled = hn::Mul(total, hn::Load(d, problem.multipliers + column + half));
        const FloatVector result = hn::Add(scaled, hn::Load(d, problem.bias + column + half));
        hn::Store(CanonicalNaN(result), d,
                  problem.projected + (row + r) * problem.stride + column + half);
      }
    }
  }
}

}  // namespace

const QuantizedKernels& GetQuantizedKernels() {
  static const QuantizedKernels kernels{
      .panel = 2 * FloatLanes(), .pack = PackPanel, .project = ProjectPanel};
  return kernels;
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace maskproof::kernels {
namespace {
HWY_EXPORT(GetQuantizedKernels);
}  // namespace

const QuantizedKernels& QuantizedKernelsFor(int64_t target) {
  return MASKPROOF_FOR_TARGET(GetQuantizedKernels, target)();
}

}  // namespace maskproof::kernels
#endif  // HWY_ONCE
