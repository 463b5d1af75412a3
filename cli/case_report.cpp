#include "cli/case_report.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "cli/dialects.h"
#include "cli/names.h"
#include "cli/picture.h"
#include "cli/table.h"
#include "properties/case/validity.h"
#include "properties/case/visibility.h"
#include "properties/invariants/probe.h"
#include "properties/invariants/trial.h"
#include "properties/oracle/oracle.h"

namespace maskproof::cli {
namespace {

constexpr int64_t kShownKeys = 64;
constexpr int64_t kShownColumns = 16;

struct QueryRow {
  int64_t batch = 0;
  int64_t head = 0;
  int64_t query = 0;
};

// The row to show: the evidence's, if it has one that this case has too (an invariant may have
// reshaped the case); else the first that sees nothing; else the first.
std::optional<QueryRow> RowToShow(const Case& c, const Geometry& g, const Evidence& evidence) {
  if (g.batch == 0 || g.heads == 0 || g.sequence == 0 || g.total == 0) return std::nullopt;
  const auto inside = [](int64_t value, int64_t end) { return value >= 0 && value < end; };
  if (inside(evidence.batch, g.batch) && inside(evidence.query, g.sequence)) {
    return QueryRow{.batch = evidence.batch,
                    .head = inside(evidence.head, g.heads) ? evidence.head : 0,
                    .query = evidence.query};
  }
  const Visibility sees(c);
  for (int64_t batch = 0; batch < g.batch; ++batch) {
    for (int64_t query = 0; query < g.sequence; ++query) {
      if (sees.FullyMasked(batch, 0, query)) {
        return QueryRow{.batch = batch, .head = 0, .query = query};
      }
    }
  }
  return QueryRow{};
}

const char* RowStateText(RowState state) {
  switch (state) {
    case RowState::kBounded:
      return "";
    case RowState::kFullyMasked:
      return "; it sees no key at all";
    case RowState::kNonFinite:
      return "; a NaN or an infinity takes part in it";
    case RowState::kOverflow:
      return "; float32 may overflow in it";
  }
  return "";
}

// Whether the oracle knows what the row must give.
bool Decided(const Reference& reference, const QueryRow& row) {
  const RowState state = reference.row(row.batch, row.head, row.query);
  return state == RowState::kBounded || state == RowState::kFullyMasked;
}

// The weights that the oracle wants beside those that the subject uses, the latter read off runs
// with one-hot values in place of V.
std::string WeightsText(Subject& subject, const Case& c, const Reference& reference,
                        const QueryRow& row, const Outcome& outcome) {
  const Geometry& g = reference.geometry;
  const bool decided = Decided(reference, row);
  const Visibility sees(c);
  // A subject that gave no output is not asked again: a crash costs time and tells nothing new.
  const ProbedWeights probed =
      outcome.kind == OutcomeKind::kOutput ? ProbeWeights(subject, c) : ProbedWeights();
  const auto first =
      static_cast<size_t>(((row.batch * g.heads + row.head) * g.sequence + row.query) * g.total);
  Table table({{"key", Align::kRight},
               {"seen"},
               {"weight expected", Align::kRight},
               {"got", Align::kRight}});
  for (int64_t key = 0; key < std::min(g.total, kShownKeys); ++key) {
    const size_t index = first + static_cast<size_t>(key);
    table.AddRow({fmt::format("{}", key),
                  sees.Sees(row.batch, row.head, row.query, key) ? "yes" : "no",
                  decided ? Rounded(reference.weights[index], 6) : "-",
                  probed.kind == OutcomeKind::kOutput
                      ? Rounded(static_cast<double>(probed.weights[index]), 6)
                      : "-"});
  }
  std::string text = table.Text(2);
  if (g.total > kShownKeys) text += fmt::format("  ... {} keys\n", g.total);
  return text;
}

// What the stages of a kernel are allowed of an error that is too large.
std::string BudgetText(const Reference& reference, int64_t column, int64_t index, double error) {
  if (reference.budget.empty()) return {};
  const ErrorBudget& of = reference.budget[static_cast<size_t>(index)];
  return fmt::format(
      "  column {} is off by {}; rounding explains {} in projected values, {} in scores, "
      "{} in exp, {} in sums, {} of underflow\n",
      column, Rounded(error, 3), Rounded(of.values, 3), Rounded(of.scores, 3), Rounded(of.exp, 3),
      Rounded(of.sums, 3), Rounded(of.underflow, 3));
}

std::string OutputsText(const Case& c, const Reference& reference, const QueryRow& row,
                        const Outcome& outcome) {
  const Geometry& g = reference.geometry;
  const int64_t elements = g.batch * g.sequence * g.value_hidden();
  const bool decided = Decided(reference, row);
  const bool comparable = outcome.kind == OutcomeKind::kOutput &&
                          outcome.output.output.type == ElementType::kFloat32 &&
                          outcome.output.output.size() == elements;
  Table table({{"column", Align::kRight},
               {"output expected", Align::kRight},
               {"got", Align::kRight},
               {"allowed error", Align::kRight},
               {""}});
  std::string budget;  // of the first column that is wrong
  for (int64_t column = 0; column < std::min(g.value_head_size, kShownColumns); ++column) {
    const int64_t index = OutputIndex(c.op, g, row.batch, row.head, row.query, column);
    const double expected = reference.output[static_cast<size_t>(index)];
    const double bound = reference.bound[static_cast<size_t>(index)];
    std::string got = "-";
    std::string mark;
    if (comparable) {
      const double value = outcome.output.output.Get(index);
      got = Number(value);
      if (decided && !Within(value, expected, bound)) {
        mark = "<--";
        if (budget.empty())
          budget = BudgetText(reference, column, index, std::abs(value - expected));
      }
    }
    table.AddRow({fmt::format("{}", column), Rounded(expected, 9), got, Rounded(bound, 3), mark});
  }
  std::string text = table.Text(2);
  if (g.value_head_size > kShownColumns) {
    text += fmt::format("  ... {} columns\n", g.value_head_size);
  }
  return text + budget;
}

std::string RowText(Subject& subject, const RecordedRun& run, const QueryRow& row) {
  OracleOptions options = OracleOptionsOf(subject);
  options.want_weights = true;
  options.want_budget = true;
  const Reference reference = ComputeReference(run.c, options);
  std::string text =
      fmt::format("row: batch {}, head {}, query {}{}\n", row.batch, row.head, row.query,
                  RowStateText(reference.row(row.batch, row.head, row.query)));
  text += fmt::format("  sees  {}\n", RowPicture(run.c, row.batch, row.head, row.query));
  text += WeightsText(subject, run.c, reference, row, run.outcome);
  return text + OutputsText(run.c, reference, row, run.outcome);
}

// Names what a law changed in the case before it ran it.
std::string ChangesText(const Case& given, const Case& run) {
  std::vector<std::string> changed;
  for (size_t i = 0; i < kTensorCount; ++i) {
    if (given.tensors[i] != run.tensors[i])
      changed.emplace_back(TensorName(static_cast<TensorId>(i)));
  }
  if (!(given.attributes == run.attributes)) changed.emplace_back("attributes");
  if (given.want_present != run.want_present) changed.emplace_back("whether present is asked for");
  if (changed.empty()) return "the case, exactly as the recipe gives it\n";
  return fmt::format("the case, after the law changed: {}\n", fmt::join(changed, ", "));
}

std::string AnswerText(const Outcome& outcome) {
  if (outcome.kind == OutcomeKind::kOutput && outcome.memory.clean()) return {};
  return fmt::format("the subject's answer: {} {}{}\n", OutcomeKindName(outcome.kind),
                     Printable(outcome.message), Printable(outcome.memory.detail));
}

std::string RunText(Subject& subject, const RecordedRun& run, const Evidence& evidence) {
  const ValidityVerdict validity = JudgeValidity(run.c);
  std::string text = DescribeCase(run.c) + AnswerText(run.outcome);
  if (validity.validity != Validity::kValid) {
    return text +
           fmt::format("{}: {}: {}\n",
                       validity.validity == Validity::kInvalid ? "malformed" : "optional feature",
                       validity.subject, validity.reason);
  }
  if (run.outcome.kind == OutcomeKind::kOutput) {
    for (const Dialect* dialect : DialectsThatGive(subject, run.c, run.outcome.output)) {
      text += fmt::format("dialect  this is what {} gives: {}\n", dialect->name, dialect->meaning);
    }
  }
  text.insert(0, "sizes  " + DescribeGeometry(run.c) + '\n');
  text += "mask (one line per query, # for a key that it sees)\n" + MaskPicture(run.c);
  const std::optional<QueryRow> row = RowToShow(run.c, GeometryOf(run.c), evidence);
  return row ? text + RowText(subject, run, *row) : text;
}

}  // namespace

std::string CaseReport(Subject& subject, const Case& given, const RecordedRun* run,
                       const Evidence& evidence) {
  if (run == nullptr) return DescribeCase(given);
  return ChangesText(given, run->c) + RunText(subject, *run, evidence);
}

}  // namespace maskproof::cli
