#include "properties/invariants/compare.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>
#include <string>
#include <utility>

namespace maskproof {
namespace {

// What a comparison looks at, output or present alike.
struct Element {
  float got = 0.0F;
  double reference = 0.0;
  double bound = 0.0;
  double largest = 0.0;  // value that is mixed in it, if it is a mixture
  bool judged = false;   // the oracle vouches for reference and bound
};

class OutputView {
 public:
  OutputView(const Subject& subject, Trial& trial)
      : subject_(&subject), trial_(&trial), geometry_(GeometryOf(trial.c)) {
    values_ = trial.output();
  }
  const Geometry& geometry() const { return geometry_; }
  int64_t rows() const { return geometry_.sequence; }
  int64_t columns() const { return geometry_.value_head_size; }
  float Got(const Row& row, int64_t column) const { return values_[Index(row, column)]; }
  Element Judged(const Row& row, int64_t column) const {
    const Reference& reference = trial_->Judge(*subject_);
    const RowState state = reference.row(row.batch, row.head, row.index);
    const size_t index = Index(row, column);
    return {.got = values_[index],
            .reference = reference.output[index],
            .bound = reference.bound[index],
            .largest = reference.largest[index],
            .judged = state == RowState::kBounded || state == RowState::kFullyMasked};
  }

 private:
  size_t Index(const Row& row, int64_t column) const {
    return static_cast<size_t>(
        OutputIndex(trial_->c.op, geometry_, row.batch, row.head, row.index, column));
  }
  const Subject* subject_;
  Trial* trial_;
  Geometry geometry_;
  std::span<const float> values_;
};

// Columns [0, H) are the key's, [H, 2H) the value's.
class PresentView {
 public:
  PresentView(const Subject& subject, Trial& trial)
      : subject_(&subject), trial_(&trial), geometry_(GeometryOf(trial.c)) {
    values_ = trial.present();
  }
  const Geometry& geometry() const { return geometry_; }
  int64_t rows() const { return geometry_.total; }
  int64_t columns() const { return 2 * geometry_.head_size; }
  float Got(const Row& row, int64_t column) const { return values_[Index(row, column)]; }
  Element Judged(const Row& row, int64_t column) const {
    const Reference& reference = trial_->Judge(*subject_);
    const size_t index = Index(row, column);
    const double value = reference.present[index];
    return {.got = values_[index],
            .reference = value,
            .bound = reference.present_bound[index],
            .largest = std::numeric_limits<double>::infinity(),
            .judged = std::isfinite(value)};
  }

 private:
  size_t Index(const Row& row, int64_t column) const {
    const int64_t half = column / geometry_.head_size;
    const int64_t item = (half * geometry_.batch + row.batch) * geometry_.heads + row.head;
    return static_cast<size_t>((item * geometry_.total + row.index) * geometry_.head_size +
                               column % geometry_.head_size);
  }
  const Subject* subject_;
  Trial* trial_;
  Geometry geometry_;
  std::span<const float> values_;
};

template <typename View>
Verdict Compare(const Subject& subject, const View& original, const View& changed,
                const RowMap& map, std::string label, const CompareOptions& options) {
  const bool same_lengths = original.geometry().sequence == changed.geometry().sequence &&
                            original.geometry().total == changed.geometry().total;
  const bool promised =
      subject.promises().reproducible_rows && (same_lengths || !subject.promises().several_ways);
  const bool bitwise = options.strictness == Strictness::kBitwise ||
                       (options.strictness == Strictness::kPromised && promised);
  const auto factor = static_cast<float>(options.factor);
  Tally tally(std::move(label));
  const Geometry& g = changed.geometry();
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t n = 0; n < g.heads; ++n) {
      for (int64_t i = 0; i < changed.rows(); ++i) {
        const Row row{.batch = b, .head = n, .index = i};
        const std::optional<Row> from = map(row);
        if (!from) continue;
        for (int64_t column = 0; column < changed.columns(); ++column) {
          const float expected = original.Got(*from, column) * factor;
          const float got = changed.Got(row, column);
          const Position position{.batch = b, .head = n, .query = i, .column = column};
          if (SameBits(expected, got)) {
            tally.Agree();
          } else if (options.binding && !options.binding(row)) {
            tally.Undecided();
          } else if (bitwise) {
            tally.Fail(position, expected, got);
          } else {
            const Element old = original.Judged(*from, column);
            const Element now = changed.Judged(row, column);
            if (!old.judged || !now.judged) {
              tally.Undecided();
              continue;
            }
            // docs/invariants.md (1): the triangle inequality over the two references.
            const double apart = std::fabs(now.reference - options.factor * old.reference);
            const double bound = options.factor * old.bound + now.bound + apart;
            tally.JudgeMixture(position, expected, got, bound,
                               std::max(options.factor * old.largest, now.largest));
          }
        }
      }
    }
  }
  return tally.Finish();
}

}  // namespace

std::optional<Row> SameRow(const Row& row) { return row; }

bool SameBits(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) ||
         (std::isnan(a) && std::isnan(b));
}

Verdict CompareRows(const Subject& subject, Trial& original, Trial& changed, const RowMap& map,
                    const char* label, const CompareOptions& options) {
  return Compare(subject, OutputView(subject, original), OutputView(subject, changed), map, label,
                 options);
}

Verdict ComparePresent(const Subject& subject, Trial& original, Trial& changed, const RowMap& map,
                       const char* label, const CompareOptions& options) {
  return Compare(subject, PresentView(subject, original), PresentView(subject, changed), map, label,
                 options);
}

Verdict CompareAll(const Subject& subject, Trial& original, Trial& changed, const RowMap& rows,
                   const RowMap& present_rows, const char* label, const CompareOptions& options) {
  Verdict verdict = CompareRows(subject, original, changed, rows, label, options);
  if (!original.c.want_present || verdict.kind == VerdictKind::kBroken) return verdict;
  return Combine(verdict,
                 Compare(subject, PresentView(subject, original), PresentView(subject, changed),
                         present_rows, std::string("present: ") + label, {}));
}

Verdict CompareCalls(const Subject& subject, Trial& original, Trial& again, const char* label,
                     const char* present_label) {
  CompareOptions options;
  options.strictness =
      subject.promises().deterministic ? Strictness::kBitwise : Strictness::kBounded;
  Verdict rows = CompareRows(subject, original, again, SameRow, label, options);
  if (!original.c.want_present || rows.kind == VerdictKind::kBroken) return rows;
  return Combine(rows, ComparePresent(subject, original, again, SameRow, present_label, options));
}

}  // namespace maskproof
