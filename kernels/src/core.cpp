// Tiles of attention: dot products, weights, weighted sums. Compiled once per SIMD target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "accumulate-inl.h"
#include "core_kernels.h"
#include "dispatch.h"
#include "gemm-inl.h"
#include "hwy/highway.h"
#include "sizes.h"
#include "softmax-inl.h"
#include "vector-inl.h"
#include "visible_row.h"

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {
namespace {

// What the functions below need to know of a tile again and again.
struct TileView {
  const CoreProblem& problem;
  const Tile& tile;
  int64_t score_stride;
  int64_t value_stride;
  KeyInterval keys;  // seen by some row
};

// The panel of keys that starts at `first`: [head_size][panel], with zeros for keys past the end.
void PackPanel(const CoreProblem& problem, int64_t batch, int64_t head, int64_t first,
               float* HWY_RESTRICT packed) {
  const int64_t panel = PanelColumns();
  const int64_t depth = problem.geometry.head_size;
  for (int64_t j = 0; j < panel; ++j) {
    if (first + j < problem.geometry.keys) {
      const float* const row = problem.key.Row(batch, head, first + j);
      for (int64_t k = 0; k < depth; ++k) packed[k * panel + j] = row[k];
    } else {
      for (int64_t k = 0; k < depth; ++k) packed[k * panel + j] = 0.0F;
    }
  }
}

void PackHead(const CoreProblem& problem, int64_t batch, int64_t head, KeyInterval keys,
              const PackedHead& packed) {
  const int64_t panel = PanelColumns();
  for (int64_t t = RoundDown(keys.begin, panel); t < keys.end; t += panel) {
    PackPanel(problem, batch, head, t, packed.keys + t * problem.geometry.head_size);
  }
  const int64_t columns = problem.geometry.value_head_size;
  const int64_t stride = RoundUp(columns, FloatLanes());
  for (int64_t t = keys.begin; t < keys.end; ++t) {
    float* const row = packed.values + t * stride;
    std::memcpy(row, problem.value.Row(batch, head, t),
                static_cast<size_t>(columns) * sizeof(float));
    std::fill(row + columns, row + stride, 0.0F);
  }
}

// Bits of the keys whose bias is not -infinity.
void PackUnmasked(const float* bias, int64_t keys, uint64_t* words) {
  const FloatTag d;
  const FloatVector masking = hn::Set(d, -std::numeric_limits<float>::infinity());
  const int64_t lanes = FloatLanes();
  for (int64_t first = 0; first < keys; first += kKeysPerWord) {
    uint64_t word = 0;
    const int64_t end = std::min(first + kKeysPerWord, keys);
    for (int64_t t = first; t < end; t += lanes) {
      uint8_t bytes[8] = {};
      // Not Ne: on some targets that is false for NaN, which would mask the key.
      const auto masked = hn::Eq(LoadPartial(bias + t, keys - t), masking);
      hn::StoreMaskBits(d, hn::Not(masked), bytes);
      uint64_t bits = 0;
      for (int i = 0; i < 8; ++i) bits |= static_cast<uint64_t>(bytes[i]) << (8 * i);
      word |= (bits & LowBits(lanes)) << (t - first);
    }
    words[first / kKeysPerWord] = word;
  }
}

// Sets tile.visible, and gives the keys seen by any row.
KeyInterval FindVisible(const CoreProblem& problem, const Tile& tile) {
  const MaskPlan& mask = *problem.mask;
  uint64_t* const bias_bits = tile.bits + tile.rows * mask.words();
  KeyInterval all{.begin = problem.geometry.keys, .end = 0};
  for (int64_t r = 0; r < tile.rows; ++r) {
    const int64_t query = tile.first_row + r;
    const KeyInterval interval = mask.RowInterval(tile.batch, query);
    const float* const bias = problem.BiasRow(tile.batch, tile.head, query);
    if (bias != nullptr) PackUnmasked(bias, problem.geometry.keys, bias_bits);
    tile.visible[r] =
        MakeVisibleRow(interval.begin, interval.end, mask.Bits(tile.batch, query),
                       bias == nullptr ? nullptr : bias_bits, tile.bits + r * mask.words());
    if (tile.visible[r].empty()) continue;
    all.begin = std::min(all.begin, tile.visible[r].begin);
    all.end = std::max(all.end, tile.visible[r].end);
  }
  return all;
}

// Dot products of all rows with the panels that they see a key of.
void MultiplyKeys(const TileView& view) {
  const Tile& tile = view.tile;
  const int64_t panel = PanelColumns();
  const int64_t depth = view.problem.geometry.head_size;
  for (int64_t t = RoundDown(view.keys.begin, panel); t < view.keys.end; t += panel) {
    const int64_t word = t / kKeysPerWord;
    const uint64_t in_panel = LowBits(panel) << (t % kKeysPerWord);
    for (int64_t r = 0; r < tile.rows; r += kGemmRows) {
      const int64_t count = std::min(kGemmRows, tile.rows - r);
      uint64_t visible = 0;
      for (int64_t i = 0; i < count; ++i) visible |= VisibleWord(tile.visible[r + i], word);
      if ((visible & in_panel) == 0) continue;
      const GemmRows rows{
          .a = view.problem.query.Row(tile.batch, tile.head, tile.first_row + r),
          .a_stride = view.problem.query.row_stride,
          .c = tile.scores + r * view.score_stride + t,
          .c_stride = view.score_stride,
      };
      MultiplyPanel(rows, count, tile.packed.keys + t * depth, depth, /*accumulate=*/false);
    }
  }
}

void WeighKeys(const TileView& view) {
  const Tile& tile = view.tile;
  const CoreProblem& problem = view.problem;
  for (int64_t r = 0; r < tile.rows; ++r) {
    const VisibleRow& row = tile.visible[r];
    if (row.empty()) continue;
    float* const x = tile.scores + r * view.score_stride;
    const float* const bias = problem.BiasRow(tile.batch, tile.head, tile.first_row + r);
    WeighRow(row, ScoreRow(row, problem.scale, bias, problem.geometry.keys, x), x);
  }
}

void MultiplyValues(const TileView& view) {
  const Tile& tile = view.tile;
  // -0 and not +0 is what leaves every number as it is: a row that sees one key is that key's value
  // to the bit.
  std::fill(tile.sums, tile.sums + tile.rows * view.value_stride, -0.0F);
  for (int64_t word = view.keys.begin / kKeysPerWord; word * kKeysPerWord < view.keys.end; ++word) {
    for (int64_t r = 0; r < tile.rows; r += kSumRows) {
      const int64_t count = std::min(kSumRows, tile.rows - r);
      uint64_t visible[kSumRows] = {};
      for (int64_t i = 0; i < count; ++i) visible[i] = VisibleWord(tile.visible[r + i], word);
      const SumRows rows{
          .weights = tile.scores + r * view.score_stride,
          .weight_stride = view.score_stride,
          .values = tile.packed.values,
          .value_stride = view.value_stride,
          .sums = tile.sums + r * view.value_stride,
      };
      AddVisibleWord(rows, count, visible, word * kKeysPerWord);
    }
  }
}

// The mean of all values of the head. In double: no sum of floats overflows there, and the result
// is rounded once.
void ComputeMean(const CoreProblem& problem, const Tile& tile) {
  const Geometry& g = problem.geometry;
  std::fill(tile.mean, tile.mean + g.value_head_size, 0.0);
  for (int64_t t = 0; t < g.keys; ++t) {
    const float* const value = problem.value.Row(tile.batch, tile.head, t);
    for (int64_t c = 0; c < g.value_head_size; ++c) {
      tile.mean[c] += static_cast<double>(value[c]);
    }
  }
  for (int64_t c = 0; c < g.value_head_size; ++c) tile.mean[c] /= static_cast<double>(g.keys);
}

void StoreRow(const float* from, int64_t columns, float* to) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  int64_t c = 0;
  for (; c + lanes <= columns; c += lanes) {
    hn::StoreU(CanonicalNaN(hn::Load(d, from + c)), d, to + c);
  }
  if (c == columns) return;
  HWY_ALIGN float tail[kMostLanes];
  hn::Store(CanonicalNaN(hn::Load(d, from + c)), d, tail);
  std::memcpy(to + c, tail, static_cast<size_t>(columns - c) * sizeof(float));
}

void StoreRows(const TileView& view) {
  const Tile& tile = view.tile;
  const int64_t columns = view.problem.geometry.value_head_size;
  bool has_mean = false;
  for (int64_t r = 0; r < tile.rows; ++r) {
    float* const sums = tile.sums + r * view.value_stride;
    if (tile.visible[r].empty()) {
      const bool uniform = view.problem.fully_masked == FullyMaskedPolicy::kUniform;
      if (uniform && !has_mean) ComputeMean(view.problem, tile);
      has_mean = has_mean || uniform;
      for (int64_t c = 0; c < columns; ++c) {
        sums[c] = uniform ? static_cast<float>(tile.mean[c]) : 0.0F;
      }
    }
    StoreRow(sums, columns, view.problem.output.Row(tile.batch, tile.head, tile.first_row + r));
  }
}

void RunTile(const CoreProblem& problem, const Tile& tile) {
  const TileView view{
      .problem = problem,
      .tile = tile,
      .score_stride = RoundUp(problem.geometry.keys, PanelColumns()),
      .value_stride = RoundUp(problem.geometry.value_head_size, FloatLanes()),
      .keys = FindVisible(problem, tile),
  };
  MultiplyKeys(view);
  WeighKeys(view);
  MultiplyValues(view);
  StoreRows(view);
}

const CoreKernels& Kernels() {
  static const CoreKernels kernels{
      .panel = PanelColumns(), .lanes = FloatLanes(), .pack = PackHead, .run = RunTile};
  return kernels;
}

}  // namespace

const CoreKernels& GetCoreKernels() { return Kernels(); }

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace maskproof::kernels {
namespace {
HWY_EXPORT(GetCoreKernels);
}  // namespace

const CoreKernels& CoreKernelsFor(int64_t target) {
  return MASKPROOF_FOR_TARGET(GetCoreKernels, target)();
}

}  // namespace maskproof::kernels
#endif  // HWY_ONCE
