// The float32 projection on AMX's bfloat16 products: rows of the input and panels of weights as
// three parts each (bf16_parts-inl.h). For calls with many tokens; everything else, and every other
// target, is projection.cpp's. Weights are packed as there, and split on the way, panel by panel.
//
// A row of the input, or a column of weights, with a number that has no parts is projected by
// projection.cpp, and nothing else is: so a row's results depend on no other row, and a column's on
// no other column.
#include "projection.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "projection_bf16.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include <algorithm>
#include <cstdint>

#include "bf16_parts-inl.h"
#include "dispatch.h"
#include "extensions.h"
#include "gemm-inl.h"
#include "hwy/highway.h"
#include "projection_task.h"
#include "sizes.h"
#include "vector-inl.h"

#if HWY_TARGET == HWY_AVX3_DL

MASKPROOF_BEFORE_AMX_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {
namespace {

// Rows of a block, and columns of a panel: two tile registers.
constexpr int64_t kRows = 2 * kPartRows;
constexpr int64_t kColumns = 2 * kPartRows;
// Steps of the depth that all rows are multiplied by before the next ones: their weights, as parts,
// stay in the first-level cache meanwhile.
constexpr int64_t kGroupSteps = 4;
// Depth of the input that is held as parts: those of a task's rows stay in the second-level cache.
constexpr int64_t kChunkSteps = 32;
// Blocks of a task. Each splits all weights of its panels anew.
constexpr int64_t kTaskBlocks = 8;
constexpr int64_t kMostRows = kTaskBlocks * kRows;

constexpr int64_t kGroupFloats = kGroupSteps * 2 * kPartsFloats;
constexpr int64_t kWeightsFloats = 2 * kGroupFloats;
constexpr int64_t kBlockSums = kRows * kColumns;

// The rows of a task without parts.
struct OddRows {
  uint64_t bits[kMostRows / 64] = {};

  void Set(int64_t row) { bits[row / 64] |= uint64_t{1} << (row % 64); }
  bool Has(int64_t row) const { return ((bits[row / 64] >> (row % 64)) & 1) != 0; }
};
constexpr int64_t kOddRowsFloats = sizeof(OddRows) / sizeof(float);

int64_t Steps(int64_t depth) { return DivideRoundingUp(depth, kPartDepth); }

// A task's memory: parts of the input, of two groups of weights, sums of a panel, and OddRows.
int64_t InputFloats(int64_t rows, int64_t depth) {
  return DivideRoundingUp(rows, kRows) * 2 * std::min(Steps(depth), kChunkSteps) * kPartsFloats;
}
int64_t MemoryFloats(int64_t rows, int64_t depth) {
  return InputFloats(rows, depth) + kWeightsFloats + DivideRoundingUp(rows, kRows) * kBlockSums +
         kOddRowsFloats;
}

OddRows& OddRowsOf(const ProjectionProblem& problem, const ProjectionTask& task) {
  float* const end = task.input + MemoryFloats(task.rows, problem.depth);
  return *reinterpret_cast<OddRows*>(end - kOddRowsFloats);
}

const float* InputRow(const ProjectionProblem& problem, const ProjectionTask& task, int64_t r) {
  const int64_t row = task.first_row + r;
  return problem.input + (task.input_row == nullptr ? row : task.input_row[row]) * problem.depth;
}

// [16 rows][step][part]: rows of words of two depths, zeros for rows that are not there.
void PackInput(const ProjectionProblem& problem, const ProjectionTask& task, int64_t k,
               int64_t depth) {
  OddRows& odd = OddRowsOf(problem, task);
  if (k == 0) odd = {};
  const int64_t steps = Steps(depth);
  for (int64_t r = 0; r < RoundUp(task.rows, kRows); ++r) {
    const float* const row = r < task.rows ? InputRow(problem, task, r) + k : nullptr;
    float* to = task.input + r / kPartRows * steps * kPartsFloats + r % kPartRows * kRegisterWords;
    uint32_t without = 0;
    for (int64_t c = 0; c < depth; c += kPartDepth, to += kPartsFloats) {
      const FloatVector first = LoadOfRow(row, c, depth);
      const FloatVector second = LoadOfRow(row, c + kPartRows, depth);
      without |= LanesWithoutParts(first) | LanesWithoutParts(second);
      SplitRow(first, second, to);
    }
    if (without != 0) odd.Set(r);
  }
}

// [16 columns][part] of each step: words of two depths by columns, zeros beyond the depth. Done bit
// by bit, while the group of steps before is multiplied: the vector units have the time.
class GroupSplitter {
 public:
  static constexpr int64_t kUnits = kGroupSteps * kPartRows;

  // `depth` rows of a packed panel. Fetches as much of what stands at `later` meanwhile.
  GroupSplitter(const float* panel, int64_t depth, const float* later, float* to)
      : panel_(panel), later_(later), to_(to), depth_(depth), units_(Steps(depth) * kPartRows) {}

  HWY_INLINE void Advance(int64_t units) {
    const int64_t end = std::min(unit_ + units, units_);
    for (; unit_ < end; ++unit_) SplitUnit();
  }
  void Finish() { Advance(units_); }

 private:
  HWY_INLINE void SplitUnit() {
    const FloatTag d;
    const int64_t j = unit_ % kPartRows;
    const int64_t k = unit_ / kPartRows * kPartDepth + j;
    float* const to = to_ + unit_ / kPartRows * 2 * kPartsFloats + j * kRegisterWords;
    const float* const first = panel_ + k * kColumns;
    constexpr int64_t kSecond = kPartRows * kColumns;
    for (int64_t line = 0; line < 4; ++line)
      FetchForLater(later_ + (4 * unit_ + line) * kLineFloats);
    if (k + kPartRows < depth_) {
      SplitRow(hn::Load(d, first), hn::Load(d, first + kSecond), to);
      SplitRow(hn::Load(d, first + kPartRows), hn::Load(d, first + kSecond + kPartRows),
               to + kPartsFloats);
      return;
    }
    const FloatVector zero = hn::Zero(d);
    const bool there = k < depth_;
    SplitRow(there ? hn::Load(d, first) : zero, zero, to);
    SplitRow(there ? hn::Load(d, first + kPartRows) : zero, zero, to + kPartsFloats);
  }

  const float* panel_;
  const float* later_;
  float* to_;
  int64_t depth_;
  int64_t units_;
  int64_t unit_ = 0;
};

// Sums over some steps of a block's rows and a panel.
template <bool kBothRows>
HWY_INLINE void MultiplySteps(const PartFactors& first, int64_t steps, const float* initial,
                              int64_t initial_stride, int64_t units, GroupSplitter& splitter,
                              float* sums) {
  const auto at = [&](int64_t step) {
    return PartFactors{.a = first.a + step * kPartsFloats,
                       .a_next = first.a_next,
                       .b = first.b + step * 2 * kPartsFloats,
                       .b_next = first.b_next};
  };
  LoadSums<kBothRows>(initial, initial_stride);
  for (int64_t step = 0; step < steps; ++step) {
    MultiplyAllParts<kBothRows>(at(step), at(step + 1).a, first.a_next);
    splitter.Advance(units);
  }
  StoreSums<kBothRows>(sums, kColumns);
}

// Results of a block; `canonical`: every NaN is to be the same.
void StoreRows(const float* sums, int64_t rows, bool canonical, float* to, int64_t stride) {
  const FloatTag d;
  for (int64_t r = 0; r < rows; ++r, sums += kColumns, to += stride) {
    for (int64_t c = 0; c < kColumns; c += kPartRows) {
      const FloatVector sum = hn::Load(d, sums + c);
      hn::Store(canonical ? CanonicalNaN(sum) : sum, d, to + c);
    }
  }
}

// A task's rows, packed, over the depths [k, k + depth), by all of its panels.
class ChunkProduct {
 public:
  ChunkProduct(const ProjectionProblem& problem, const ProjectionTask& task, int64_t k,
               int64_t depth)
      : problem_(problem),
        task_(task),
        k_(k),
        depth_(depth),
        steps_(Steps(depth)),
        groups_(DivideRoundingUp(steps_, kGroupSteps)),
        blocks_(DivideRoundingUp(task.rows, kRows)),
        weights_(task.input + InputFloats(task.rows, problem.depth)),
        sums_(weights_ + kWeightsFloats) {}

  void Run() {
    const int64_t all = (task_.last - task_.first) * groups_;
    SplitterOf(0, all).Finish();
    for (int64_t n = 0; n < all; ++n) {
      GroupSplitter splitter = SplitterOf(n + 1, all);
      MultiplyGroup(n, splitter);
      splitter.Finish();
    }
  }

 private:
  int64_t PanelOf(int64_t n) const { return task_.panels.At(task_.first + n / groups_); }
  int64_t DepthOf(int64_t n) const {
    return std::min(kGroupSteps * kPartDepth, depth_ - n % groups_ * kGroupSteps * kPartDepth);
  }
  const float* WeightsOf(int64_t n) const {
    const int64_t row = k_ + n % groups_ * kGroupSteps * kPartDepth;
    return task_.weights + (PanelOf(n) * problem_.depth + row) * kColumns;
  }
  float* PartsOf(int64_t n) const { return weights_ + n % 2 * kGroupFloats; }

  // Of group n out of `all`; of nothing beyond.
  GroupSplitter SplitterOf(int64_t n, int64_t all) const {
    if (n == all) return {nullptr, 0, nullptr, nullptr};
    return {WeightsOf(n), DepthOf(n), WeightsOf(n + 1 < all ? n + 1 : n), PartsOf(n)};
  }

  void MultiplyGroup(int64_t n, GroupSplitter& splitter) {
    const int64_t group = n % groups_;
    const int64_t steps = Steps(DepthOf(n));
    const int64_t units = DivideRoundingUp(GroupSplitter::kUnits, blocks_ * steps);
    const bool fresh = group == 0 && k_ == 0;
    for (int64_t block = 0; block < blocks_; ++block) {
      const int64_t row = block * kRows;
      const int64_t rows = std::min(kRows, task_.rows - row);
      float* const result =
          task_.projected + (task_.first_row + row) * task_.stride + PanelOf(n) * kColumns;
      float* const sums = sums_ + block * kBlockSums;
      if (group == 0 && !fresh) LoadRows(result, rows, sums);
      const PartFactors factors{
          .a = task_.input + (2 * block * steps_ + group * kGroupSteps) * kPartsFloats,
          .a_next = steps_ * kPartsFloats,
          .b = PartsOf(n),
          .b_next = kPartsFloats};
      const float* const initial = fresh ? task_.bias + PanelOf(n) * kColumns : sums;
      const int64_t stride = fresh ? 0 : kColumns;
      rows > kPartRows
          ? MultiplySteps<true>(factors, steps, initial, stride, units, splitter, sums)
          : MultiplySteps<false>(factors, steps, initial, stride, units, splitter, sums);
      if (group + 1 == groups_) {
        StoreRows(sums, rows, k_ + depth_ == problem_.depth, result, task_.stride);
      }
    }
  }

  void LoadRows(const float* from, int64_t rows, float* sums) const {
    for (int64_t r = 0; r < rows; ++r) {
      std::copy_n(from + r * task_.stride, kColumns, sums + r * kColumns);
    }
  }

  const ProjectionProblem& problem_;
  const ProjectionTask& task_;
  int64_t k_;
  int64_t depth_;
  int64_t steps_;
  int64_t groups_;
  int64_t blocks_;
  float* weights_;  // parts of two groups
  float* sums_;     // of a panel
};

// By multiply-adds, which pack the input in another way, and in less memory.
void ProjectWhole(const ProjectionProblem& problem, const ProjectionTask& task) {
  *task.packed_row = -1;
  ProjectionKernelsFor(HWY_AVX3_DL).project(problem, task);
  *task.packed_row = -1;
}

// The columns of weights without parts, over again.
void MendColumns(const ProjectionProblem& problem, ProjectionTask task) {
  const FloatTag d;
  const uint32_t* const odd_columns = OddColumns(task.weights, problem.depth, problem.columns);
  const int64_t last = task.last;
  float* const kept = task.input + InputFloats(task.rows, problem.depth) + kWeightsFloats;
  for (; task.first < last; ++task.first) {
    const int64_t panel = task.panels.At(task.first);
    const uint32_t odd = odd_columns[panel];
    if (odd == 0) continue;
    float* const result = task.projected + task.first_row * task.stride + panel * kColumns;
    for (int64_t r = 0; r < task.rows; ++r) {
      std::copy_n(result + r * task.stride, kColumns, kept + r * kColumns);
    }
    task.last = task.first + 1;
    ProjectWhole(problem, task);
    for (int64_t r = 0; r < task.rows; ++r) {
      for (int64_t c = 0; c < kColumns; c += kPartRows) {
        const auto others = static_cast<__mmask16>(~(odd >> c));
        _mm512_mask_store_ps(result + r * task.stride + c, others,
                             hn::Load(d, kept + r * kColumns + c).raw);
      }
    }
  }
}

// The rows of the input without parts, over again: those beside each other together.
void MendRows(const ProjectionProblem& problem, const ProjectionTask& task) {
  const OddRows& odd = OddRowsOf(problem, task);
  for (int64_t r = 0; r < task.rows; ++r) {
    if (!odd.Has(r)) continue;
    ProjectionTask run = task;
    run.first_row += r;
    run.rows = 1;
    while (r + run.rows < task.rows && odd.Has(r + run.rows)) ++run.rows;
    ProjectWhole(problem, run);
    r += run.rows;
  }
}

void ProjectParts(const ProjectionProblem& problem, const ProjectionTask& task) {
  {
    const PartTiles tiles;
    for (int64_t k = 0; k < problem.depth; k += kChunkSteps * kPartDepth) {
      const int64_t depth = std::min(kChunkSteps * kPartDepth, problem.depth - k);
      if (*task.packed_row != task.first_row) PackInput(problem, task, k, depth);
      *task.packed_row = depth == problem.depth ? task.first_row : -1;
      ChunkProduct(problem, task, k, depth).Run();
    }
  }
  MendColumns(problem, task);
  MendRows(problem, task);
}

// And which columns have no parts.
void PackPanel(const float* weights, int64_t depth, int64_t columns, int64_t panel, float* packed) {
  ProjectionKernelsFor(HWY_AVX3_DL).pack(weights, depth, columns, panel, packed);
  const FloatTag d;
  uint32_t odd = 0;
  const float* row = packed + panel * depth * kColumns;
  for (int64_t k = 0; k < depth; ++k, row += kColumns) {
    odd |= LanesWithoutParts(hn::Load(d, row)) | LanesWithoutParts(hn::Load(d, row + kPartRows))
                                                     << kPartRows;
  }
  OddColumns(packed, depth, columns)[panel] = odd;
}

}  // namespace

const ProjectionKernels* GetBf16ProjectionKernels() {
  static const ProjectionKernels kernels{.panel = kColumns,
                                         .block_rows = kRows,
                                         .task_blocks = kTaskBlocks,
                                         .scratch = MemoryFloats,
                                         .pack = PackPanel,
                                         .project = ProjectParts};
  return &kernels;
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#else

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {
const ProjectionKernels* GetBf16ProjectionKernels() { return nullptr; }
}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET

#if HWY_ONCE
namespace maskproof::kernels {
namespace {
HWY_EXPORT(GetBf16ProjectionKernels);
}  // namespace

const ProjectionKernels* Bf16ProjectionKernelsFor(int64_t target) {
  if (target != kAmxBf16Target) return nullptr;
  return MASKPROOF_FOR_TARGET(GetBf16ProjectionKernels, target)();
}

}  // namespace maskproof::kernels
#endif  // HWY_ONCE
