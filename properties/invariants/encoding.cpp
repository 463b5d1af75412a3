// The laws that say that only the meaning of a mask counts, not its form.
#include <algorithm>
#include <array>
#include <limits>
#include <utility>
#include <vector>

#include "properties/base/rng.h"
#include "properties/case/visibility.h"
#include "properties/invariants/compare.h"
#include "properties/invariants/laws.h"
#include "properties/invariants/masks.h"
#include "properties/invariants/transform.h"

namespace maskproof {
namespace {

struct Encoding {
  MaskShape shape;
  RawValues values;
  const char* label;
};

constexpr int32_t kMost = std::numeric_limits<int32_t>::max();
constexpr int32_t kLeast = std::numeric_limits<int32_t>::lowest();

constexpr std::array kEncodings{
    Encoding{.shape = MaskShape::kNone, .values = {}, .label = "the mask left out"},
    Encoding{
        .shape = MaskShape::kDummy, .values = {}, .label = "the mask as (B,1), which is ignored"},
    Encoding{.shape = MaskShape::kLengths, .values = {}, .label = "the mask as (B)"},
    Encoding{.shape = MaskShape::kEndsStarts, .values = {}, .label = "the mask as (2B)"},
    Encoding{.shape = MaskShape::kCumulative, .values = {}, .label = "the mask as (3B+2)"},
    Encoding{.shape = MaskShape::kRaw2D,
             .values = {.kept = 1, .masked = 0},
             .label = "the mask as (B,T)"},
    Encoding{.shape = MaskShape::kRaw2D,
             .values = {.kept = 2, .masked = -1},
             .label = "the mask as (B,T) of 2 and -1"},
    Encoding{.shape = MaskShape::kRaw2D,
             .values = {.kept = kMost, .masked = kLeast},
             .label = "the mask as (B,T) of extreme values"},
    Encoding{.shape = MaskShape::kRaw3D,
             .values = {.kept = 1, .masked = 0},
             .label = "the mask as (B,S,T)"},
    Encoding{.shape = MaskShape::kRaw3D,
             .values = {.kept = 7, .masked = -10000},
             .label = "the mask as (B,S,T) of 7 and -10000"},
};

// (B,1) with T = 1 would not be a dummy.
bool Fits(const Encoding& encoding, const Padding& padding) {
  if (encoding.shape == MaskShape::kDummy && padding.keys == 1) return false;
  return CanExpress(encoding.shape, padding);
}

}  // namespace

Verdict CheckMaskForm(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  constexpr size_t kMaxVariants = 3;
  Rng rng(MixSeeds(c.salt, 0x04));
  Case base = c;
  // Without a mask there is little to encode: make one, three times out of four.
  if (!rng.OneIn(4)) EnsureMaskedKey(base, rng);
  Padding padding = ReadPadding(base);
  // Holes shut out the forms of 1-D, so fill them, every other time.
  if (!CanExpress(MaskShape::kEndsStarts, padding) && rng.OneIn(2)) {
    padding = SpanOf(padding);
    WriteMask(base, MaskShape::kRaw2D, padding);
  }

  Verdict verdict;
  std::optional<Trial> original = Try(subject, base, verdict);
  if (!original) return verdict;
  std::vector<Encoding> fitting;
  for (const Encoding& encoding : kEncodings) {
    if (Fits(encoding, padding)) fitting.push_back(encoding);
  }
  for (size_t i = fitting.size(); i > 1; --i) std::swap(fitting[i - 1], fitting[rng.Below(i)]);

  Verdict combined = NotApplicable();
  size_t tried = 0;
  for (const Encoding& encoding : fitting) {
    Case variant = base;
    WriteMask(variant, encoding.shape, padding, encoding.values);
    if (variant[TensorId::kMaskIndex] == base[TensorId::kMaskIndex]) continue;
    std::optional<Trial> changed = Try(subject, std::move(variant), verdict);
    if (changed) {
      verdict = CompareAll(subject, *original, *changed, SameRow, SameRow, encoding.label);
      ++tried;
    }
    combined = Combine(combined, verdict);
    if (combined.kind == VerdictKind::kBroken || tried == kMaxVariants) break;
  }
  return combined;
}

Verdict CheckMaskComposition(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x05));
  Case base = c;
  base.attributes.unidirectional = 1;
  // A mask of queries and keys composes with causality as well as one of keys.
  if (ShapeOfMask(base) == MaskShape::kNone || ShapeOfMask(base) == MaskShape::kDummy) {
    WriteRandomMask(base, rng);
  }
  Case explicit_mask = WithExplicitMask(base);
  Verdict verdict;
  std::optional<Trial> composed = Try(subject, std::move(base), verdict);
  if (!composed) return verdict;
  std::optional<Trial> one = Try(subject, std::move(explicit_mask), verdict);
  if (!one) return verdict;
  return CompareAll(subject, *composed, *one, SameRow, SameRow, "causality written into the mask");
}

Verdict CheckPaddingExtension(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x06));
  Case base = c;
  EnsureSeeingRow(base, rng);
  const Geometry g = GeometryOf(base);
  const Visibility visibility(base);
  // Past whole vectors and mask words now and then.
  const int64_t extra = rng.OneIn(4) ? rng.Between(16, 70) : rng.Between(1, 9);
  Verdict verdict;
  std::optional<Trial> longer = Try(subject, AppendTokens(base, extra, true, rng), verdict);
  if (!longer) return verdict;
  std::optional<Trial> original = Try(subject, std::move(base), verdict);
  if (!original) return verdict;
  const RowMap old_rows = [&](const Row& row) -> std::optional<Row> {
    // A row that sees nothing is the mean over all keys, so it does change.
    if (row.index >= g.sequence || visibility.FullyMasked(row.batch, row.head, row.index)) {
      return std::nullopt;
    }
    return row;
  };
  const RowMap old_keys = [&](const Row& row) -> std::optional<Row> {
    return row.index < g.total ? std::optional(row) : std::nullopt;
  };
  return CompareAll(subject, *original, *longer, old_rows, old_keys, "masked tokens were appended");
}

}  // namespace maskproof
