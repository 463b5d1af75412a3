#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/names.h"
#include "cli/results.h"
#include "cli/table.h"

namespace maskproof::cli {
namespace {

constexpr size_t kMaxJsonBytes = size_t{16} << 20;

struct Counts {
  int64_t cases = 0;
  int64_t undecided = 0;
  int64_t violations = 0;

  void Add(const ResultRow& row) {
    cases += row.cases;
    undecided += row.undecided;
    violations += row.violations;
  }
  std::string Text() const {
    const char* const verdict = VerdictWord(cases, undecided, violations);
    if (cases == 0) return "-";
    if (violations > 0)
      return fmt::format("{} {} of {}", verdict, Grouped(violations), Grouped(cases));
    if (undecided == 0) return fmt::format("{} {}", verdict, Grouped(cases));
    return fmt::format("{} {} ({} undecided)", verdict, Grouped(cases), Grouped(undecided));
  }
};

// Invariants in the order in which they first occur, which is the catalogue's.
std::vector<std::string> InvariantsOf(const std::vector<CheckResults>& checks) {
  std::vector<std::string> ids;
  for (const CheckResults& check : checks) {
    for (const ResultRow& row : check.rows) {
      if (std::ranges::find(ids, row.invariant) == ids.end()) {
        ids.push_back(row.invariant);
      }
    }
  }
  return ids;
}

Table Matrix(const std::vector<CheckResults>& checks) {
  std::vector<Column> columns = {{"invariant"}};
  for (const CheckResults& check : checks) columns.emplace_back(Printable(check.subject));
  Table table(std::move(columns));
  for (const std::string& id : InvariantsOf(checks)) {
    std::vector<std::string> cells = {Printable(id)};
    for (const CheckResults& check : checks) {
      Counts counts;
      for (const ResultRow& row : check.rows) {
        if (row.invariant == id) counts.Add(row);
      }
      cells.push_back(counts.Text());
    }
    table.AddRow(std::move(cells));
  }
  return table;
}

Table Summary(const std::vector<CheckResults>& checks) {
  Table table({{"subject"},
               {"cases", Align::kRight},
               {"undecided", Align::kRight},
               {"violations", Align::kRight},
               {"first finding", Align::kRight},
               {"broken"}});
  for (const CheckResults& check : checks) {
    Counts counts;
    std::optional<double> first;
    std::vector<std::string> broken;
    for (const ResultRow& row : check.rows) {
      counts.Add(row);
      if (row.violations == 0) continue;
      if (row.finding) first = std::min(first.value_or(row.finding->seconds), row.finding->seconds);
      const std::string id = Printable(row.invariant);
      if (std::ranges::find(broken, id) == broken.end()) broken.push_back(id);
    }
    table.AddRow({Printable(check.subject), Grouped(counts.cases), Grouped(counts.undecided),
                  Grouped(counts.violations), first ? fmt::format("{:.2f} s", *first) : "",
                  fmt::format("{}", fmt::join(broken, ", "))});
  }
  return table;
}

}  // namespace

int RunReport(const ReportArguments& arguments) {
  std::vector<CheckResults> checks;
  for (const std::string& file : arguments.files) {
    std::string error;
    const std::optional<std::string> text = ReadFile(file, kMaxJsonBytes, error);
    if (!text) return Fail(error);
    std::optional<CheckResults> check = FromJson(*text, error);
    if (!check) {
      return Fail(
          fmt::format("'{}' is not the JSON of a check: {}", Printable(file), Printable(error)));
    }
    checks.push_back(std::move(*check));
  }
  const Table table = arguments.summary ? Summary(checks) : Matrix(checks);
  fmt::print("{}", arguments.markdown ? table.Markdown() : table.Text());
  return kExitClean;
}

}  // namespace maskproof::cli
