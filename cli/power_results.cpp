#include "cli/power_results.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "bench/statistics.h"
#include "cli/json.h"
#include "cli/names.h"
#include "cli/results.h"
#include "cli/shrink.h"

namespace maskproof::cli {
namespace {

constexpr std::array kWays = {Way::kSuite, Way::kVectors, Way::kRandom};

// "3, 0.02 s": cases and processor time to the finding.
std::string When(const Hunt* hunt) {
  if (hunt == nullptr) return "absent";
  if (!hunt->caught) return "no";
  return fmt::format("{}, {:.3f} s", Grouped(hunt->cases), hunt->seconds);
}

std::string Plural(int64_t count, const char* word) {
  return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s");
}

std::string SizeText(const Recipe& recipe) {
  const RecipeSize size = SizeOf(recipe);
  std::string text =
      fmt::format("{}, {}", Plural(size.heads, "head"), Plural(size.tokens, "token"));
  if (recipe.batch > 1) text += fmt::format(", {} batches", recipe.batch);
  return text;
}

Json HuntJson(const Hunt& hunt) {
  return {{"caught", hunt.caught},
          {"by", hunt.by},
          {"evidence", Printable(hunt.evidence)},
          {"cases", hunt.cases},
          {"cpu_seconds", hunt.seconds}};
}

Json ShrunkJson(const std::optional<ShrunkCase>& shrunk) {
  if (!shrunk) return nullptr;
  const RecipeSize size = SizeOf(shrunk->recipe);
  return {{"batch", shrunk->recipe.batch},
          {"heads", size.heads},
          {"tokens", size.tokens},
          {"tries", shrunk->tries},
          {"cpu_seconds", shrunk->seconds},
          {"reproduced", shrunk->reproduced},
          {"evidence", Printable(shrunk->evidence)},
          {"recipe", ToText(shrunk->recipe)}};
}

Json RowJson(const PowerRow& row) {
  Json suite = HuntJson(row.suite);
  suite["shrunk"] = ShrunkJson(row.suite.shrunk);
  Json json = {{"subject", row.subject},
               {"what", row.what},
               {"control", row.control},
               {"suite", std::move(suite)}};
  json["random"] = row.random ? HuntJson(*row.random) : Json(nullptr);
  json["sanitizer"] = row.sanitizer.empty() ? Json(nullptr) : Json(row.sanitizer);
  json["vectors"] = row.vectors ? HuntJson(*row.vectors) : Json(nullptr);
  const Json size = {{"heads", row.heads}, {"tokens", row.tokens}};
  json["small"] = row.heads > 0 ? size : Json(nullptr);
  return json;
}

Json TotalsJson(const PowerResults& results) {
  Json totals;
  for (const Way way : kWays) {
    if (!Tried(results, way)) {
      totals[WayName(way)] = nullptr;
      continue;
    }
    const PowerSummary summary = Summarise(results, way);
    totals[WayName(way)] = {{"bugs", summary.bugs},
                            {"caught", summary.caught},
                            {"false_alarms", summary.false_alarms},
                            {"median_cpu_seconds", summary.median_seconds},
                            {"most_cpu_seconds", summary.most_seconds}};
  }
  return totals;
}

}  // namespace

bool PowerRow::TooLarge() const {
  if (heads == 0 || !suite.shrunk) return false;
  const RecipeSize size = SizeOf(suite.shrunk->recipe);
  return size.heads > heads || size.tokens > tokens;
}

const char* WayName(Way way) {
  switch (way) {
    case Way::kSuite:
      return "suite";
    case Way::kVectors:
      return "vectors";
    case Way::kRandom:
      return "random";
  }
  return "unknown";
}

const Hunt* HuntOf(const PowerRow& row, Way way) {
  switch (way) {
    case Way::kSuite:
      return &row.suite;
    case Way::kVectors:
      return row.vectors ? &*row.vectors : nullptr;
    case Way::kRandom:
      return row.random ? &*row.random : nullptr;
  }
  return nullptr;
}

bool Tried(const PowerResults& results, Way way) {
  return way == Way::kSuite || (way == Way::kVectors ? results.vectors > 0 : results.random);
}

PowerSummary Summarise(const PowerResults& results, Way way) {
  PowerSummary summary;
  std::vector<double> seconds;
  for (const PowerRow& row : results.rows) {
    const Hunt* const hunt = HuntOf(row, way);
    const bool caught = hunt != nullptr && hunt->caught;
    if (row.control) {
      summary.false_alarms += caught ? 1 : 0;
      continue;
    }
    ++summary.bugs;
    if (caught) seconds.push_back(hunt->seconds);
  }
  summary.caught = static_cast<int64_t>(seconds.size());
  const bench::Summary times = bench::Summarise(seconds);
  summary.median_seconds = times.median;
  summary.most_seconds = times.most;
  return summary;
}

Table PowerTable(const PowerResults& results) {
  Table table({{"subject"},
               {"caught by"},
               {"cases", Align::kRight},
               {"CPU time", Align::kRight},
               {"shrunk to"},
               {"vectors: cases, time", Align::kRight},
               {"random: cases, time", Align::kRight}});
  for (const PowerRow& row : results.rows) {
    const SuiteHunt& suite = row.suite;
    std::string by = suite.by;
    if (!suite.caught) by = row.control ? "nothing, as it should be" : "NOT CAUGHT";
    if (suite.caught && row.control) by.insert(0, "FALSE ALARM: ");
    table.AddRow({row.subject, by, Grouped(suite.cases), fmt::format("{:.3f} s", suite.seconds),
                  suite.shrunk ? SizeText(suite.shrunk->recipe) : "",
                  When(HuntOf(row, Way::kVectors)), When(HuntOf(row, Way::kRandom))});
  }
  return table;
}

Table PowerTotals(const PowerResults& results) {
  Table table({{"tested by"},
               {"caught", Align::kRight},
               {"of bugs", Align::kRight},
               {"median CPU time", Align::kRight},
               {"longest", Align::kRight},
               {"false alarms", Align::kRight}});
  for (const Way way : kWays) {
    if (!Tried(results, way)) {
      table.AddRow({WayName(way), "absent", "", "", "", ""});
      continue;
    }
    const PowerSummary s = Summarise(results, way);
    table.AddRow({WayName(way), fmt::format("{}", s.caught), fmt::format("{}", s.bugs),
                  s.caught > 0 ? fmt::format("{:.3f} s", s.median_seconds) : "",
                  s.caught > 0 ? fmt::format("{:.3f} s", s.most_seconds) : "",
                  fmt::format("{}", s.false_alarms)});
  }
  return table;
}

std::string PowerNotes(const PowerResults& results) {
  std::string notes;
  for (const PowerRow& row : results.rows) {
    const SuiteHunt& suite = row.suite;
    if (!suite.caught && !row.control) {
      notes +=
          fmt::format("{} was not caught{}\n", row.subject,
                      row.sanitizer.empty()
                          ? ""
                          : fmt::format("; only a build under the {} sanitizer is sure to see it",
                                        row.sanitizer));
    }
    if (suite.caught && row.control) {
      notes +=
          fmt::format("{} is correct: a false alarm, {}\n", row.subject, Printable(suite.evidence));
    }
    if (!suite.shrunk) continue;
    if (!suite.shrunk->reproduced) {
      notes += fmt::format("{}: the shrunk case did not break the law again\n", row.subject);
    }
    if (row.TooLarge()) {
      notes += fmt::format("{}: left at {}, though {} and {} can show it\n", row.subject,
                           SizeText(suite.shrunk->recipe), Plural(row.heads, "head"),
                           Plural(row.tokens, "token"));
    }
  }
  if (results.interrupted) notes += "interrupted: not all subjects are there\n";
  return notes;
}

std::string ToJson(const PowerResults& results, const bench::MachineInfo& machine) {
  Json rows = Json::array();
  for (const PowerRow& row : results.rows) rows.push_back(RowJson(row));
  const Json json = {{"schema", "maskproof-power/1"},
                     {"maskproof", results.version},
                     {"machine",
                      {{"processor", machine.processor},
                       {"processors", machine.processors},
                       {"best_target", machine.best_target},
                       {"compiler", machine.compiler}}},
                     {"seed", results.seed},
                     {"budget_cpu_seconds", results.budget},
                     {"vectors", results.vectors},
                     {"interrupted", results.interrupted},
                     {"totals", TotalsJson(results)},
                     {"rows", std::move(rows)}};
  // Messages of foreign code need not be UTF-8.
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::string PowerMarkdown(const PowerResults& results, const bench::MachineInfo& machine) {
  std::string text = fmt::format(
      "{}, {} processors, best target {}, {}; seed {}, {:g} s of processor time for each subject "
      "and "
      "way to test, {} vectors\n\n{}\n{}",
      machine.processor, machine.processors, machine.best_target, machine.compiler, results.seed,
      results.budget, results.vectors, PowerTotals(results).Markdown(),
      PowerTable(results).Markdown());
  if (const std::string notes = PowerNotes(results); !notes.empty()) {
    text += fmt::format("\n```\n{}```\n", notes);
  }
  return text;
}

}  // namespace maskproof::cli
