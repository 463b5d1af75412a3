// The float32 matrix product under the projection, the scores and the weighted sums: some rows
// times one packed panel, one to four vectors wide. Every element is one chain of multiply-adds
// over the depth, in order, in a lane of its own: its bits depend on its row and its column and on
// nothing else.
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "sizes.h"
#include "vector-inl.h"

#if defined(MASKPROOF_KERNELS_SRC_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKPROOF_KERNELS_SRC_GEMM_INL_H_
#undef MASKPROOF_KERNELS_SRC_GEMM_INL_H_
#else
#define MASKPROOF_KERNELS_SRC_GEMM_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

// Rows of a register tile: as many as the registers hold beside the panel's two vectors and one
// factor. (Vectors without a fixed size, which cannot be kept in arrays, are left out by the
// build.)
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
inline constexpr int64_t kGemmRows = 14;  // 32 registers
#elif HWY_ARCH_ARM_A64
inline constexpr int64_t kGemmRows = 12;  // 32 registers; multiplies by a lane of a loaded vector
#elif HWY_TARGET == HWY_AVX2
inline constexpr int64_t kGemmRows = 6;  // 16 registers
#else
inline constexpr int64_t kGemmRows = 4;
#endif

// The same for a panel of `vectors` of them.
constexpr int64_t TileRows(int vectors) {
  constexpr int64_t kRegisters = 2 * kGemmRows + 3;
  return vectors <= 2 ? kGemmRows : (kRegisters - 1 - vectors) / vectors;
}

// The attention core: vectors of a packed panel, and rows of a block. A tile that is wide and flat
// loads less for each multiply-add (10 times for 24, where 14 rows of two vectors take 16 for 28),
// which is faster where another thread uses the same core (docs/benchmarks.md).
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
inline constexpr int kPanelVectors = 4;
#else
inline constexpr int kPanelVectors = 2;
#endif
inline constexpr int64_t kBlockRows = RoundDown(kGemmRows, TileRows(kPanelVectors));
// Vectors of a panel that is read where it stands: long pieces of a few rows.
inline constexpr int kInPlaceVectors = 4;

// Whether to ask for what comes next of packed rows and panels: they stream from the second-level
// cache, and wide vectors are through them faster than the processor fetches of its own accord. The
// load units have the time.
inline constexpr bool kPrefetches = HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL;
inline constexpr int64_t kAheadDepths = 16;

// Brings the line of an address into the second-level cache.
HWY_INLINE void FetchForLater(const float* address) {
  __builtin_prefetch(address, /*rw=*/0, /*locality=*/2);
}

// Rows of a register tile if `rows` are to be as few tiles as possible, all alike: a tile of few
// rows takes almost as long as one of many.
constexpr int64_t EvenRows(int64_t rows) { return EvenParts(rows, kGemmRows); }

// Rows of a block of the attention core: much alike, and of whole register tiles if there is more
// than one block.
constexpr int64_t RowsOfBlock(int64_t rows) {
  const int64_t even = EvenParts(rows, kBlockRows);
  return even == rows || kBlockRows == TileRows(kPanelVectors)
             ? even
             : RoundUp(even, TileRows(kPanelVectors));
}

HWY_INLINE int64_t PanelColumns() { return 2 * FloatLanes(); }
HWY_INLINE int64_t CorePanelColumns() { return kPanelVectors * FloatLanes(); }

// Where a[r][k] stands. The distances are constants, so that one pointer serves all rows of a tile.
template <int64_t kRowDistance, int64_t kDepthDistance>
struct Factor {
  static constexpr int64_t kRow = kRowDistance;
  static constexpr int64_t kDepth = kDepthDistance;
};
// Rows of a tile beside each other, filled up to whole vectors: what Transpose() makes of a
// tensor's rows.
inline constexpr int64_t kPackedRows =
    RoundUp(kGemmRows, static_cast<int64_t>(hn::MaxLanes(FloatTag())));
using PackedFactor = Factor<1, kPackedRows>;

struct Product {
  const float* a;      // by a Factor
  const float* panel;  // [depth], panel_stride apart
  int64_t panel_stride;
  int64_t depth;         // may be 0
  const float* initial;  // rows of a panel, aligned: what the chains begin with
  int64_t initial_stride;
  float* c;  // rows of a panel, aligned; may be `initial`
  int64_t c_stride;
  bool canonical;  // whether every NaN is to be the same
  // What is wanted next, to be fetched meanwhile if there are many rows: a line of it for every
  // `later_depths` of the depth.
  const float* later = nullptr;
  int64_t later_depths = std::numeric_limits<int64_t>::max();
};

// c = initial + a * panel for kRows rows and a panel of kVectors vectors.
template <typename A, int kRows, int kVectors>
HWY_NOINLINE void MultiplyTile(const Product& product) {
  constexpr bool kManyRows = kRows > kGemmRows / 2;
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  FloatVector sums[kRows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      sums[r][v] = hn::Load(d, product.initial + r * product.initial_stride + v * lanes);
    }
  }
  const float* HWY_RESTRICT a = product.a;
  const float* HWY_RESTRICT panel = product.panel;
  [[maybe_unused]] const float* later = product.later;
  [[maybe_unused]] int64_t until_later = product.later_depths;
  for (int64_t k = 0; k < product.depth; ++k) {
    FloatVector b[kVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) b[v] = hn::LoadU(d, panel + v * lanes);
    if constexpr (kPrefetches && (kManyRows || kVectors == 4)) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) {
        hwy::Prefetch(panel + kAheadDepths * product.panel_stride + v * lanes);
      }
      if constexpr (A::kDepth > 1 && kVectors < 4) hwy::Prefetch(a + kAheadDepths * A::kDepth);
    }
    if constexpr (kManyRows) {
      if (--until_later == 0) {
        FetchForLater(later);
        later += kLineFloats;
        until_later = product.later_depths;
      }
    }
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const FloatVector x = hn::Set(d, a[r * A::kRow]);
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] = hn::MulAdd(x, b[v], sums[r][v]);
    }
    a += A::kDepth;
    panel += product.panel_stride;
  }
  if (product.canonical) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
      for (int v = 0; v < kVectors; ++v) sums[r][v] = CanonicalNaN(sums[r][v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) {
      hn::Store(sums[r][v], d, product.c + r * product.c_stride + v * lanes);
    }
  }
}

using MultiplyFunction = void (*)(const Product& product);

template <typename A, int kVectors, size_t... kIndices>
constexpr std::array<MultiplyFunction, sizeof...(kIndices)> MultiplyByRows(
    std::index_sequence<kIndices...> /*indices*/) {
  return {&MultiplyTile<A, static_cast<int>(kIndices) + 1, kVectors>...};
}

// The same for a number of rows from 1 to TileRows(kVectors) that is only known now.
template <typename A, int kVectors>
HWY_INLINE void MultiplyRows(const Product& product, int64_t rows) {
  static constexpr auto kByRows =
      MultiplyByRows<A, kVectors>(std::make_index_sequence<TileRows(kVectors)>());
  kByRows[static_cast<size_t>(rows - 1)](product);
}

// The same for any number of rows.
template <typename A, int kVectors>
HWY_INLINE void MultiplyBlock(Product product, int64_t rows) {
  const int64_t step = EvenParts(rows, TileRows(kVectors));
  for (; rows > step; rows -= step) {
    MultiplyRows<A, kVectors>(product, step);
    product.a += step * A::kRow;
    product.initial += step * product.initial_stride;
    product.c += step * product.c_stride;
  }
  MultiplyRows<A, kVectors>(product, rows);
}

// And for a panel of 1 to kMostVectors vectors.
template <typename A, int kMostVectors>
HWY_INLINE void MultiplyBlock(const Product& product, int64_t rows, int64_t vectors) {
  if constexpr (kMostVectors > 1) {
    if (vectors < kMostVectors) {
      MultiplyBlock<A, kMostVectors - 1>(product, rows, vectors);
      return;
    }
  }
  MultiplyBlock<A, kMostVectors>(product, rows);
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
