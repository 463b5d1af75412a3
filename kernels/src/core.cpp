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

#include "block_mask.h"
#include "core_kernels.h"
#include "dispatch.h"
#include "divide-inl.h"
#include "gemm-inl.h"
#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "pack-inl.h"
#include "sizes.h"
#include "softmax-inl.h"
#include "transpose-inl.h"
#include "vector-inl.h"
#include "visible_row.h"

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {
namespace {

// A little more than a tile: with a power of two, the rows of a block would fall into the same few
// sets of the cache.
constexpr int64_t kScoreStride = kTileKeys + kMostLanes;
using ScoreFactor = Factor<kScoreStride, 1>;

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

// Sets the task's visible rows, and gives the keys seen by any of them.
KeyInterval FindVisible(const CoreProblem& problem, const CoreTask& task) {
  const MaskPlan& mask = *problem.mask;
  const CoreWorkspace& workspace = task.workspace;
  uint64_t* const bias_bits = workspace.bits + task.rows * mask.words();
  KeyInterval all{.begin = problem.geometry.keys, .end = 0};
  for (int64_t r = 0; r < task.rows; ++r) {
    const int64_t query = task.first_row + r;
    const KeyInterval interval = mask.RowInterval(task.batch, query);
    const float* const bias = problem.BiasRow(task.batch, task.head, query);
    if (bias != nullptr) PackUnmasked(bias, problem.geometry.keys, bias_bits);
    VisibleRow& row = workspace.visible[r];
    row = MakeVisibleRow(interval.begin, interval.end, mask.Bits(task.batch, query),
                         bias == nullptr ? nullptr : bias_bits, workspace.bits + r * mask.words());
    if (row.empty()) continue;
    all.begin = std::min(all.begin, row.begin);
    all.end = std::max(all.end, row.end);
  }
  return all;
}

// Of the block that begins with `row`.
RowStates StatesOf(const CoreTask& task, int64_t row) {
  const int64_t padded = DivideRoundingUp(task.rows, kBlockRows) * kPackedRows;
  float* const largest = task.workspace.state + row / RowsOfBlock(task.rows) * kPackedRows;
  return {.largest = largest, .totals = largest + padded};
}

// A block of rows of a task and a tile of keys.
struct BlockTile {
  const CoreProblem& problem;
  const CoreTask& task;
  int64_t row;  // of the task
  int64_t rows;
  int64_t tile;
  const float* keys;  // packed; null: every panel is packed when it comes to it
  TileValues values;
  BlockMask<kBlockRows> mask;

  int64_t value_stride() const { return RoundUp(problem.geometry.value_head_size, FloatLanes()); }
  float* scores() const { return task.workspace.scores; }
  float* sums() const { return task.workspace.sums + row * value_stride(); }
  RowStates states() const { return StatesOf(task, row); }
};

// The panel that begins with key `t` of the tile. One that is packed here is gone with the next.
const float* KeyPanel(const BlockTile& block, int64_t t) {
  if (block.keys != nullptr) return block.keys + t * block.problem.geometry.head_size;
  const CoreTask& task = block.task;
  float* const panel = task.workspace.tile.keys;
  const int64_t first = block.tile * kTileKeys;
  PackKeyPanel(block.problem, task.batch, task.head, first + t, first + block.mask.end,
               PanelColumns(), panel);
  return panel;
}

// Dot products of the rows with the panels that one of them sees a key of.
void MultiplyKeys(const BlockTile& block) {
  HWY_ALIGN static constexpr float kZeros[kPanelVectors * kMostLanes] = {};
  const int64_t panel = block.keys != nullptr ? CorePanelColumns() : PanelColumns();
  const int64_t depth = block.problem.geometry.head_size;
  const float* const queries =
      block.task.workspace.queries + block.row / RowsOfBlock(block.task.rows) * kPackedRows * depth;
  for (int64_t t = RoundDown(block.mask.begin, panel); t < block.mask.end; t += panel) {
    if (!block.mask.AnyIn(t, panel)) continue;
    // Of the first and the last panel, the vectors that are wanted.
    const int64_t begin = std::max(t, RoundDown(block.mask.begin, FloatLanes()));
    const int64_t columns = std::min(t + panel, block.mask.end) - begin;
    const Product product{.a = queries,
                          .panel = KeyPanel(block, t) + (begin - t),
                          .panel_stride = panel,
                          .depth = depth,
                          .initial = kZeros,
                          .initial_stride = 0,
                          .c = block.scores() + begin,
                          .c_stride = kScoreStride,
                          .canonical = false};
    MultiplyBlock<PackedFactor, kPanelVectors>(product, block.rows,
                                               DivideRoundingUp(columns, FloatLanes()));
  }
}

float PrepareScores(const ScoreRow& row) {
  if (row.seen == nullptr) {
    return row.bias == nullptr ? PrepareScores<false, false>(row) : PrepareScores<false, true>(row);
  }
  return row.bias == nullptr ? PrepareScores<true, false>(row) : PrepareScores<true, true>(row);
}

void ScaleSums(const BlockTile& block, int64_t row, float factor) {
  const FloatTag d;
  const FloatVector scale = hn::Set(d, factor);
  float* const sums = block.sums() + row * block.value_stride();
  for (int64_t c = 0; c < block.value_stride(); c += FloatLanes()) {
    hn::Store(hn::Mul(hn::Load(d, sums + c), scale), d, sums + c);
  }
}

// All rows together, step by step: what one row has to wait for, others fill.
void WeighKeys(const BlockTile& block) {
  const CoreProblem& problem = block.problem;
  const CoreTask& task = block.task;
  const int64_t lanes = FloatLanes();
  const BlockMask<kBlockRows>& mask = block.mask;
  const bool plain = mask.full && mask.begin % lanes == 0 && mask.end % lanes == 0;
  const int64_t first_key = block.tile * kTileKeys;
  ScoreRow row{.x = nullptr,
               .seen = nullptr,
               .begin = RoundDown(mask.begin, lanes),
               .end = mask.end,
               .scale = problem.scale,
               .bias = nullptr,
               .bias_end = problem.geometry.keys - first_key};
  HWY_ALIGN float here[kPackedRows] = {};
  HWY_ALIGN float shifts[kPackedRows];
  HWY_ALIGN float factors[kPackedRows];
  HWY_ALIGN float sums[kPackedRows] = {};
  bool products = false;
  for (int64_t r = 0; r < block.rows; ++r) {
    const float* const bias =
        problem.BiasRow(task.batch, task.head, task.first_row + block.row + r);
    row.x = block.scores() + r * kScoreStride;
    row.seen = plain ? nullptr : mask.row[r];
    row.bias = bias == nullptr ? nullptr : bias + first_key;
    products = row.AreProducts();
    here[r] = PrepareScores(row);
  }
  const RowStates states = block.states();
  ShiftRows(here, states, shifts, factors);
  const float scale = products ? problem.scale : 1.0F;
  const bool is_exact = IsPowerOfTwo(scale);
  for (int64_t r = 0; r < block.rows; ++r) {
    row.x = block.scores() + r * kScoreStride;
    sums[r] = is_exact ? Exponentials<true>(row, scale, shifts[r])
                       : Exponentials<false>(row, scale, shifts[r]);
  }
  AddTotals(factors, sums, states);
  for (int64_t r = 0; r < block.rows; ++r) {
    if (factors[r] != 1.0F) ScaleSums(block, r, factors[r]);
  }
}

// Adds the values of the keys [begin, end) by their weights, to `rows` rows from `first` on.
void AddValues(const BlockTile& block, int64_t first, int64_t rows, int64_t begin, int64_t end) {
  const int64_t stride = block.value_stride();
  // Long pieces, but what may come from memory once.
  const bool wide = !block.task.reads_once || rows <= TileRows(kInPlaceVectors);
  int64_t width = 0;
  for (int64_t column = 0; column < stride; column += width) {
    width = block.values.Width(column, stride, wide);
    const int64_t key_stride = block.values.KeyStride(width);
    float* const sums = block.sums() + first * stride + column;
    const Product product{.a = block.scores() + first * kScoreStride + begin,
                          .panel = block.values.Panel(column) + begin * key_stride,
                          .panel_stride = key_stride,
                          .depth = end - begin,
                          .initial = sums,
                          .initial_stride = stride,
                          .c = sums,
                          .c_stride = stride,
                          .canonical = false};
    MultiplyBlock<ScoreFactor, kInPlaceVectors>(product, rows, width / FloatLanes());
  }
}

// Calls visit(begin, end) for every run of ones.
template <typename Visit>
void ForEachRun(const uint64_t* words, const Visit& visit) {
  int64_t t = 0;
  while (t < kTileKeys) {
    const uint64_t left = words[t / kKeysPerWord] >> (t % kKeysPerWord);
    if (left == 0) {
      t = RoundDown(t, kKeysPerWord) + kKeysPerWord;
      continue;
    }
    const int64_t begin = t + std::countr_zero(left);
    t = begin;
    while (t < kTileKeys && ((words[t / kKeysPerWord] >> (t % kKeysPerWord)) & 1) != 0) ++t;
    visit(begin, t);
  }
}

// Of keys that some row does not see.
bool ValuesAreFinite(const BlockTile& block) {
  if (block.values.finite != nullptr) return *block.values.finite != 0;
  const FloatTag d;
  const BlockMask<kBlockRows>& mask = block.mask;
  FloatVector poison = hn::Zero(d);  // turns NaN with the first value that is not finite
  for (int64_t w = mask.begin / kKeysPerWord; w * kKeysPerWord < mask.end; ++w) {
    uint64_t left = ~mask.all[w] & IntervalWord(mask.begin, mask.end, w);
    for (; left != 0; left &= left - 1) {
      const int64_t t = w * kKeysPerWord + std::countr_zero(left);
      const float* const row = block.values.data + t * block.values.key_stride;
      for (int64_t c = 0; c < block.value_stride(); c += FloatLanes()) {
        poison = hn::MulAdd(hn::LoadU(d, row + c), hn::Zero(d), poison);
      }
    }
  }
  return hn::AllTrue(d, hn::Eq(poison, poison));
}

// A weight of 0 takes a finite value out of a sum without a trace, but 0 times infinity is NaN.
// Where both may meet, every row visits the keys that it sees and no other; the chains are the
// same.
void MultiplyValues(const BlockTile& block) {
  const BlockMask<kBlockRows>& mask = block.mask;
  if (!mask.full && !ValuesAreFinite(block)) {
    for (int64_t r = 0; r < block.rows; ++r) {
      ForEachRun(mask.row[r],
                 [&](int64_t begin, int64_t end) { AddValues(block, r, 1, begin, end); });
    }
    return;
  }
  // Words of which no row sees a key are left out.
  int64_t begin = mask.begin;
  while (begin < mask.end) {
    int64_t word = begin / kKeysPerWord;
    while (word < kTileWords && mask.any[word] != 0) ++word;
    const int64_t end = std::min(word * kKeysPerWord, mask.end);
    AddValues(block, 0, block.rows, begin, end);
    while (word < kTileWords && mask.any[word] == 0) ++word;
    begin = word * kKeysPerWord;
  }
}

// Packs for itself, or shares what is packed with other tasks.
void TakeTile(const CoreTask& task, BlockTile& block) {
  const CoreProblem& problem = block.problem;
  const PackedTile& packed = task.tiles == nullptr ? task.workspace.tile : task.tiles[block.tile];
  if (task.reads_once) {
    PackValues(problem, task.batch, task.head, KeptOfTile(problem, task.batch, block.tile), packed);
  } else {
    if (task.tiles == nullptr) PackTile(problem, task.batch, task.head, block.tile, packed);
    block.keys = packed.keys;
  }
  block.values = packed.values == nullptr
                     ? ValuesInPlace(problem, task.batch, task.head, block.tile)
                     : ValuesOf(problem, packed);
}

void RunTile(const CoreProblem& problem, const CoreTask& task, int64_t tile) {
  BlockTile block{.problem = problem,
                  .task = task,
                  .row = 0,
                  .rows = 0,
                  .tile = tile,
                  .keys = nullptr,
                  .values = {},
                  .mask = {}};
  TakeTile(task, block);
  const int64_t rows = RowsOfBlock(task.rows);
  for (; block.row < task.rows; block.row += rows) {
    block.rows = std::min(rows, task.rows - block.row);
    FindBlockMask(task.workspace.visible + block.row, block.rows, tile, block.mask);
    if (block.mask.end == 0) continue;
    MultiplyKeys(block);
    WeighKeys(block);
    MultiplyValues(block);
  }
}

// The mean of all values of the head. In double: no sum of floats overflows there, and the result
// is rounded once.
void ComputeMean(const CoreProblem& problem, const CoreTask& task) {
  const Geometry& g = problem.geometry;
  double* const mean = task.workspace.mean;
  std::fill(mean, mean + g.value_head_size, 0.0);
  for (int64_t t = 0; t < g.keys; ++t) {
    const float* const value = problem.ValueRow(task.batch, task.head, t);
    for (int64_t c = 0; c < g.value_head_size; ++c) mean[c] += static_cast<double>(value[c]);
  }
  for (int64_t c = 0; c < g.value_head_size; ++c) mean[c] /= static_cast<double>(g.keys);
}

// `from` is aligned and has whole vectors.
void StoreRow(const float* from, float divisor, int64_t columns, float* to) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  const FloatVector by = hn::Set(d, divisor);
  const FloatVector reciprocal = hn::Set(d, 1.0F / divisor);
  for (int64_t c = 0; c < columns; c += lanes) {
    const FloatVector quotient = Divide(hn::Load(d, from + c), by, reciprocal);
    // + 0 for a sum of products that vanished on the negative side.
    const FloatVector v = CanonicalNaN(hn::Add(quotient, hn::Zero(d)));
    if (c + lanes <= columns) {
      hn::StoreU(v, d, to + c);
    } else {
      HWY_ALIGN float tail[kMostLanes];
      hn::Store(v, d, tail);
      std::memcpy(to + c, tail, static_cast<size_t>(columns - c) * sizeof(float));
    }
  }
}

// A row that sees no key.
void StoreFullyMaskedRow(const CoreProblem& problem, const CoreTask& task, int64_t row,
                         bool& has_mean) {
  float* const to = problem.output.Row(task.batch, task.head, task.first_row + row);
  const int64_t columns = problem.geometry.value_head_size;
  if (problem.fully_masked == FullyMaskedPolicy::kZero) {
    std::fill_n(to, columns, 0.0F);
    return;
  }
  if (!has_mean) ComputeMean(problem, task);
  has_mean = true;
  float* const sums =
      task.workspace.sums + row * RoundUp(problem.geometry.value_head_size, FloatLanes());
  for (int64_t c = 0; c < columns; ++c) sums[c] = static_cast<float>(task.workspace.mean[c]);
  StoreRow(sums, 1.0F, columns, to);
}

void StoreRows(const CoreProblem& problem, const CoreTask& task) {
  // A store that waits for its line holds up those behind it.
  constexpr int64_t kRowsAhead = 4;
  const int64_t columns = problem.geometry.value_head_size;
  const int64_t stride = RoundUp(columns, FloatLanes());
  bool has_mean = false;
  const int64_t rows = RowsOfBlock(task.rows);
  for (int64_t block = 0; block < task.rows; block += rows) {
    const float* const totals = StatesOf(task, block).totals;
    const int64_t end = std::min(block + rows, task.rows);
    for (int64_t r = block; r < end; ++r) {
      if (task.workspace.visible[r].empty()) {
        StoreFullyMaskedRow(problem, task, r, has_mean);
        continue;
      }
      if (r + kRowsAhead < task.rows) {
        const float* const later =
            problem.output.Row(task.batch, task.head, task.first_row + r + kRowsAhead);
        for (int64_t c = 0; c < columns; c += kLineFloats) hwy::Prefetch(later + c);
      }
      StoreRow(task.workspace.sums + r * stride, totals[r - block], columns,
               problem.output.Row(task.batch, task.head, task.first_row + r));
    }
  }
}

void PackQueries(const CoreProblem& problem, const CoreTask& task) {
  const int64_t depth = problem.geometry.head_size;
  const int64_t rows = RowsOfBlock(task.rows);
  float* to = task.workspace.queries;
  for (int64_t r = 0; r < task.rows; r += rows, to += depth * kPackedRows) {
    Transpose({.data = problem.QueryRow(task.batch, task.head, task.first_row + r),
               .stride = problem.query.row_stride},
              std::min(rows, task.rows - r), depth, {.data = to, .stride = kPackedRows},
              task.rows - r - rows);
  }
}

void RunTask(const CoreProblem& problem, const CoreTask& task) {
  const int64_t stride = RoundUp(problem.geometry.value_head_size, FloatLanes());
  const CoreWorkspace& workspace = task.workspace;
  const KeyInterval keys = FindVisible(problem, task);
  PackQueries(problem, task);
  std::fill(workspace.sums, workspace.sums + task.rows * stride, 0.0F);
  for (int64_t r = 0; r < task.rows; r += RowsOfBlock(task.rows)) StartRows(StatesOf(task, r));
  for (int64_t tile = keys.begin / kTileKeys; tile * kTileKeys < keys.end; ++tile) {
    RunTile(problem, task, tile);
  }
  StoreRows(problem, task);
}

}  // namespace

const CoreKernels& GetCoreKernels() {
  static const CoreKernels kernels{.lanes = FloatLanes(),
                                   .block_rows = kBlockRows,
                                   .tile_rows = TileRows(kPanelVectors),
                                   .reads_rows = kPanelVectors == kInPlaceVectors,
                                   .packed_rows = kPackedRows,
                                   .panel_keys = PanelColumns(),
                                   .score_stride = kScoreStride,
                                   .pack = PackTile,
                                   .run = RunTask};
  return kernels;
}

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
