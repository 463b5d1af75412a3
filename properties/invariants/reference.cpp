// The laws that hold a subject against the oracle.
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>

#include "properties/base/rng.h"
#include "properties/case/visibility.h"
#include "properties/invariants/faults.h"
#include "properties/invariants/laws.h"
#include "properties/invariants/masks.h"
#include "properties/invariants/tensor_ops.h"
#include "properties/invariants/transform.h"
#include "properties/invariants/trial.h"

namespace maskproof {
namespace {

// Calls judge(position, index) for every output element of the rows in state `wanted`.
template <typename Function>
void ForEachElement(const Trial& trial, RowState wanted, Function judge) {
  const Geometry& g = trial.reference->geometry;
  if (trial.reference->rows.empty()) return;  // whatever the other sizes are
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t n = 0; n < g.heads; ++n) {
      for (int64_t s = 0; s < g.sequence; ++s) {
        if (trial.reference->row(b, n, s) != wanted) continue;
        for (int64_t column = 0; column < g.value_head_size; ++column) {
          judge(Position{.batch = b, .head = n, .query = s, .column = column},
                static_cast<size_t>(OutputIndex(trial.c.op, g, b, n, s, column)));
        }
      }
    }
  }
}

void JudgePresent(const Trial& trial, Tally& tally) {
  const std::span<const float> got = trial.present();
  const Reference& reference = *trial.reference;
  const Geometry& g = reference.geometry;
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(reference.present[i])) continue;  // not judged
    const auto item = static_cast<int64_t>(i) / g.head_size;
    const Position position{.batch = (item / g.total / g.heads) % g.batch,
                            .head = (item / g.total) % g.heads,
                            .query = item % g.total,
                            .column = static_cast<int64_t>(i) % g.head_size};
    const double value = got[i];
    // An infinite copy equals itself; Within would take inf - inf.
    if (value == reference.present[i]) {
      tally.Agree();
    } else {
      tally.Judge(position, reference.present[i], value, reference.present_bound[i]);
    }
  }
}

// Both zeros are the same number to every bound.
void JudgeZeros(std::span<const float> output, Tally& tally) {
  for (const float value : output) {
    if (value == 0.0F && std::signbit(value)) {
      tally.Fail("an output element is -0, which the subject promises not to give");
      return;
    }
  }
}

// ---- cases with rows that see nothing -----------------------------------------------------------

enum class Emptying : uint8_t {
  kZeroLength,
  kRawBatch,
  kRawRow,
  kStartAfterEnd,
  kLeftPaddingCausal,
  kRawCausal,
  kBiasRow,
};
constexpr uint64_t kEmptyings = 7;

void EmptyRows(Case& c, Rng& rng) {
  const Geometry g = GeometryOf(c);
  Padding padding = SpanOf(ReadPadding(c));
  const int64_t b = rng.Between(0, g.batch - 1);
  const int64_t row = rng.Between(0, g.sequence - 1);
  const auto mask = [&padding](int64_t batch, int64_t first_row, int64_t rows, int64_t keys) {
    for (int64_t s = first_row; s < first_row + rows; ++s) {
      for (int64_t t = 0; t < keys; ++t) padding.at(batch, s, t) = 0;
    }
  };
  auto way = static_cast<Emptying>(rng.Below(kEmptyings));
  const bool may_have_bias =
      c.op == Op::kCore || (c.op == Op::kAttention && !c.has(TensorId::kPast));
  if (way == Emptying::kBiasRow && !may_have_bias) way = Emptying::kRawCausal;
  switch (way) {
    case Emptying::kZeroLength: {
      mask(b, 0, g.sequence, g.total);
      const bool lengths = CanExpress(MaskShape::kLengths, padding);
      WriteMask(c, lengths ? MaskShape::kLengths : MaskShape::kEndsStarts, padding);
      return;
    }
    case Emptying::kRawBatch:
      padding = ReadPadding(c);
      mask(b, 0, g.sequence, g.total);
      WriteMask(c, padding.SameForAllQueries() ? MaskShape::kRaw2D : MaskShape::kRaw3D, padding);
      return;
    case Emptying::kRawRow:
      padding = ReadPadding(c);
      mask(b, row, 1, g.total);
      WriteMask(c, MaskShape::kRaw3D, padding);
      return;
    case Emptying::kStartAfterEnd: {
      WriteMask(c, MaskShape::kEndsStarts, padding);
      const std::span<int32_t> values = At(c, TensorId::kMaskIndex).as<int32_t>();
      const int64_t end = rng.Between(0, g.total);
      values[static_cast<size_t>(b)] = static_cast<int32_t>(end);
      values[static_cast<size_t>(g.batch + b)] =
          static_cast<int32_t>(end + rng.Between(0, g.total));
      return;
    }
    case Emptying::kLeftPaddingCausal:
      mask(b, 0, g.sequence, g.past + row + 1);
      c.attributes.unidirectional = 1;
      WriteMask(c, MaskShape::kEndsStarts, padding);
      return;
    case Emptying::kRawCausal: {
      Padding raw(g.batch, g.sequence, g.total);
      for (int64_t s = 0; s < g.sequence; ++s) {
        for (int64_t t = 0; t <= g.past + row; ++t) raw.at(b, s, t) = 0;
      }
      c.attributes.unidirectional = 1;
      WriteMask(c, MaskShape::kRaw2D, raw);
      return;
    }
    case Emptying::kBiasRow: {
      Tensor bias(ElementType::kFloat32, {1, 1, g.sequence, g.total});
      for (int64_t t = 0; t < g.total; ++t) {
        bias.Set((row * g.total) + t, -std::numeric_limits<double>::infinity());
      }
      c[TensorId::kAttentionBias] = std::move(bias);
      return;
    }
  }
}

// Values that do not cancel: a mean is then no smaller than what its bound is measured by.
void MakeSameSigned(Tensor& values) {
  for (float& value : values.as<float>()) value = std::fabs(value);
}

}  // namespace

Verdict CheckReferenceMatch(Subject& subject, const Case& c) {
  Case tried = c;
  // A recipe that names no salt is judged as it stands.
  constexpr uint64_t kSalts = 8;
  if (c.salt % kSalts == kSalts - 1) {
    Rng rng(MixSeeds(c.salt, 0x1D));
    MakeOdd(tried, rng);
  }
  Verdict verdict;
  RunRequest request;
  if (c.salt % kSalts == kSalts - 2) request.placement = MemoryPlacement::kUnaligned;
  std::optional<Trial> trial = Try(subject, std::move(tried), verdict, request);
  if (!trial) return verdict;
  const Reference& reference = trial->Judge(subject);
  const std::span<const float> got = trial->output();
  Tally tally("against the oracle");
  ForEachElement(*trial, RowState::kBounded, [&](const Position& position, size_t i) {
    tally.JudgeMixture(position, reference.output[i], got[i], reference.bound[i],
                       reference.largest[i]);
  });
  ForEachElement(*trial, RowState::kOverflow,
                 [&tally](const Position&, size_t) { tally.Undecided(); });
  if (c.want_present) JudgePresent(*trial, tally);
  if (subject.promises().no_negative_zero) JudgeZeros(got, tally);
  return tally.Finish();
}

Verdict CheckFullyMaskedRows(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Case base = c;
  Rng rng(MixSeeds(c.salt, 0x0F));
  if (!Visibility(base).AnyFullyMasked()) EmptyRows(base, rng);
  if (base.op == Op::kCore && rng.OneIn(2)) MakeSameSigned(At(base, TensorId::kValue));
  Verdict verdict;
  std::optional<Trial> trial = Try(subject, std::move(base), verdict);
  if (!trial) return verdict;
  const Reference& reference = trial->Judge(subject);
  const std::span<const float> got = trial->output();
  Tally tally(subject.promises().fully_masked == FullyMasked::kUniform
                  ? "a row that sees no key must be the mean of all values"
                  : "a row that sees no key must be zero");
  ForEachElement(*trial, RowState::kFullyMasked, [&](const Position& position, size_t i) {
    // Only a dialect says that the row is NaN.
    if (std::isnan(reference.output[i]) && std::isnan(got[i])) {
      tally.Agree();
    } else {
      tally.JudgeMixture(position, reference.output[i], got[i], reference.bound[i],
                         reference.largest[i]);
    }
  });
  const Visibility visibility(trial->c);
  ForEachElement(*trial, RowState::kOverflow, [&](const Position& position, size_t) {
    if (visibility.FullyMasked(position.batch, position.head, position.query)) tally.Undecided();
  });
  return tally.Finish();
}

}  // namespace maskproof
