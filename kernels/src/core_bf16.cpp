// Tiles of attention on AMX's bfloat16 products: keys, queries, weights and values as three parts
// each (bf16_parts-inl.h). For many query rows of heads that are not too narrow; everything else,
// and every other target, is core.cpp's.
//
// A row of keys, values or queries with a number that has no parts (not finite, very large or very
// small) takes part as zeros; its products are computed one by one. So a row's results depend on
// the rows that it sees and on no other.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core_bf16.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include <algorithm>
#include <bit>
#include <cstdint>

#include "bf16_parts-inl.h"
#include "block_mask.h"
#include "core_kernels.h"
#include "core_rows-inl.h"
#include "dispatch.h"
#include "hwy/highway.h"
#include "pack-inl.h"
#include "sizes.h"
#include "transpose-inl.h"
#include "vector-inl.h"

#if HWY_TARGET == HWY_AVX3_DL

MASKPROOF_BEFORE_AMX_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {
namespace {

// Rows of a block: two tile registers.
constexpr int64_t kRows = 2 * kPartRows;
// Keys whose weights are split together, so that the parts stay in the first-level cache.
constexpr int64_t kSplitKeys = 128;
// Before the parts of a tile, or of a block of queries: bits of the rows that have none.
constexpr int64_t kHeadFloats = kMostLanes;
static_assert(kHeadFloats * sizeof(float) >= kTileWords * sizeof(uint64_t));

int64_t DepthSteps(const CoreProblem& problem) {
  return DivideRoundingUp(problem.geometry.head_size, kPartDepth);
}
int64_t ColumnTiles(const CoreProblem& problem) {
  return 2 * DivideRoundingUp(problem.geometry.value_head_size, 2 * kPartRows);
}
RowLayout LayoutOf(const CoreProblem& problem) {
  return {.block_rows = kPartRows, .value_stride = ColumnTiles(problem) * kPartRows};
}

uint64_t* BitsOf(float* packed) { return reinterpret_cast<uint64_t*>(packed); }
const uint64_t* BitsOf(const float* packed) { return reinterpret_cast<const uint64_t*>(packed); }

// The keys of the tile that are packed: whole steps, whatever the mask leaves of them.
KeyInterval PackedOfTile(const CoreProblem& problem, int64_t batch, int64_t tile) {
  const KeyInterval kept = KeptOfTile(problem, batch, tile);
  if (kept.begin >= kept.end) return {.begin = 0, .end = 0};
  return {.begin = RoundDown(kept.begin, kPartDepth), .end = RoundUp(kept.end, kPartDepth)};
}

// Rows far apart are no pattern that the processor would see through.
void FetchRow(const float* row, int64_t columns) {
  for (int64_t c = 0; c < columns; c += kLineFloats) hwy::Prefetch(row + c);
}

// Sets the bits of rows without parts: row_at(t) for t in `keys`.
template <typename RowAt>
void FindRowsWithoutParts(KeyInterval keys, int64_t columns, const RowAt& row_at,
                          uint64_t* without) {
  std::fill_n(without, kTileWords, uint64_t{0});
  for (int64_t t = keys.begin; t < keys.end; ++t) {
    if (t + kAheadRows < keys.end) FetchRow(row_at(t + kAheadRows), columns);
    if (HasParts(row_at(t), columns)) continue;
    const int64_t key = t % kTileKeys;
    without[key / kKeysPerWord] |= uint64_t{1} << (key % kKeysPerWord);
  }
}

bool IsSet(const uint64_t* bits, int64_t i) {
  return ((bits[i / kKeysPerWord] >> (i % kKeysPerWord)) & 1) != 0;
}

// [16 keys][step of the depth][part]: words of two depths by keys. Zeros for rows without parts,
// whose bits are set.
void PackKeyParts(const CoreProblem& problem, int64_t batch, int64_t head, KeyInterval keys,
                  float* packed) {
  const int64_t depth = problem.geometry.head_size;
  const int64_t steps = DepthSteps(problem);
  const uint64_t* const without = BitsOf(packed);
  for (int64_t t = keys.begin; t < keys.end; t += kPartRows) {
    const int64_t key = t % kTileKeys;
    float* to = packed + kHeadFloats + key / kPartRows * steps * kPartsFloats;
    const int64_t count = std::clamp<int64_t>(problem.geometry.keys - t, 0, kPartRows);
    if (count == 0) {
      std::fill_n(to, steps * kPartsFloats, 0.0F);
      continue;
    }
    const uint64_t there = LowBits(count) & ~(without[key / kKeysPerWord] >> (key % kKeysPerWord));
    const auto lanes = static_cast<__mmask16>(there);
    const float* const rows = problem.KeyRow(batch, head, t);
    for (int64_t step = 0; step < steps; ++step, to += kPartsFloats) {
      HWY_ALIGN float columns[kPartDepth * kPartRows];
      const int64_t width = std::min(kPartDepth, depth - step * kPartDepth);
      Transpose({.data = rows + step * kPartDepth, .stride = problem.key.row_stride}, count, width,
                {.data = columns, .stride = kPartRows});
      std::fill(columns + width * kPartRows, columns + kPartDepth * kPartRows, 0.0F);
      for (int64_t c = 0; c < kPartRows; ++c) {
        const auto load = [&](int64_t column) HWY_ATTR {
          return FloatVector{_mm512_maskz_load_ps(lanes, columns + column * kPartRows)};
        };
        SplitRow(load(c), load(c + kPartRows), to + c * kRegisterWords);
      }
    }
  }
}

// [32 keys][16 columns][part]: words of two keys by columns. Zeros as above.
void PackValueParts(const CoreProblem& problem, int64_t batch, int64_t head, KeyInterval keys,
                    float* packed) {
  const int64_t columns = problem.geometry.value_head_size;
  const int64_t tiles = ColumnTiles(problem);
  const uint64_t* const without = BitsOf(packed);
  for (int64_t t = keys.begin; t < keys.end; t += kPartDepth) {
    const int64_t key = t % kTileKeys;
    float* const to = packed + kHeadFloats + key / kPartDepth * tiles * kPartsFloats;
    for (int64_t j = 0; j < kPartRows; ++j) {
      const auto row_of = [&](int64_t i) -> const float* {
        return t + i < problem.geometry.keys && !IsSet(without, key + i)
                   ? problem.ValueRow(batch, head, t + i)
                   : nullptr;
      };
      const float* const first = row_of(j);
      const float* const second = row_of(j + kPartRows);
      for (int64_t c = 0; c < tiles; ++c) {
        SplitRow(LoadOfRow(first, c * kPartRows, columns),
                 LoadOfRow(second, c * kPartRows, columns),
                 to + c * kPartsFloats + j * kRegisterWords);
      }
    }
  }
}

void PackParts(const CoreProblem& problem, int64_t batch, int64_t head, int64_t tile,
               const PackedTile& packed) {
  const KeyInterval keys = PackedOfTile(problem, batch, tile);
  if (keys.begin == keys.end) return;
  const Geometry& g = problem.geometry;
  const KeyInterval there{.begin = keys.begin, .end = std::min(keys.end, g.keys)};
  FindRowsWithoutParts(
      there, g.head_size, [&](int64_t t) { return problem.KeyRow(batch, head, t); },
      BitsOf(packed.keys));
  FindRowsWithoutParts(
      there, g.value_head_size, [&](int64_t t) { return problem.ValueRow(batch, head, t); },
      BitsOf(packed.values));
  PackKeyParts(problem, batch, head, keys, packed.keys);
  PackValueParts(problem, batch, head, keys, packed.values);
}

// A block of rows of a task and a tile of keys.
struct Block {
  const CoreProblem& problem;
  const CoreTask& task;
  PackedTile packed;
  int64_t tile;
  int64_t row;  // of the task
  int64_t rows;
  BlockMask<kRows> mask;

  float* scores() const { return task.workspace.scores; }
  float* sums() const { return task.workspace.sums + row * stride(); }
  int64_t stride() const { return LayoutOf(problem).value_stride; }
  const float* queries() const {
    return task.workspace.queries +
           row / kRows * (kHeadFloats + 2 * DepthSteps(problem) * kPartsFloats);
  }
  bool both() const { return rows > kPartRows; }
};

// [16 rows][step of the depth][part]: rows of words of two depths, zeros for rows that are not
// there.
void PackQueryParts(const CoreProblem& problem, const CoreTask& task) {
  const int64_t depth = problem.geometry.head_size;
  const int64_t steps = DepthSteps(problem);
  float* to = task.workspace.queries;
  for (int64_t first = 0; first < task.rows; first += kRows) {
    uint64_t without = 0;
    for (int64_t r = 0; r < kRows; ++r) {
      const bool there = first + r < task.rows;
      const float* const row =
          there ? problem.QueryRow(task.batch, task.head, task.first_row + first + r) : nullptr;
      constexpr int64_t kQueriesAhead = 8;
      if (first + r + kQueriesAhead < task.rows) {
        FetchRow(
            problem.QueryRow(task.batch, task.head, task.first_row + first + r + kQueriesAhead),
            depth);
      }
      const bool has_parts = there && HasParts(row, depth);
      if (there && !has_parts) without |= uint64_t{1} << r;
      const float* const from = has_parts ? row : nullptr;
      for (int64_t step = 0; step < steps; ++step) {
        const int64_t c = step * kPartDepth;
        SplitRow(LoadOfRow(from, c, depth), LoadOfRow(from, c + kPartRows, depth),
                 to + kHeadFloats + (r / kPartRows * steps + step) * kPartsFloats +
                     r % kPartRows * kRegisterWords);
      }
    }
    *BitsOf(to) = without;
    to += kHeadFloats + 2 * steps * kPartsFloats;
  }
}

template <bool kBothRows>
void MultiplyKeys(const Block& block) {
  const int64_t steps = DepthSteps(block.problem);
  const float* const queries = block.queries() + kHeadFloats;
  for (int64_t t = RoundDown(block.mask.begin, kPartDepth); t < block.mask.end; t += kPartDepth) {
    if (!block.mask.AnyIn(t, kPartDepth)) continue;
    const float* const keys =
        block.packed.keys + kHeadFloats + t / kPartRows * steps * kPartsFloats;
    const auto factors = [&](int64_t step) {
      return PartFactors{.a = queries + step * kPartsFloats,
                         .a_next = steps * kPartsFloats,
                         .b = keys + step * kPartsFloats,
                         .b_next = steps * kPartsFloats};
    };
    ClearSums<kBothRows>();
    for (int64_t step = 0; step < steps; ++step) {
      const float* const next = keys + (step + 1 < steps ? step + 1 : 2 * steps) * kPartsFloats;
      MultiplySmallParts<kBothRows>(factors(step), next, factors(step).b_next);
    }
    for (int64_t step = 0; step < steps; ++step) MultiplyFirstParts<kBothRows>(factors(step));
    StoreSums<kBothRows>(block.scores() + t, kScoreStride);
  }
}

float DotProduct(const float* a, const float* b, int64_t count) {
  const FloatTag d;
  FloatVector sum = hn::Zero(d);
  for (int64_t i = 0; i < count; i += kMostLanes) {
    sum = hn::MulAdd(LoadPartial(a + i, count - i), LoadPartial(b + i, count - i), sum);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

template <typename Visit>
void ForEachBit(uint64_t bits, const Visit& visit) {
  for (; bits != 0; bits &= bits - 1) visit(static_cast<int64_t>(std::countr_zero(bits)));
}

// The scores of queries and keys without parts.
void MultiplyOddKeys(const Block& block) {
  const CoreProblem& problem = block.problem;
  const CoreTask& task = block.task;
  const uint64_t odd_rows = *BitsOf(block.queries());
  const uint64_t* const odd_keys = BitsOf(block.packed.keys);
  for (int64_t w = block.mask.begin / kKeysPerWord; w * kKeysPerWord < block.mask.end; ++w) {
    if (odd_rows == 0 && (odd_keys[w] & block.mask.any[w]) == 0) continue;
    for (int64_t r = 0; r < block.rows; ++r) {
      const bool odd_row = ((odd_rows >> r) & 1) != 0;
      const uint64_t odd = odd_row ? ~uint64_t{0} : odd_keys[w];
      const float* const query =
          problem.QueryRow(task.batch, task.head, task.first_row + block.row + r);
      ForEachBit(odd & block.mask.row[r][w], [&](int64_t bit) {
        const int64_t t = w * kKeysPerWord + bit;
        block.scores()[r * kScoreStride + t] =
            DotProduct(query, problem.KeyRow(task.batch, task.head, block.tile * kTileKeys + t),
                       problem.geometry.head_size);
      });
    }
  }
}

void WeighBlock(const Block& block) {
  const RowLayout layout = LayoutOf(block.problem);
  for (int64_t r = 0; r < block.rows; r += kPartRows) {
    WeighKeys({.problem = block.problem,
               .task = block.task,
               .row = block.row + r,
               .rows = std::min(kPartRows, block.rows - r),
               .tile = block.tile,
               .begin = block.mask.begin,
               .end = block.mask.end,
               .full = block.mask.full,
               .seen = block.mask.row + r,
               .scores = block.scores() + r * kScoreStride,
               .sums = block.sums() + r * block.stride(),
               .value_stride = block.stride(),
               .states = StatesOf(block.task, layout, block.row + r)});
  }
}

// Weights stand where some row sees a key and a vector around; to whole steps they are filled up
// with zeros.
void FillUpWeights(const Block& block) {
  const int64_t lanes = FloatLanes();
  const int64_t begin = RoundDown(block.mask.begin, lanes);
  const int64_t end = RoundUp(block.mask.end, lanes);
  for (int64_t r = 0; r < block.rows; ++r) {
    float* const row = block.scores() + r * kScoreStride;
    std::fill(row + RoundDown(begin, kPartDepth), row + begin, 0.0F);
    std::fill(row + end, row + RoundUp(end, kPartDepth), 0.0F);
  }
}

// The parts of the weights of 32 keys: [16 rows][part]. Zeros for rows that are not there.
void SplitWeights(const Block& block, int64_t key, float* to) {
  const FloatTag d;
  const int64_t rows = block.both() ? kRows : kPartRows;
  for (int64_t r = 0; r < rows; ++r) {
    const float* const row = block.scores() + r * kScoreStride + key;
    const bool there = r < block.rows;
    const FloatVector first = there ? hn::Load(d, row) : hn::Zero(d);
    const FloatVector second = there ? hn::Load(d, row + kPartRows) : hn::Zero(d);
    SplitRow(first, second, to + r / kPartRows * kPartsFloats + r % kPartRows * kRegisterWords);
  }
}

// Of two tiles of columns.
void AddProducts(const float* products, int64_t rows, float* sums, int64_t stride) {
  const FloatTag d;
  for (int64_t r = 0; r < rows; ++r, products += 2 * kPartRows, sums += stride) {
    for (int64_t c = 0; c < 2 * kPartRows; c += kPartRows) {
      hn::Store(hn::Add(hn::Load(d, sums + c), hn::Load(d, products + c)), d, sums + c);
    }
  }
}

template <bool kBothRows>
void MultiplyValues(const Block& block) {
  constexpr int64_t kMostGroups = kSplitKeys / kPartDepth;
  const int64_t tiles = ColumnTiles(block.problem);
  float* const weights = block.task.workspace.parts;
  FillUpWeights(block);
  for (int64_t first = RoundDown(block.mask.begin, kSplitKeys); first < block.mask.end;
       first += kSplitKeys) {
    const float* values[kMostGroups] = {};
    int64_t groups = 0;
    const int64_t end = std::min(first + kSplitKeys, block.mask.end);
    for (int64_t t = std::max(first, RoundDown(block.mask.begin, kPartDepth)); t < end;
         t += kPartDepth) {
      if (!block.mask.AnyIn(t, kPartDepth)) continue;
      SplitWeights(block, t, weights + groups * 2 * kPartsFloats);
      values[groups] = block.packed.values + kHeadFloats + t / kPartDepth * tiles * kPartsFloats;
      ++groups;
    }
    for (int64_t c = 0; c < tiles; c += 2) {
      const auto factors = [&](int64_t group) {
        return PartFactors{.a = weights + group * 2 * kPartsFloats,
                           .a_next = kPartsFloats,
                           .b = values[group] + c * kPartsFloats,
                           .b_next = kPartsFloats};
      };
      ClearSums<kBothRows>();
      for (int64_t g = 0; g < groups; ++g) {
        const float* const next =
            g + 1 < groups ? values[g + 1] + c * kPartsFloats : values[0] + (c + 2) * kPartsFloats;
        MultiplySmallParts<kBothRows>(factors(g), next, factors(g).b_next);
      }
      for (int64_t g = 0; g < groups; ++g) MultiplyFirstParts<kBothRows>(factors(g));
      HWY_ALIGN float products[kRows * 2 * kPartRows];
      StoreSums<kBothRows>(products, 2 * kPartRows);
      AddProducts(products, block.rows, block.sums() + c * kPartRows, block.stride());
    }
  }
}

// The values without parts, by every row that sees them.
void MultiplyOddValues(const Block& block) {
  const FloatTag d;
  const CoreProblem& problem = block.problem;
  const CoreTask& task = block.task;
  const int64_t columns = problem.geometry.value_head_size;
  const uint64_t* const odd = BitsOf(block.packed.values);
  for (int64_t w = block.mask.begin / kKeysPerWord; w * kKeysPerWord < block.mask.end; ++w) {
    ForEachBit(odd[w] & block.mask.any[w], [&](int64_t bit) {
      const int64_t t = w * kKeysPerWord + bit;
      const float* const value =
          problem.ValueRow(task.batch, task.head, block.tile * kTileKeys + t);
      for (int64_t r = 0; r < block.rows; ++r) {
        if (!IsSet(block.mask.row[r], t)) continue;
        const FloatVector weight = hn::Set(d, block.scores()[r * kScoreStride + t]);
        float* const sums = block.sums() + r * block.stride();
        for (int64_t c = 0; c < columns; c += kMostLanes) {
          hn::Store(hn::MulAdd(weight, LoadPartial(value + c, columns - c), hn::Load(d, sums + c)),
                    d, sums + c);
        }
      }
    });
  }
}

void RunTile(const CoreProblem& problem, const CoreTask& task, int64_t tile) {
  Block block{.problem = problem,
              .task = task,
              .packed = task.tiles == nullptr ? task.workspace.tile : task.tiles[tile],
              .tile = tile,
              .row = 0,
              .rows = 0,
              .mask = {}};
  if (task.tiles == nullptr) PackParts(problem, task.batch, task.head, tile, block.packed);
  for (; block.row < task.rows; block.row += kRows) {
    block.rows = std::min(kRows, task.rows - block.row);
    FindBlockMask(task.workspace.visible + block.row, block.rows, tile, block.mask);
    if (block.mask.end == 0) continue;
    block.both() ? MultiplyKeys<true>(block) : MultiplyKeys<false>(block);
    MultiplyOddKeys(block);
    WeighBlock(block);
    block.both() ? MultiplyValues<true>(block) : MultiplyValues<false>(block);
    MultiplyOddValues(block);
  }
}

void RunTask(const CoreProblem& problem, const CoreTask& task) {
  const RowLayout layout = LayoutOf(problem);
  const KeyInterval keys = FindVisible(problem, task);
  PackQueryParts(problem, task);
  StartTask(task, layout);
  const PartTiles tiles;
  for (int64_t tile = keys.begin / kTileKeys; tile * kTileKeys < keys.end; ++tile) {
    RunTile(problem, task, tile);
  }
  StoreRows(problem, task, layout);
}

}  // namespace

const CoreKernels* GetBf16CoreKernels() {
  static const CoreKernels kernels{.lanes = 2 * kPartRows,
                                   .block_rows = kRows,
                                   .tile_rows = kRows,
                                   .reads_rows = false,
                                   .reads_once = false,
                                   .written_rows = kRows,
                                   .packed_rows = kRows,
                                   .panel_keys = 0,
                                   .score_stride = kScoreStride,
                                   .halves = 3,
                                   .depth_step = kPartDepth,
                                   .head_floats = kHeadFloats,
                                   .split_floats = kSplitKeys / kPartDepth * 2 * kPartsFloats,
                                   .pack = PackParts,
                                   .run = RunTask};
  return &kernels;
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#else

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {
const CoreKernels* GetBf16CoreKernels() { return nullptr; }
}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET

#if HWY_ONCE
namespace maskproof::kernels {
namespace {
HWY_EXPORT(GetBf16CoreKernels);
}  // namespace

const CoreKernels* Bf16CoreKernelsFor(int64_t target, const Geometry& geometry) {
  // Registers are 16 rows, and 32 deep: narrower heads, and few rows, leave most of them empty.
  constexpr int64_t kLeastRows = 16;
  constexpr int64_t kLeastHeadSize = 24;
  constexpr int64_t kLeastKeys = 16;
  if (target != kAmxBf16Target || geometry.queries < kLeastRows || geometry.keys < kLeastKeys ||
      geometry.head_size < kLeastHeadSize || geometry.value_head_size < kLeastHeadSize) {
    return nullptr;
  }
  return MASKPROOF_FOR_TARGET(GetBf16CoreKernels, target)();
}

}  // namespace maskproof::kernels
#endif  // HWY_ONCE
