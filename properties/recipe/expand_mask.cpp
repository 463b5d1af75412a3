#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include "properties/recipe/expand.h"
#include "properties/recipe/fields.h"

namespace maskproof {
namespace {

// What one row of keys keeps: a span, or key by key.
struct Kept {
  bool is_span = true;
  int64_t start = 0;
  int64_t end = 0;  // start >= end keeps nothing
};

Kept Span(int64_t start, int64_t end) { return {.is_span = true, .start = start, .end = end}; }

uint64_t ThresholdOf(const MaskRecipe& mask) { return static_cast<uint64_t>(mask.share * 0x1p24F); }

// Kernels look at a mask word by word and skip it block by block: such blocks, or halves of them
// where there are not two.
void DrawBlocks(const MaskRecipe& mask, Rng& rng, std::span<uint8_t> keys) {
  constexpr size_t kWord = 64;
  constexpr size_t kSizes[] = {kWord, kWord, kWord, 8, 16, 32, 2 * kWord, 8 * kWord};
  size_t size = kSizes[rng.Below(std::size(kSizes))];
  while (size > 1 && size >= keys.size()) size /= 2;
  for (size_t t = 0; t < keys.size(); t += size) {
    const uint8_t keep = (rng.Next() >> 40) < ThresholdOf(mask) ? 1 : 0;
    std::ranges::fill(keys.subspan(t, std::min(size, keys.size() - t)), keep);
  }
}

// Those that there were when the pattern came: what it expands to stays.
constexpr KeepPattern kBeforeMixed[] = {
    KeepPattern::kAll,   KeepPattern::kNothing,   KeepPattern::kRandom,
    KeepPattern::kRight, KeepPattern::kLeft,      KeepPattern::kSpan,
    KeepPattern::kOne,   KeepPattern::kAllButOne, KeepPattern::kLast};

// `keys` is written only if the result is not a span.
Kept DrawKept(const MaskRecipe& mask, KeepPattern pattern, Rng& rng, std::span<uint8_t> keys) {
  const auto total = static_cast<int64_t>(keys.size());
  switch (pattern) {
    case KeepPattern::kAll:
      return Span(0, total);
    case KeepPattern::kNothing:
      return Span(0, 0);
    case KeepPattern::kRandom: {
      for (uint8_t& key : keys) key = (rng.Next() >> 40) < ThresholdOf(mask) ? 1 : 0;
      return {.is_span = false};
    }
    case KeepPattern::kRight:
      return Span(0, rng.Between(0, total));
    case KeepPattern::kLeft:
      return Span(rng.Between(0, total), total);
    case KeepPattern::kSpan: {
      const int64_t x = rng.Between(0, total);
      const int64_t y = rng.Between(0, total);
      if (x > y && !rng.OneIn(4)) return Span(y, x);
      return Span(x, y);
    }
    case KeepPattern::kOne: {
      const int64_t key = rng.Between(0, total - 1);
      return Span(key, key + 1);
    }
    case KeepPattern::kAllButOne: {
      const int64_t masked = rng.Between(0, total - 1);
      for (int64_t t = 0; t < total; ++t) keys[static_cast<size_t>(t)] = t != masked ? 1 : 0;
      return {.is_span = false};
    }
    case KeepPattern::kLast:
      return Span(total - 1, total);
    case KeepPattern::kMixed:
      return DrawKept(mask, kBeforeMixed[rng.Below(std::size(kBeforeMixed))], rng, keys);
    case KeepPattern::kBlocks:
      DrawBlocks(mask, rng, keys);
      return {.is_span = false};
    case KeepPattern::kGap: {
      const int64_t x = rng.Between(0, total);
      const int64_t y = rng.Between(0, total);
      for (int64_t t = 0; t < total; ++t) {
        keys[static_cast<size_t>(t)] = t < std::min(x, y) || t >= std::max(x, y) ? 1 : 0;
      }
      return {.is_span = false};
    }
    case KeepPattern::kMostlyAll:
      break;
  }
  if (!rng.OneIn(8)) return Span(0, total);
  constexpr KeepPattern kUneven[] = {KeepPattern::kMixed, KeepPattern::kBlocks, KeepPattern::kGap};
  return DrawKept(mask, kUneven[rng.Below(std::size(kUneven))], rng, keys);
}

// The smallest span that holds all kept keys; an empty one if there are none.
Kept SpanOf(const Kept& kept, std::span<const uint8_t> keys) {
  if (kept.is_span) return kept;
  Kept span;
  for (size_t t = 0; t < keys.size(); ++t) {
    if (keys[t] == 0) continue;
    if (span.end == 0) span.start = static_cast<int64_t>(t);
    span.end = static_cast<int64_t>(t) + 1;
  }
  return span;
}

// Calls put(row, kept) for each of `rows` rows.
template <typename Put>
void DrawRows(const Recipe& r, int64_t rows, std::vector<uint8_t>& keys, Put put) {
  Rng rng(MixSeeds(r.mask.seed, static_cast<uint64_t>(TensorId::kMaskIndex) + 1));
  for (int64_t row = 0; row < rows; ++row) {
    put(static_cast<size_t>(row), DrawKept(r.mask, r.mask.pattern, rng, keys));
  }
}

// Ends, then starts. A length cannot be larger than the draw's end, so that `start >= end` (nothing
// kept) becomes length 0.
void WriteSpans(const Recipe& r, std::vector<uint8_t>& keys, std::span<int32_t> out) {
  const auto batch = static_cast<size_t>(r.batch);
  const bool has_starts = r.mask.form == MaskForm::kEndsStarts;
  DrawRows(r, r.batch, keys, [&](size_t b, const Kept& kept) {
    const Kept span = SpanOf(kept, keys);
    out[b] = static_cast<int32_t>(span.end);
    if (has_starts) {
      out[batch + b] = static_cast<int32_t>(span.start);
    } else if (span.start >= span.end) {
      out[b] = 0;
    }
  });
}

// Running sums of query and key lengths, as the form's definition wants them; only the lengths
// count.
void WriteSums(const Recipe& r, std::span<int32_t> out) {
  const auto batch = static_cast<size_t>(r.batch);
  for (size_t b = 0; b < batch; ++b) {
    const size_t query = batch + b;
    const size_t key = 2 * batch + 1 + b;
    out[query + 1] = out[query] + static_cast<int32_t>(r.sequence);
    out[key + 1] = out[key] + out[b];
  }
}

void WriteRaw(const Recipe& r, int64_t rows, std::vector<uint8_t>& keys, std::span<int32_t> out) {
  const size_t columns = r.mask.form == MaskForm::kDummy2D ? 1 : keys.size();
  DrawRows(r, rows, keys, [&](size_t row, const Kept& kept) {
    for (size_t t = 0; t < columns; ++t) {
      const auto key = static_cast<int64_t>(t);
      const bool keep = kept.is_span ? key >= kept.start && key < kept.end : keys[t] != 0;
      out[row * columns + t] = keep ? r.mask.kept_value : r.mask.masked_value;
    }
  });
}

}  // namespace

Tensor ExpandMask(const Recipe& recipe) {
  Tensor tensor(ElementType::kInt32, TensorDims(recipe, TensorId::kMaskIndex));
  const std::span<int32_t> out = tensor.as<int32_t>();
  std::vector<uint8_t> keys(static_cast<size_t>(TotalLength(recipe)));
  switch (recipe.mask.form) {
    case MaskForm::kNone:
      break;
    case MaskForm::kCumulative:
      WriteSpans(recipe, keys, out);
      WriteSums(recipe, out);
      break;
    case MaskForm::kLengths:
    case MaskForm::kEndsStarts:
      WriteSpans(recipe, keys, out);
      break;
    case MaskForm::kRaw2D:
    case MaskForm::kDummy2D:
      WriteRaw(recipe, recipe.batch, keys, out);
      break;
    case MaskForm::kRaw3D:
      WriteRaw(recipe, recipe.batch * recipe.sequence, keys, out);
      break;
  }
  return tensor;
}

}  // namespace maskproof
