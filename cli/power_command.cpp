#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <system_error>

#include "cli/commands.h"
#include "cli/files.h"
#include "cli/interrupt.h"
#include "cli/names.h"
#include "cli/power_results.h"

namespace maskproof::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kIsolated = "isolated:";
constexpr std::string_view kPlanted = "planted:";

// What is to be tried, before it has been.
std::vector<PowerRow> RowsFor(const PowerArguments& arguments) {
  std::vector<PowerRow> rows;
  std::vector<std::string> controls = arguments.controls;
  std::vector<std::string> subjects = arguments.subjects;
  if (subjects.empty()) {
    for (const PlantedDefect& defect : PlantedDefects()) {
      if (!defect.harness) subjects.push_back(fmt::format("{}{}", kPlanted, defect.name));
    }
    if (controls.empty()) controls = {"planted:none", "kernels"};
  }
  for (const std::string& subject : subjects) {
    PowerRow& row = rows.emplace_back();
    row.subject = subject;
    for (const PlantedDefect& defect : PlantedDefects()) {
      if (!subject.ends_with(fmt::format("{}{}", kPlanted, defect.name))) continue;
      row.what = defect.what;
      row.sanitizer = defect.sanitizer;
      row.heads = defect.heads;
      row.tokens = defect.tokens;
    }
  }
  for (const std::string& control : controls) {
    PowerRow& row = rows.emplace_back();
    row.subject = control;
    row.control = true;
  }
  return rows;
}

// A wrong kernel may crash, so each runs in a process of its own. Foreign code does anyway.
std::string Isolated(const std::string& subject) {
  const bool already = subject.starts_with(kIsolated) || subject.starts_with("onnxruntime");
  return already ? subject : std::string(kIsolated) + subject;
}

// The folders that hold vectors for the CPU, one after the other. Empty if there are none.
std::vector<Vector> CpuVectors(const std::string& folder) {
  std::vector<Vector> vectors;
  for (const char* name : {"ort", "ort_v1.13.1"}) {
    const fs::path path = fs::path(folder) / name;
    std::error_code code;
    if (!fs::is_directory(path, code)) continue;
    std::vector<std::string> left_out;
    for (Vector& v : ReadVectors(path.string(), left_out)) {
      if (v.runs_on_cpu) vectors.push_back(std::move(v));
    }
  }
  return vectors;
}

// False after a message.
bool ReadOptions(const PowerArguments& arguments, HuntOptions& options) {
  const std::optional<uint64_t> seed = ParseSeed(arguments.seed);
  if (!seed) {
    Fail(fmt::format("--seed: expected a number below 2^64, got '{}'", Printable(arguments.seed)));
    return false;
  }
  options.seed = *seed;
  const std::optional<double> budget = ParseDuration(arguments.budget);
  if (!budget) {
    Fail(fmt::format("--budget: expected a duration like 10s or 1m, got '{}'",
                     Printable(arguments.budget)));
    return false;
  }
  options.seconds = *budget;
  options.shrink = !arguments.no_shrink;
  return true;
}

// False after a message.
bool Fill(PowerRow& row, const std::vector<Vector>& vectors, bool random,
          const HuntOptions& options) {
  const std::unique_ptr<Subject> subject = OpenSubject(Isolated(row.subject));
  if (subject == nullptr) return false;
  row.suite = HuntWithSuite(*subject, options);
  if (!vectors.empty()) row.vectors = HuntWithVectors(*subject, vectors, options);
  if (random) row.random = HuntWithRandomInputs(*subject, options);
  return true;
}

// Everybody was caught, nobody was accused wrongly.
bool AllIsWell(const PowerResults& results) {
  return std::ranges::all_of(results.rows, [](const PowerRow& row) {
    return row.suite.caught != row.control || (!row.control && !row.sanitizer.empty());
  });
}

}  // namespace

int RunPower(const PowerArguments& arguments) {
  HuntOptions options;
  if (!ReadOptions(arguments, options)) return kExitUsage;
  std::string error;
  for (const std::string& file : {arguments.json, arguments.svg, arguments.markdown}) {
    if (!file.empty() && !CanWriteFile(file, error)) return Fail(error);
  }
  std::vector<PowerRow> rows = RowsFor(arguments);
  for (const PowerRow& row : rows) {  // a slip of the pen shows before the work
    if (OpenSubject(row.subject) == nullptr) return kExitUsage;
  }
  std::vector<Vector> vectors;
  if (!arguments.suite_only) vectors = CpuVectors(arguments.vectors);
  CatchInterrupts();

  PowerResults results;
  results.version = MASKPROOF_VERSION;
  results.seed = options.seed;
  results.budget = options.seconds;
  results.random = !arguments.suite_only;
  results.vectors = static_cast<int64_t>(vectors.size());
  for (size_t i = 0; i < rows.size() && !Interrupted(); ++i) {
    if (!arguments.quiet) {
      fmt::print(stderr, "{} of {}: {}\n", i + 1, rows.size(), Printable(rows[i].subject));
    }
    if (!Fill(rows[i], vectors, results.random, options)) return kExitUsage;
    if (!Interrupted()) results.rows.push_back(std::move(rows[i]));
  }
  results.interrupted = results.rows.size() < rows.size();

  const bench::MachineInfo machine = bench::DescribeMachine();
  if (!arguments.quiet) {
    fmt::print("{}\n{}{}{}", PowerTable(results).Text(), PowerTotals(results).Text(),
               PowerNotes(results).empty() ? "" : "\n", PowerNotes(results));
    if (vectors.empty() && !arguments.suite_only)
      fmt::print("\nno vectors in {}\n", Printable(arguments.vectors));
  }
  const auto write = [&error](const std::string& file, const auto& text) {
    return file.empty() || WriteFileAtomically(file, text(), error);
  };
  if (!write(arguments.json, [&] { return ToJson(results, machine); }) ||
      !write(arguments.svg, [&] { return PowerSvg(results, machine); }) ||
      !write(arguments.markdown, [&] { return PowerMarkdown(results, machine); })) {
    return Fail(error);
  }
  if (!AllIsWell(results)) return kExitFindings;
  return results.interrupted ? kExitInterrupted : kExitClean;
}

}  // namespace maskproof::cli
