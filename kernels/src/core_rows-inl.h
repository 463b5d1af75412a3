// What every kind of attention core does with the rows of a task: find out what they see, turn dot
// products into weights, store results.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>

#include "core_kernels.h"
#include "divide-inl.h"
#include "gemm-inl.h"
#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "sizes.h"
#include "softmax-inl.h"
#include "vector-inl.h"
#include "visible_row.h"

#if defined(MASKPROOF_KERNELS_SRC_CORE_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKPROOF_KERNELS_SRC_CORE_ROWS_INL_H_
#undef MASKPROOF_KERNELS_SRC_CORE_ROWS_INL_H_
#else
#define MASKPROOF_KERNELS_SRC_CORE_ROWS_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

// A little more than a tile: with a power of two, the rows of a block would fall into the same few
// sets of the cache.
inline constexpr int64_t kScoreStride = kTileKeys + kMostLanes;
// Bits of the keys whose bias is not -infinity.
HWY_INLINE void PackUnmasked(const float* bias, int64_t keys, uint64_t* words) {
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
HWY_INLINE KeyInterval FindVisible(const CoreProblem& problem, const CoreTask& task) {
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

// How the rows of a task stand in its workspace.
struct RowLayout {
  int64_t block_rows;    // rows whose states stand together, at most kPackedRows
  int64_t value_stride;  // floats from the sums of a row to those of the next
};

// Of the block that begins with `row`.
HWY_INLINE RowStates StatesOf(const CoreTask& task, const RowLayout& layout, int64_t row) {
  const int64_t all = DivideRoundingUp(task.rows, layout.block_rows) * kPackedRows;
  float* const largest = task.workspace.state + row / layout.block_rows * kPackedRows;
  return {.largest = largest, .totals = largest + all};
}

HWY_INLINE void StartTask(const CoreTask& task, const RowLayout& layout) {
  std::fill_n(task.workspace.sums, task.rows * layout.value_stride, 0.0F);
  for (int64_t r = 0; r < task.rows; r += layout.block_rows) {
    StartRows(StatesOf(task, layout, r));
  }
}

HWY_INLINE float PrepareScores(const ScoreRow& row) {
  if (row.seen == nullptr) {
    return row.bias == nullptr ? PrepareScores<false, false>(row) : PrepareScores<false, true>(row);
  }
  return row.bias == nullptr ? PrepareScores<true, false>(row) : PrepareScores<true, true>(row);
}

// Rows of a task with one block of states, and a tile of keys.
struct WeighedRows {
  const CoreProblem& problem;
  const CoreTask& task;
  int64_t row;  // of the task
  int64_t rows;
  int64_t tile;
  int64_t begin;  // the first key of the tile that some row sees
  int64_t end;
  bool full;                           // all rows see every key in [begin, end)
  const uint64_t (*seen)[kTileWords];  // bits of the keys that each row sees
  float* scores;                       // [rows], kScoreStride apart
  float* sums;                         // [rows], value_stride apart
  int64_t value_stride;
  RowStates states;
};

HWY_INLINE void ScaleSums(float* sums, int64_t columns, float factor) {
  const FloatTag d;
  const FloatVector scale = hn::Set(d, factor);
  for (int64_t c = 0; c < columns; c += FloatLanes()) {
    hn::Store(hn::Mul(hn::Load(d, sums + c), scale), d, sums + c);
  }
}

// Turns dot products into weights. All rows together, step by step: what one row has to wait for,
// others fill.
HWY_INLINE void WeighKeys(const WeighedRows& block) {
  const CoreProblem& problem = block.problem;
  const CoreTask& task = block.task;
  const int64_t lanes = FloatLanes();
  const bool plain = block.full && block.begin % lanes == 0 && block.end % lanes == 0;
  const int64_t first_key = block.tile * kTileKeys;
  ScoreRow row{.x = nullptr,
               .seen = nullptr,
               .begin = RoundDown(block.begin, lanes),
               .end = block.end,
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
    row.x = block.scores + r * kScoreStride;
    row.seen = plain ? nullptr : block.seen[r];
    row.bias = bias == nullptr ? nullptr : bias + first_key;
    products = row.AreProducts();
    here[r] = PrepareScores(row);
  }
  ShiftRows(here, block.states, shifts, factors);
  const float scale = products ? problem.scale : 1.0F;
  const bool is_exact = IsPowerOfTwo(scale);
  for (int64_t r = 0; r < block.rows; ++r) {
    row.x = block.scores + r * kScoreStride;
    sums[r] = is_exact ? Exponentials<true>(row, scale, shifts[r])
                       : Exponentials<false>(row, scale, shifts[r]);
  }
  AddTotals(factors, sums, block.states);
  for (int64_t r = 0; r < block.rows; ++r) {
    if (factors[r] == 1.0F) continue;
    ScaleSums(block.sums + r * block.value_stride, block.value_stride, factors[r]);
  }
}

// The mean of all values of the head. In double: no sum of floats overflows there, and the result
// is rounded once.
HWY_INLINE void ComputeMean(const CoreProblem& problem, const CoreTask& task) {
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
HWY_INLINE void StoreRow(const float* from, float divisor, int64_t columns, float* to) {
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
HWY_INLINE void StoreFullyMaskedRow(const CoreProblem& problem, const CoreTask& task, float* sums,
                                    int64_t row, bool& has_mean) {
  float* const to = problem.output.Row(task.batch, task.head, task.first_row + row);
  const int64_t columns = problem.geometry.value_head_size;
  if (problem.fully_masked == FullyMaskedPolicy::kZero) {
    std::fill_n(to, columns, 0.0F);
    return;
  }
  if (!has_mean) ComputeMean(problem, task);
  has_mean = true;
  for (int64_t c = 0; c < columns; ++c) sums[c] = static_cast<float>(task.workspace.mean[c]);
  StoreRow(sums, 1.0F, columns, to);
}

HWY_INLINE void StoreRows(const CoreProblem& problem, const CoreTask& task,
                          const RowLayout& layout) {
  // A store that waits for its line holds up those behind it.
  constexpr int64_t kRowsAhead = 4;
  const int64_t columns = problem.geometry.value_head_size;
  bool has_mean = false;
  for (int64_t block = 0; block < task.rows; block += layout.block_rows) {
    const float* const totals = StatesOf(task, layout, block).totals;
    const int64_t end = std::min(block + layout.block_rows, task.rows);
    for (int64_t r = block; r < end; ++r) {
      float* const sums = task.workspace.sums + r * layout.value_stride;
      if (task.workspace.visible[r].empty()) {
        StoreFullyMaskedRow(problem, task, sums, r, has_mean);
        continue;
      }
      if (r + kRowsAhead < task.rows) {
        const float* const later =
            problem.output.Row(task.batch, task.head, task.first_row + r + kRowsAhead);
        for (int64_t c = 0; c < columns; c += kLineFloats) hwy::Prefetch(later + c);
      }
      StoreRow(sums, totals[r - block], columns,
               problem.output.Row(task.batch, task.head, task.first_row + r));
    }
  }
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
