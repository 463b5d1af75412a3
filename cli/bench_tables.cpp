#include "cli/bench_tables.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <iterator>
#include <optional>
#include <vector>

#include "bench/statistics.h"
#include "cli/names.h"

namespace maskproof::cli {
namespace {

using bench::Row;

// Three significant digits, or whole numbers.
std::string Digits(double value) {
  return value >= 100.0 ? fmt::format("{:.0f}", value) : fmt::format("{:#.3g}", value);
}

std::string Percent(const std::optional<double>& share) {
  return share ? fmt::format("{:.0f}%", *share * 100.0) : std::string();
}

std::string RatioText(const std::optional<bench::Ratio>& ratio) {
  if (!ratio) return {};
  return fmt::format("{} ({} to {})", Digits(ratio->summary.median),
                     Digits(ratio->summary.lower_quartile), Digits(ratio->summary.upper_quartile));
}

struct RowColumn {
  std::string title;
  Align align;
  std::function<std::string(const Row&)> cell;
};

template <typename Member>
std::string TitleOf(std::span<const Row> rows, const char* text, Member member) {
  std::string to;
  for (const Row& row : rows) {
    if (!(row.*member)) continue;
    if (!to.empty() && to != (row.*member)->to) return fmt::format(fmt::runtime(text), "the first");
    to = (row.*member)->to;
  }
  return fmt::format(fmt::runtime(text), to);
}

std::vector<RowColumn> NameColumns() {
  return {{"case", Align::kLeft, [](const Row& row) { return row.CaseName(); }},
          {"threads", Align::kRight, [](const Row& row) { return std::to_string(row.threads); }}};
}

std::vector<RowColumn> TimeColumns() {
  return {{"contender", Align::kLeft, [](const Row& row) { return row.contender; }},
          {"ms", Align::kRight, [](const Row& row) { return Digits(row.time.median * 1e3); }},
          {"quartiles", Align::kRight, [](const Row& row) {
             return fmt::format("{} to {}", Digits(row.time.lower_quartile * 1e3),
                                Digits(row.time.upper_quartile * 1e3));
           }}};
}

std::vector<RowColumn> ShareColumns(std::span<const Row> rows) {
  return {
      {"GFLOP/s", Align::kRight, [](const Row& row) { return Digits(row.gflops); }},
      {"of FMA peak", Align::kRight, [](const Row& row) { return Percent(row.peak_share); }},
      {"of reading", Align::kRight, [](const Row& row) { return Percent(row.bandwidth_share); }},
      {TitleOf(rows, "speed / {}", &Row::speedup), Align::kRight,
       [](const Row& row) { return RatioText(row.speedup); }},
      {TitleOf(rows, "time / {}", &Row::over_variant), Align::kRight,
       [](const Row& row) { return RatioText(row.over_variant); }},
      {TitleOf(rows, "speed / {} thread", &Row::over_threads), Align::kRight,
       [](const Row& row) { return RatioText(row.over_threads); }},
  };
}

RowColumn DifferenceColumn() {
  return {"largest difference", Align::kRight, [](const Row& row) {
            return row.difference ? fmt::format("{:.1e}", *row.difference) : std::string();
          }};
}

void Append(std::vector<RowColumn>& columns, std::vector<RowColumn> more) {
  std::ranges::move(more, std::back_inserter(columns));
}

// The columns that say something about any of these rows.
Table TableOf(std::span<const Row> rows, std::vector<RowColumn> columns) {
  std::erase_if(columns, [&](const RowColumn& column) {
    return std::ranges::all_of(rows, [&](const Row& row) { return column.cell(row).empty(); });
  });
  std::vector<Column> titles;
  titles.reserve(columns.size());
  for (const RowColumn& column : columns) titles.emplace_back(column.title, column.align);
  Table table(std::move(titles));
  for (const Row& row : rows) {
    std::vector<std::string> cells;
    cells.reserve(columns.size());
    for (const RowColumn& column : columns) cells.push_back(column.cell(row));
    table.AddRow(std::move(cells));
  }
  return table;
}

std::string Section(const char* title, const Table& table) {
  return fmt::format("### {}\n\n{}\n", title, table.Markdown());
}

}  // namespace

Table BenchTable(std::span<const Row> rows) {
  std::vector<RowColumn> columns = NameColumns();
  Append(columns, TimeColumns());
  Append(columns, ShareColumns(rows));
  columns.push_back(DifferenceColumn());
  return TableOf(rows, std::move(columns));
}

Table CaseTable(std::span<const Row> rows) {
  std::vector<std::string> contenders;
  std::vector<Row> firsts;
  for (const Row& row : rows) {
    if (std::ranges::find(contenders, row.contender) == contenders.end()) {
      contenders.push_back(row.contender);
    }
    if (firsts.empty() || firsts.back().CaseName() != row.CaseName() ||
        firsts.back().threads != row.threads) {
      firsts.push_back(row);
    }
  }
  std::vector<RowColumn> columns = NameColumns();
  for (const std::string& contender : contenders) {
    columns.push_back(
        {fmt::format("{} ms", contender), Align::kRight, [rows, contender](const Row& first) {
           const auto found = std::ranges::find_if(rows, [&](const Row& row) {
             return row.contender == contender && row.threads == first.threads &&
                    row.CaseName() == first.CaseName();
           });
           return found != rows.end() ? Digits(found->time.median * 1e3) : std::string();
         }});
  }
  Append(columns, ShareColumns(firsts));
  return TableOf(firsts, std::move(columns));
}

Table GainTable(const bench::Results& results) {
  Table table({{"family"},
               {"variant"},
               {"threads", Align::kRight},
               {"contender"},
               {"peer"},
               {"shapes", Align::kRight},
               {"geometric mean of the gain", Align::kRight},
               {"least gain", Align::kRight},
               {"at"}});
  for (const bench::Gain& gain : bench::Gains(results)) {
    table.AddRow({gain.family, gain.variant, std::to_string(gain.threads), gain.contender, gain.to,
                  std::to_string(gain.shapes), Digits(gain.mean), Digits(gain.least),
                  gain.least_shape});
  }
  return table;
}

Table PeakTable(const bench::Results& results) {
  Table table({{"peak"},
               {"threads", Align::kRight},
               {"median", Align::kRight},
               {"quartiles", Align::kRight},
               {"highest", Align::kRight},
               {"unit"}});
  for (const bench::Peak& peak : results.peaks) {
    const bench::Summary summary = bench::Summarise(peak.values);
    table.AddRow(
        {peak.what, std::to_string(peak.threads), Digits(summary.median),
         fmt::format("{} to {}", Digits(summary.lower_quartile), Digits(summary.upper_quartile)),
         Digits(summary.most), peak.unit});
  }
  return table;
}

std::string BenchNotes(const bench::Results& results) {
  std::string notes;
  // A reason usually holds for a whole group.
  const auto group = [](const bench::Skipped& skipped) {
    return skipped.name.substr(0, skipped.name.rfind('/'));
  };
  for (auto at = results.skipped.begin(); at != results.skipped.end();) {
    const auto end = std::find_if_not(at, results.skipped.end(), [&](const auto& other) {
      return group(other) == group(*at) && other.contender == at->contender &&
             other.reason == at->reason;
    });
    notes += fmt::format("{} was not measured on {} ({}): {}\n", at->contender, group(*at),
                         end - at, Printable(at->reason));
    at = end;
  }
  for (const Row& row : results.rows) {
    if (!row.difference || *row.difference <= bench::kLargestDifference) continue;
    notes += fmt::format("{} computes something else on {}: its output differs by {:.1e}\n",
                         row.contender, row.CaseName(), *row.difference);
  }
  return notes;
}

std::string BenchMarkdown(const bench::Results& results, const bench::MachineInfo& machine) {
  std::string text = fmt::format("{}, {} processors, best target {}, {}; {} time\n\n",
                                 machine.processor, machine.processors, machine.best_target,
                                 machine.compiler, bench::TimeKindName(results.time));
  if (!bench::Gains(results).empty()) text += Section("Gains", GainTable(results));
  text += Section("Peaks", PeakTable(results));
  for (size_t begin = 0; begin < results.rows.size();) {
    size_t end = begin;
    const std::string& family = results.rows[begin].family;
    while (end < results.rows.size() && results.rows[end].family == family) ++end;
    text += Section(family.c_str(), CaseTable(std::span(results.rows).subspan(begin, end - begin)));
    begin = end;
  }
  if (const std::string notes = BenchNotes(results); !notes.empty()) {
    text += fmt::format("### Notes\n\n```\n{}```\n", notes);
  }
  return text;
}

}  // namespace maskproof::cli
