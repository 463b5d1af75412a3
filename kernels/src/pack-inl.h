// Keys and values of one tile of a head, brought into the order in which the tile is multiplied.
#include <algorithm>
#include <cstdint>

#include "core_kernels.h"
#include "gemm-inl.h"
#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "sizes.h"
#include "transpose-inl.h"
#include "vector-inl.h"

#if defined(MASKPROOF_KERNELS_SRC_PACK_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKPROOF_KERNELS_SRC_PACK_INL_H_
#undef MASKPROOF_KERNELS_SRC_PACK_INL_H_
#else
#define MASKPROOF_KERNELS_SRC_PACK_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

// Where the values of a tile are read.
struct TileValues {
  const float* data;
  int64_t column_stride;  // of data, for each column at which a panel begins
  bool in_place;          // else packed: the keys of a panel stand its width apart
  int64_t key_stride;     // in place; any number, 0 included
  const uint8_t* finite;  // whether all are finite numbers; null: not known

  // Of the panel that begins with a column. The last one has the columns that are left.
  int64_t Width(int64_t column, int64_t value_stride, bool wide) const {
    const int64_t in_place_width = wide ? kInPlaceVectors * FloatLanes() : PanelColumns();
    return std::min(in_place ? in_place_width : CorePanelColumns(), value_stride - column);
  }
  const float* Panel(int64_t column) const { return data + column * column_stride; }
  int64_t KeyStride(int64_t width) const { return in_place ? key_stride : width; }
};

HWY_INLINE TileValues ValuesOf(const CoreProblem& problem, const PackedTile& packed) {
  return {.data = packed.values,
          .column_stride = TileCapacity(problem.geometry.keys),
          .in_place = false,
          .key_stride = 0,
          .finite = packed.finite};
}

// The caller's own rows, of whole vectors.
HWY_INLINE TileValues ValuesInPlace(const CoreProblem& problem, int64_t batch, int64_t head,
                                    int64_t tile) {
  return {.data = problem.ValueRow(batch, head, tile * kTileKeys),
          .column_stride = 1,
          .in_place = true,
          .key_stride = problem.value.row_stride,
          .finite = nullptr};
}

// The panel of `panel` keys that begins with key `t`. Keys up to `end` are wanted afterwards.
HWY_INLINE void PackKeyPanel(const CoreProblem& problem, int64_t batch, int64_t head, int64_t t,
                             int64_t end, int64_t panel, float* to) {
  const int64_t depth = problem.geometry.head_size;
  const int64_t count = std::min(panel, problem.geometry.keys - t);
  if (count < panel) std::fill(to, to + panel * depth, 0.0F);
  Transpose({.data = problem.KeyRow(batch, head, t), .stride = problem.key.row_stride}, count,
            depth, {.data = to, .stride = panel}, std::min(panel, end - t - count));
}

HWY_INLINE void PackKeys(const CoreProblem& problem, int64_t batch, int64_t head, KeyInterval keys,
                         float* packed) {
  const int64_t panel = CorePanelColumns();
  const int64_t first = RoundDown(keys.begin, kTileKeys);
  for (int64_t t = RoundDown(keys.begin, panel); t < keys.end; t += panel) {
    PackKeyPanel(problem, batch, head, t, keys.end, panel,
                 packed + (t - first) * problem.geometry.head_size);
  }
}

inline constexpr int64_t kAheadRows = 24;

// And whether all of them are finite. Nothing if they stay in place.
HWY_INLINE void PackValues(const CoreProblem& problem, int64_t batch, int64_t head,
                           KeyInterval keys, const PackedTile& packed) {
  if (packed.values == nullptr) return;
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  const int64_t columns = problem.geometry.value_head_size;
  const int64_t stride = RoundUp(columns, lanes);
  const int64_t capacity = TileCapacity(problem.geometry.keys);
  const int64_t first = RoundDown(keys.begin, kTileKeys);
  FloatVector poison = hn::Zero(d);  // turns NaN with the first value that is not finite
  for (int64_t t = keys.begin; t < keys.end; ++t) {
    const float* const row = problem.ValueRow(batch, head, t);
    // Rows far apart are no pattern that the processor would see through.
    const int64_t ahead = t + kAheadRows < keys.end ? kAheadRows * problem.value.row_stride : 0;
    for (int64_t column = 0; column < stride; column += CorePanelColumns()) {
      const int64_t width = std::min(CorePanelColumns(), stride - column);
      float* to = packed.values + capacity * column + (t - first) * width;
      for (int64_t c = column; c < column + width; c += lanes, to += lanes) {
        hwy::Prefetch(row + c + ahead);
        const FloatVector v = LoadPartial(row + c, columns - c);
        poison = hn::MulAdd(v, hn::Zero(d), poison);
        hn::Store(v, d, to);
      }
    }
  }
  *packed.finite = hn::AllTrue(d, hn::Eq(poison, poison)) ? 1 : 0;
}

// What the mask of the batch leaves of a tile; empty if begin >= end.
HWY_INLINE KeyInterval KeptOfTile(const CoreProblem& problem, int64_t batch, int64_t tile) {
  const KeyInterval kept = problem.mask->BatchInterval(batch);
  return {.begin = std::max(kept.begin, tile * kTileKeys),
          .end = std::min(kept.end, (tile + 1) * kTileKeys)};
}

HWY_INLINE void PackTile(const CoreProblem& problem, int64_t batch, int64_t head, int64_t tile,
                         const PackedTile& packed) {
  const KeyInterval keys = KeptOfTile(problem, batch, tile);
  if (keys.begin < keys.end) PackKeys(problem, batch, head, keys, packed.keys);
  PackValues(problem, batch, head, keys, packed);
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
