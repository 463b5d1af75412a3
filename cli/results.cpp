#include "cli/results.h"

#include <fmt/format.h>

#include "cli/json.h"
#include "cli/names.h"
#include "cli/table.h"

namespace maskproof::cli {
namespace {

int64_t Sum(const std::vector<ResultRow>& rows, int64_t ResultRow::* member) {
  int64_t sum = 0;
  for (const ResultRow& row : rows) sum += row.*member;
  return sum;
}

Json FindingToJson(const std::optional<FindingSummary>& finding) {
  if (!finding) return nullptr;
  return {{"file", finding->file},       {"seconds", finding->seconds},
          {"heads", finding->heads},     {"tokens", finding->tokens},
          {"summary", finding->summary}, {"reproduced", finding->reproduced}};
}

std::optional<FindingSummary> FindingFromJson(const Json& json) {
  if (json.is_null()) return std::nullopt;
  FindingSummary finding;
  finding.file = json.at("file").get<std::string>();
  finding.seconds = json.at("seconds").get<double>();
  finding.heads = json.at("heads").get<int64_t>();
  finding.tokens = json.at("tokens").get<int64_t>();
  finding.summary = json.at("summary").get<std::string>();
  finding.reproduced = json.value("reproduced", true);
  return finding;
}

ResultRow RowFromJson(const Json& json) {
  ResultRow row;
  row.op = json.at("op").get<std::string>();
  row.invariant = json.at("invariant").get<std::string>();
  row.target = json.at("target").get<std::string>();
  row.cases = json.at("cases").get<int64_t>();
  row.undecided = json.at("undecided").get<int64_t>();
  row.violations = json.at("violations").get<int64_t>();
  row.not_applicable = json.value("not_applicable", int64_t{0});
  row.finding = FindingFromJson(json.at("finding"));
  return row;
}

}  // namespace

int64_t CheckResults::Cases() const { return Sum(rows, &ResultRow::cases); }
int64_t CheckResults::Undecided() const { return Sum(rows, &ResultRow::undecided); }

int64_t CheckResults::Findings() const {
  int64_t findings = 0;
  for (const ResultRow& row : rows) findings += row.violations > 0 ? 1 : 0;
  return findings;
}

const char* VerdictWord(int64_t cases, int64_t undecided, int64_t violations) {
  if (violations > 0) return "BROKEN";
  if (cases == 0) return "not applicable";
  return undecided == cases ? "undecided" : "holds";
}

std::string ToJson(const CheckResults& results) {
  Json rows = Json::array();
  for (const ResultRow& row : results.rows) {
    rows.push_back({{"op", row.op},
                    {"invariant", row.invariant},
                    {"target", row.target},
                    {"cases", row.cases},
                    {"undecided", row.undecided},
                    {"violations", row.violations},
                    {"not_applicable", row.not_applicable},
                    {"finding", FindingToJson(row.finding)}});
  }
  Json coverage = Json::array();
  for (const OpCoverage& of_op : results.coverage) {
    coverage.push_back({{"op", of_op.op},
                        {"reached", of_op.reached},
                        {"reachable", of_op.reachable},
                        {"missing", of_op.missing}});
  }
  Json json = {{"version", results.version}, {"subject", results.subject},
               {"dialect", results.dialect}, {"seed", results.seed},
               {"seconds", results.seconds}, {"interrupted", results.interrupted},
               {"results", std::move(rows)}};
  if (!results.coverage.empty()) json["coverage"] = std::move(coverage);
  // Messages of foreign code need not be UTF-8.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

std::optional<CheckResults> FromJson(const std::string& text, std::string& error) {
  try {
    const Json json = Json::parse(text);
    CheckResults results;
    results.version = json.value("version", std::string());
    results.subject = json.at("subject").get<std::string>();
    results.dialect = json.value("dialect", results.dialect);
    results.seed = json.at("seed").get<uint64_t>();
    results.seconds = json.at("seconds").get<double>();
    results.interrupted = json.value("interrupted", false);
    for (const Json& row : json.at("results")) results.rows.push_back(RowFromJson(row));
    return results;
  } catch (const Json::exception& problem) {
    error = problem.what();
    return std::nullopt;
  }
}

std::string ResultsTable(const CheckResults& results) {
  Table table({{"operator"},
               {"invariant"},
               {"cases", Align::kRight},
               {"undecided", Align::kRight},
               {"violations", Align::kRight},
               {"verdict"},
               {"found after", Align::kRight},
               {"shrunk to"}});
  for (const ResultRow& row : results.rows) {
    std::string found;
    std::string size;
    if (row.finding) {
      found = fmt::format("{:.2f} s", row.finding->seconds);
      size = fmt::format("{} {}, {} {}", row.finding->heads,
                         row.finding->heads == 1 ? "head" : "heads", row.finding->tokens,
                         row.finding->tokens == 1 ? "token" : "tokens");
    }
    table.AddRow({row.op, row.invariant, Grouped(row.cases), Grouped(row.undecided),
                  Grouped(row.violations), VerdictWord(row.cases, row.undecided, row.violations),
                  found, size});
  }
  return table.Text();
}

std::string Grouped(int64_t count) {
  const std::string digits = fmt::format("{}", count);
  std::string grouped;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) grouped += ' ';
    grouped += digits[i];
  }
  return grouped;
}

}  // namespace maskproof::cli
