#include "properties/oracle/oracle.h"

#include <algorithm>
#include <limits>
#include <optional>

#include "properties/case/floats.h"
#include "properties/oracle/dialect_rows.h"
#include "properties/oracle/operands.h"
#include "properties/oracle/scores.h"
#include "properties/oracle/softmax_row.h"

namespace maskproof {
namespace {

using oracle::Condition;
using oracle::Operand;
using oracle::Operands;

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

RowState StateOf(Condition condition) {
  return condition == Condition::kNonFinite ? RowState::kNonFinite : RowState::kOverflow;
}

// What an evaluation works in.
struct Memory {
  Operands operands;
  oracle::Scores scores;
  oracle::SoftmaxRow row;
};

// Of small cases a thread keeps the memory.
bool IsSmall(const Geometry& g) {
  constexpr double kMostNumbers = 1 << 20;
  const auto size = [](int64_t n) { return static_cast<double>(n); };
  const double of_head = size(g.sequence + g.total) * size(g.head_size + g.value_head_size) +
                         size(g.sequence) * size(g.total);
  return size(g.batch) * size(g.heads) * of_head <= kMostNumbers;
}

class Evaluation {
 public:
  Evaluation(const Case& c, const OracleOptions& options, Memory& memory)
      : case_(c),
        options_(options),
        rounding_(options.profile),
        g_(GeometryOf(c)),
        visibility_(c),
        operands_(memory.operands),
        scores_(memory.scores),
        row_(memory.row) {
    oracle::FillOperands(c, g_, rounding_, operands_);
    scores_.Begin(c, g_, rounding_, operands_);
    row_.Begin(rounding_, g_.total, g_.value_head_size);
  }

  Reference Run() {
    result_.geometry = g_;
    const auto rows = static_cast<size_t>(g_.batch * g_.heads * g_.sequence);
    const size_t elements = rows * static_cast<size_t>(g_.value_head_size);
    result_.output.assign(elements, kNaN);
    result_.bound.assign(elements, kInfinity);
    result_.largest.assign(elements, 0.0);
    result_.rows.assign(rows, RowState::kBounded);
    if (options_.want_budget) result_.budget.resize(elements);
    if (options_.want_weights) result_.weights.assign(rows * static_cast<size_t>(g_.total), 0.0);
    // A size of zero may stand beside huge ones, which would take for ever to walk through.
    if (rows > 0) AllRows();
    if (case_.want_present) Present();
    return std::move(result_);
  }

 private:
  void AllRows() {
    for (int64_t b = 0; b < g_.batch; ++b) {
      for (int64_t n = 0; n < g_.heads; ++n) {
        scores_.Load(b, n);
        for (int64_t s = 0; s < g_.sequence; ++s) State(b, n, s) = Row(b, n, s);
      }
    }
  }

  RowState& State(int64_t b, int64_t n, int64_t s) {
    return result_.rows[static_cast<size_t>((b * g_.heads + n) * g_.sequence + s)];
  }

  RowState Row(int64_t b, int64_t n, int64_t s) {
    row_.Clear();
    Condition condition = Condition::kGood;
    bool any_sinks = false;
    bool any_floats = false;
    for (int64_t t = 0; t < g_.total; ++t) {
      if (!visibility_.Sees(b, n, s, t)) continue;
      const oracle::Score score = scores_.At(s, t);
      row_.Add(t, score.value, score.error);
      any_sinks = any_sinks || score.sinks;
      any_floats = any_floats || score.Floats();
      condition = std::max({condition, score.condition, operands_.value.condition(b, n, t)});
    }
    if (row_.size() == 0) return FullyMaskedRow(b, n, s);
    if (any_sinks && !any_floats) condition = std::max(condition, Condition::kOverflow);
    return Finish(b, n, s, condition, RowState::kBounded);
  }

  // oracle.md (24): equal scores, whatever query and key hold.
  RowState FullyMaskedRow(int64_t b, int64_t n, int64_t s) {
    if (options_.fully_masked == FullyMasked::kZero) {
      for (int64_t column = 0; column < g_.value_head_size; ++column)
        Set(b, n, s, column, 0.0, 0.0, 0.0);
      return RowState::kFullyMasked;
    }
    Condition condition = Condition::kGood;
    for (int64_t t = 0; t < g_.total; ++t) {
      row_.Add(t, 0.0, 0.0);
      condition = std::max(condition, operands_.value.condition(b, n, t));
    }
    return Finish(b, n, s, condition, RowState::kFullyMasked);
  }

  RowState Finish(int64_t b, int64_t n, int64_t s, Condition condition, RowState good) {
    if (condition != Condition::kGood) return StateOf(condition);
    const oracle::ValueRows values{.value = operands_.value.ValueAt(b, n, 0),
                                   .error = operands_.value.ErrorAt(b, n, 0),
                                   .columns = g_.value_head_size};
    if (!row_.Evaluate(values)) return RowState::kOverflow;
    for (int64_t column = 0; column < g_.value_head_size; ++column) {
      const auto c = static_cast<size_t>(column);
      Set(b, n, s, column, row_.output()[c], row_.bound()[c], row_.largest()[c]);
      if (options_.want_budget) {
        result_.budget[static_cast<size_t>(OutputIndex(case_.op, g_, b, n, s, column))] =
            row_.Budget(c);
      }
    }
    if (options_.want_weights) {
      const int64_t base = ((b * g_.heads + n) * g_.sequence + s) * g_.total;
      for (size_t i = 0; i < row_.size(); ++i) {
        result_.weights[static_cast<size_t>(base + row_.key(i))] = row_.weight(i);
      }
    }
    return good;
  }

  void Set(int64_t b, int64_t n, int64_t s, int64_t column, double value, double bound,
           double largest) {
    const auto index = static_cast<size_t>(OutputIndex(case_.op, g_, b, n, s, column));
    result_.output[index] = value;
    result_.bound[index] = bound;
    result_.largest[index] = largest;
  }

  void Present() {
    for (const Operand* half : {&operands_.key, &operands_.value}) {
      for (int64_t row = 0; row < static_cast<int64_t>(half->conditions.size()); ++row) {
        const bool past = row % g_.total < g_.past;
        const bool judged = past || half->conditions[static_cast<size_t>(row)] == Condition::kGood;
        for (int64_t i = row * g_.head_size; i < (row + 1) * g_.head_size; ++i) {
          const auto cell = static_cast<size_t>(i);
          result_.present.push_back(judged ? half->value[cell] : kNaN);
          result_.present_bound.push_back(past ? 0.0 : half->error[cell]);
        }
      }
    }
  }

  const Case& case_;
  const OracleOptions& options_;
  oracle::Rounding rounding_;
  Geometry g_;
  Visibility visibility_;
  Operands& operands_;
  oracle::Scores& scores_;
  oracle::SoftmaxRow& row_;
  Reference result_;
};

}  // namespace

Reference ComputeReference(const Case& c, const OracleOptions& options) {
  thread_local Memory kept;
  std::optional<Memory> own;
  Memory& memory = IsSmall(GeometryOf(c)) ? kept : own.emplace();
  Reference reference = Evaluation(c, options, memory).Run();
  oracle::SpeakDialect(c, options, reference);
  return reference;
}

int64_t OutputIndex(Op op, const Geometry& g, int64_t batch, int64_t head, int64_t query,
                    int64_t column) {
  const int64_t row = op == Op::kCore ? (batch * g.heads + head) * g.sequence + query
                                      : (batch * g.sequence + query) * g.heads + head;
  return row * g.value_head_size + column;
}

bool Vacuous(double bound, double largest_value) { return bound > 0.0 && !(bound < largest_value); }

}  // namespace maskproof
