// Tiles of attention: dot products, weights, weighted sums. Compiled once per SIMD target.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include <algorithm>
#include <cstdint>

#include "block_mask.h"
#include "core_kernels.h"
#include "core_rows-inl.h"
#include "dispatch.h"
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

using ScoreFactor = Factor<kScoreStride, 1>;

RowLayout LayoutOf(const CoreProblem& problem, const CoreTask& task) {
  return {.block_rows = RowsOfBlock(task.rows),
          .value_stride = RoundUp(problem.geometry.value_head_size, FloatLanes())};
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

  int64_t value_stride() const { return layout().value_stride; }
  RowLayout layout() const { return LayoutOf(problem, task); }
  float* scores() const { return task.workspace.scores; }
  float* sums() const { return task.workspace.sums + row * value_stride(); }
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
    WeighKeys({.problem = problem,
               .task = task,
               .row = block.row,
               .rows = block.rows,
               .tile = tile,
               .begin = block.mask.begin,
               .end = block.mask.end,
               .full = block.mask.full,
               .seen = block.mask.row,
               .scores = block.scores(),
               .sums = block.sums(),
               .value_stride = block.value_stride(),
               .states = StatesOf(task, block.layout(), block.row)});
    MultiplyValues(block);
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
  const RowLayout layout = LayoutOf(problem, task);
  const KeyInterval keys = FindVisible(problem, task);
  PackQueries(problem, task);
  StartTask(task, layout);
  for (int64_t tile = keys.begin / kTileKeys; tile * kTileKeys < keys.end; ++tile) {
    RunTile(problem, task, tile);
  }
  StoreRows(problem, task, layout);
}

}  // namespace

const CoreKernels& GetCoreKernels() {
  static const CoreKernels kernels{.lanes = FloatLanes(),
                                   .block_rows = kBlockRows,
                                   .tile_rows = TileRows(kPanelVectors),
                                   .reads_rows = kPanelVectors == kInPlaceVectors,
                                   .reads_once = true,
                                   .written_rows = 1,
                                   .packed_rows = kPackedRows,
                                   .panel_keys = PanelColumns(),
                                   .score_stride = kScoreStride,
                                   .halves = 2,
                                   .depth_step = 1,
                                   .head_floats = 0,
                                   .split_floats = 0,
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
