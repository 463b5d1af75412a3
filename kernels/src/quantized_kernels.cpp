// Exact products of 8-bit numbers less their zero points. Compiled once per SIMD target.
#include "quantized_kernels.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "quantized_kernels.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "dispatch.h"
#include "extensions.h"
#include "hwy/highway.h"
#include "quantized_amx-inl.h"
#include "quantized_words-inl.h"
#include "vector-inl.h"

MASKPROOF_BEFORE_QUANTIZED_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {
namespace {

using UnsignedTag = hn::RebindToUnsigned<IntTag>;
using UnsignedVector = hn::Vec<UnsignedTag>;

template <typename Words>
constexpr int64_t kBlockWords = kExactDepth / Words::kDepths;

// Sums of the packed weights of each column, block by block.
template <typename Words>
void SumColumns(const WeightPanel& panel, int64_t words) {
  const IntTag d;
  const int64_t lanes = FloatLanes();
  const IntVector ones = hn::Set(d, Words::kOnes);
  int32_t* to = panel.sums;
  for (int64_t first = 0; first < words; first += kBlockWords<Words>, to += panel.sum_stride) {
    const int64_t last = std::min(first + kBlockWords<Words>, words);
    for (int64_t half = 0; half < 2 * lanes; half += lanes) {
      IntVector sum = hn::Zero(d);
      IntVector more = hn::Zero(d);
      for (int64_t word = first; word < last; ++word) {
        Words::AddProducts(ones, hn::Load(d, panel.words + word * 2 * lanes + half), sum, more);
      }
      hn::Store(Words::TotalOf(sum, more), d, to + half);
    }
  }
}

template <typename Words, typename Byte>
void PackPanelOf(const WeightPanel& panel) {
  constexpr int64_t kMostColumns = 2 * kMostLanes;
  const int64_t columns = std::min(2 * FloatLanes(), panel.columns - panel.first_column);
  const bool whole = columns == 2 * FloatLanes();
  // Weights past the end of the matrix: zeros once they are shifted.
  constexpr int kPadding =
      -(std::is_signed_v<Byte> ? Words::kSignedWeightShift : Words::kUnsignedWeightShift);
  Byte padding[Words::kDepths][kMostColumns];
  std::memset(padding, kPadding, sizeof padding);
  const Byte* const from = static_cast<const Byte*>(panel.weights) + panel.first_column;
  int32_t* words = panel.words;
  for (int64_t word = 0; word < panel.word_count; ++word, words += 2 * FloatLanes()) {
    const int64_t k = word * Words::kDepths;
    const Byte* rows[Words::kDepths];
    for (int64_t i = 0; i < Words::kDepths; ++i) {
      const bool exists = k + i < panel.depth;
      const Byte* const row = exists ? from + (k + i) * panel.columns : nullptr;
      rows[i] = exists && whole ? row : padding[i];
      if (exists && !whole) std::memcpy(padding[i], row, static_cast<size_t>(columns));
      if (!exists) std::memset(padding[i], kPadding, sizeof padding[i]);
    }
    Words::PackWeights(rows, words);
  }
  SumColumns<Words>(panel, panel.word_count);
}

template <typename Words>
void PackPanel(const WeightPanel& panel) {
  if (panel.is_signed) return PackPanelOf<Words, int8_t>(panel);
  return PackPanelOf<Words, uint8_t>(panel);
}

template <typename Words, typename Byte>
void PackTileOf(const InputTile& tile) {
  const Byte* const input = static_cast<const Byte*>(tile.input);
  int32_t* words = tile.words;
  int64_t k = 0;
  for (; k + Words::kDepths <= tile.depth; k += Words::kDepths) {
    for (int64_t row = 0; row < tile.rows; ++row) {
      *words++ = Words::PackInput(input + row * tile.depth + k, Words::kDepths);
    }
  }
  if (k == tile.depth) return;
  for (int64_t row = 0; row < tile.rows; ++row) {
    *words++ = Words::PackInput(input + row * tile.depth + k, tile.depth - k);
  }
}

template <typename Byte>
void SumRowsOf(const InputTile& tile) {
  for (int64_t row = 0; row < tile.rows; ++row) {
    const Byte* const values = static_cast<const Byte*>(tile.input) + row * tile.depth;
    int32_t* to = tile.sums + row;
    for (int64_t first = 0; first < tile.depth; first += kExactDepth, to += tile.sum_stride) {
      const int64_t last = std::min(first + kExactDepth, tile.depth);
      int32_t sum = 0;
      for (int64_t k = first; k < last; ++k) sum += values[k];
      *to = sum - static_cast<int32_t>(last - first) * tile.zero_point;
    }
  }
}

template <typename Words>
void PackTile(const InputTile& tile) {
  if (tile.is_signed) {
    PackTileOf<Words, int8_t>(tile);
    SumRowsOf<int8_t>(tile);
  } else {
    PackTileOf<Words, uint8_t>(tile);
    SumRowsOf<uint8_t>(tile);
  }
}

// totals[row][column] = sum over `words` of x[word][row] . w[word][column]. Two vectors of totals
// for each row, two of weights and one of the input fill the registers. Loops over rows are
// unrolled, or the totals would not be kept in registers.
template <typename Words, int kRows>
void MultiplyRows(const int32_t* HWY_RESTRICT x, const int32_t* HWY_RESTRICT w, int64_t words,
                  int32_t* HWY_RESTRICT totals) {
  const IntTag d;
  const int64_t lanes = FloatLanes();
  IntVector left[kRows];
  IntVector more_left[kRows];
  IntVector right[kRows];
  IntVector more_right[kRows];
#pragma GCC unroll 16
  for (int row = 0; row < kRows; ++row) {
    left[row] = hn::Zero(d);
    more_left[row] = hn::Zero(d);
    right[row] = hn::Zero(d);
    more_right[row] = hn::Zero(d);
  }
  for (int64_t word = 0; word < words; ++word) {
    const IntVector w_left = hn::Load(d, w);
    const IntVector w_right = hn::Load(d, w + lanes);
#pragma GCC unroll 16
    for (int row = 0; row < kRows; ++row) {
      const IntVector value = hn::Set(d, x[row]);
      Words::AddProducts(value, w_left, left[row], more_left[row]);
      Words::AddProducts(value, w_right, right[row], more_right[row]);
    }
    x += kRows;
    w += 2 * lanes;
  }
#pragma GCC unroll 16
  for (int row = 0; row < kRows; ++row) {
    hn::Store(Words::TotalOf(left[row], more_left[row]), d, totals);
    hn::Store(Words::TotalOf(right[row], more_right[row]), d, totals + lanes);
    totals += 2 * lanes;
  }
}

using Multiply = void (*)(const int32_t* x, const int32_t* w, int64_t words, int32_t* totals);

template <typename Words, size_t... kIndices>
constexpr std::array<Multiply, sizeof...(kIndices)> MultiplyByRows(
    std::index_sequence<kIndices...> /*indices*/) {
  return {&MultiplyRows<Words, static_cast<int>(kIndices) + 1>...};
}

// One tile and one panel on their way.
struct Product {
  const QuantizedProblem& problem;
  int64_t first_row;
  int64_t rows;
  int64_t panel;

  int64_t column() const { return panel * 2 * FloatLanes(); }
};

// Products of the packed values over the words [word, word + words). totals: [row][column].
template <typename WordsOf>
class ByVectors {
 public:
  using Words = WordsOf;
  static constexpr int64_t kRows = Words::kTileRows;

  static void Multiply(const Product& product, int64_t word, int64_t words, int32_t* totals) {
    static constexpr auto kByRows = MultiplyByRows<Words>(std::make_index_sequence<kRows>());
    const QuantizedWeightsView& weights = product.problem.weights;
    kByRows[static_cast<size_t>(product.rows - 1)](
        product.problem.input + product.first_row * weights.words + word * product.rows,
        weights.packed + (product.panel * weights.words + word) * 2 * FloatLanes(), words, totals);
  }
};

#if HWY_TARGET == HWY_AVX3_DL
class ByTiles {
 public:
  using Words = Bytes;
  static constexpr int64_t kRows = kAmxRows;

  void Multiply(const Product& product, int64_t word, int64_t words, int32_t* totals) {
    const QuantizedWeightsView& weights = product.problem.weights;
    tiles_.Multiply(product.problem.input + product.first_row * weights.words + word, weights.words,
                    product.rows,
                    weights.packed + (product.panel * weights.words + word) * 2 * FloatLanes(),
                    words, totals);
  }

 private:
  AmxTiles tiles_;
};
#endif

HWY_INLINE UnsignedVector LoadUnsigned(const int32_t* from) {
  return hn::BitCast(UnsignedTag(), hn::Load(IntTag(), from));
}

HWY_INLINE UnsignedVector SetUnsigned(int32_t value) {
  return hn::Set(UnsignedTag(), static_cast<uint32_t>(value));
}

// What the zero points add to the totals of one block, in one vector of columns.
class Excess {
 public:
  Excess(const Product& product, int64_t block, int64_t half)
      : row_sums_(product.problem.row_sums + block * product.problem.rows + product.first_row) {
    const QuantizedWeightsView& weights = product.problem.weights;
    const int64_t column = product.column() + half;
    of_column_ = hn::Mul(LoadUnsigned(weights.sums + block * weights.padded + column),
                         SetUnsigned(product.problem.input_zero_point));
    zero_points_ = LoadUnsigned(weights.zero_points + column);
  }

  IntVector TakeFrom(const int32_t* totals, int64_t row) const {
    const UnsignedVector excess =
        hn::Add(of_column_, hn::Mul(zero_points_, SetUnsigned(row_sums_[row])));
    return hn::BitCast(IntTag(), hn::Sub(LoadUnsigned(totals), excess));
  }

 private:
  const int32_t* row_sums_;
  UnsignedVector of_column_;
  UnsignedVector zero_points_;
};

// Asks for the cache lines to be written: they lie far apart, and stores would wait for them.
HWY_INLINE void PrefetchResults(const Product& product) {
  const QuantizedProblem& problem = product.problem;
  const float* to = problem.projected + product.first_row * problem.stride + product.column();
  for (int64_t row = 0; row < product.rows; ++row, to += problem.stride) {
    for (int64_t i = 0; i < 2 * FloatLanes(); i += kLineFloats)
      __builtin_prefetch(to + i, /*write=*/1);
  }
}

// From rounded totals to projected values, of one vector of columns. total(row) gives the former.
template <typename Total>
HWY_INLINE void Finish(const Product& product, int64_t half, const Total& total) {
  const FloatTag d;
  const QuantizedProblem& problem = product.problem;
  const int64_t column = product.column() + half;
  const FloatVector multipliers = hn::Load(d, problem.multipliers + column);
  const FloatVector bias = hn::Load(d, problem.bias + column);
  float* to = problem.projected + product.first_row * problem.stride + column;
  for (int64_t row = 0; row < product.rows; ++row, to += problem.stride) {
    hn::Store(CanonicalNaN(hn::Add(hn::Mul(total(row), multipliers), bias)), d, to);
  }
}

template <typename Way>
void ProjectTile(const Product& product, Way& way) {
  const int64_t lanes = FloatLanes();
  HWY_ALIGN int32_t totals[Way::kRows * 2 * kMostLanes];
  PrefetchResults(product);
  way.Multiply(product, 0, product.problem.weights.words, totals);
  for (int64_t half = 0; half < 2 * lanes; half += lanes) {
    const Excess excess(product, 0, half);
    Finish(product, half, [&](int64_t row) HWY_ATTR {
      return hn::ConvertTo(FloatTag(), excess.TakeFrom(totals + row * 2 * lanes + half, row));
    });
  }
}

// The same for any depth, none included.
template <typename Way>
void ProjectDeepTile(const Product& product, Way& way) {
  constexpr int64_t kSize = Way::kRows * 2 * kMostLanes;
  const int64_t lanes = FloatLanes();
  const int64_t count = product.rows * 2 * lanes;
  const QuantizedWeightsView& weights = product.problem.weights;
  HWY_ALIGN int32_t totals[kSize];
  int64_t exact[kSize] = {};
  for (int64_t block = 0; block < weights.blocks(); ++block) {
    const int64_t word = block * kBlockWords<typename Way::Words>;
    way.Multiply(product, word, std::min(kBlockWords<typename Way::Words>, weights.words - word),
                 totals);
    for (int64_t half = 0; half < 2 * lanes; half += lanes) {
      const Excess excess(product, block, half);
      for (int64_t row = 0; row < product.rows; ++row) {
        int32_t* const at = totals + row * 2 * lanes + half;
        hn::Store(excess.TakeFrom(at, row), IntTag(), at);
      }
    }
    for (int64_t i = 0; i < count; ++i) exact[i] += totals[i];
  }
  HWY_ALIGN float rounded[kSize];
  for (int64_t i = 0; i < count; ++i) rounded[i] = static_cast<float>(exact[i]);
  for (int64_t half = 0; half < 2 * lanes; half += lanes) {
    Finish(product, half, [&](int64_t row) HWY_ATTR {
      return hn::Load(FloatTag(), rounded + row * 2 * lanes + half);
    });
  }
}

template <typename Way>
void ProjectPanel(const QuantizedProblem& problem, int64_t first_tile, int64_t last_tile,
                  int64_t panel) {
  const bool is_deep = problem.weights.blocks() != 1;
  Way way;
  for (int64_t tile = first_tile; tile < last_tile; ++tile) {
    const int64_t first_row = problem.FirstRow(tile);
    const Product product{.problem = problem,
                          .first_row = first_row,
                          .rows = problem.FirstRow(tile + 1) - first_row,
                          .panel = panel};
    is_deep ? ProjectDeepTile(product, way) : ProjectTile(product, way);
  }
}

template <typename Way>
QuantizedKernels KernelsOf(void (*pack_input)(const InputTile& tile), int64_t step_words = 1) {
  using Words = typename Way::Words;
  return {.panel = 2 * FloatLanes(),
          .tile_rows = Way::kRows,
          .word_depths = Words::kDepths,
          .step_words = step_words,
          .signed_input_shift = Words::kSignedInputShift,
          .signed_weight_shift = Words::kSignedWeightShift,
          .unsigned_weight_shift = Words::kUnsignedWeightShift,
          .pack_weights = PackPanel<Words>,
          .pack_input = pack_input,
          .project = ProjectPanel<Way>};
}

}  // namespace

// `extended`: whether ExtensionIsUsable().
const QuantizedKernels& GetQuantizedKernels([[maybe_unused]] bool extended) {
#if HWY_TARGET == HWY_AVX3_DL
  static const QuantizedKernels by_tiles =
      KernelsOf<ByTiles>(PackAmxRows, /*step_words=*/kRegisterWords);
  if (extended) return by_tiles;
#elif MASKPROOF_BYTES_BY_EXTENSION
  static const QuantizedKernels by_bytes = KernelsOf<ByVectors<Bytes>>(PackTile<Bytes>);
  if (extended) return by_bytes;
#endif
  static const QuantizedKernels kernels = KernelsOf<ByVectors<PlainWords>>(PackTile<PlainWords>);
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
  return MASKPROOF_FOR_TARGET(GetQuantizedKernels, target)(IsExtended(target));
}

}  // namespace maskproof::kernels
#endif  // HWY_ONCE
