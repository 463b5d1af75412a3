#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/json.h"
#include "cli/names.h"
#include "cli/sharpness.h"
#include "cli/table.h"

namespace maskproof::cli {
namespace {

std::string Share(int64_t part, int64_t whole) {
  if (whole == 0) return "-";
  return fmt::format("{:.1f}%", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

}  // namespace

std::string SharpnessTable(const SharpnessResults& results, bool markdown) {
  std::vector<Column> columns = {{"data"}, {"fault"}, {"cases", Align::kRight}};
  for (const char* yardstick : kYardsticks) columns.emplace_back(yardstick, Align::kRight);
  Table faults(columns);
  for (const SharpnessRow& row : results.rows) {
    std::vector<std::string> cells = {row.data, row.fault, fmt::format("{}", row.visible)};
    for (const int64_t noticed : row.noticed) cells.push_back(Share(noticed, row.visible));
    faults.AddRow(cells);
  }
  Table ratios({{"data"},
                {"profile"},
                {"largest error / bound", Align::kRight},
                {"median of the cases' largest", Align::kRight}});
  for (const SharpnessRatio& ratio : results.ratios) {
    ratios.AddRow({ratio.data, ratio.profile, fmt::format("{:.3f}", ratio.largest),
                   fmt::format("{:.3f}", ratio.median)});
  }
  if (markdown) return faults.Markdown() + "\n" + ratios.Markdown();
  return faults.Text() + "\n" + ratios.Text();
}

std::string ToJson(const SharpnessResults& results) {
  Json json = {{"version", MASKPROOF_VERSION}, {"seed", results.seed}, {"cases", results.cases}};
  for (const SharpnessRow& row : results.rows) {
    Json noticed;
    for (size_t y = 0; y < kYardsticks.size(); ++y) noticed[kYardsticks[y]] = row.noticed[y];
    json["faults"].push_back(
        {{"data", row.data}, {"fault", row.fault}, {"visible", row.visible}, {"noticed", noticed}});
  }
  for (const SharpnessRatio& ratio : results.ratios) {
    json["ratios"].push_back({{"data", ratio.data},
                              {"profile", ratio.profile},
                              {"largest", ratio.largest},
                              {"median", ratio.median}});
  }
  return json.dump(2) + "\n";
}

int RunSharpness(const SharpnessArguments& arguments) {
  const std::optional<uint64_t> seed = ParseSeed(arguments.seed);
  if (!seed) {
    return Fail(
        fmt::format("--seed: expected a number below 2^64, got '{}'", Printable(arguments.seed)));
  }
  std::string error;
  for (const std::string& file : {arguments.json, arguments.markdown}) {
    if (!file.empty() && !CanWriteFile(file, error)) return Fail(error);
  }
  const SharpnessResults results = MeasureSharpness(arguments.cases, *seed);
  fmt::print("{}", SharpnessTable(results, false));
  if (!arguments.json.empty() && !WriteFileAtomically(arguments.json, ToJson(results), error)) {
    return Fail(error);
  }
  if (!arguments.markdown.empty() &&
      !WriteFileAtomically(arguments.markdown, SharpnessTable(results, true), error)) {
    return Fail(error);
  }
  return kExitClean;
}

}  // namespace maskproof::cli
