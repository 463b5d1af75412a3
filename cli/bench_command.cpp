#include <fmt/format.h>

#include <array>
#include <cctype>
#include <charconv>
#include <cstdio>
#include <regex>

#include "bench/contender.h"
#include "bench/machine.h"
#include "bench/problem.h"
#include "bench/report.h"
#include "bench/run.h"
#include "cli/bench_tables.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/interrupt.h"
#include "cli/names.h"
#include "maskproof/kernels/execution.h"

namespace maskproof::cli {
namespace {

// "B,S,N,H"; all four at least 1 and together of a size that fits into memory.
std::optional<bench::Shape> ParseShape(std::string_view text) {
  constexpr int64_t kMost = 1 << 16;
  std::array<int64_t, 4> numbers{};
  const char* at = text.data();
  const char* const end = at + text.size();
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (i > 0) {
      if (at == end || *at != ',') return std::nullopt;
      ++at;
    }
    const auto [after, failure] = std::from_chars(at, end, numbers[i]);
    if (failure != std::errc() || numbers[i] < 1 || numbers[i] > kMost) return std::nullopt;
    at = after;
  }
  if (at != end) return std::nullopt;
  return bench::Shape{.batch = numbers[0],
                      .queries = numbers[1],
                      .keys = numbers[1],
                      .heads = numbers[2],
                      .head_size = numbers[3]};
}

// False after a message.
bool ChooseGroups(const BenchArguments& arguments, std::vector<bench::Group>& groups) {
  std::optional<bench::Shape> only;
  if (!arguments.shape.empty()) {
    only = ParseShape(arguments.shape);
    if (!only) {
      Fail(fmt::format("--shape: expected B,S,N,H like 1,512,12,64, got '{}'",
                       Printable(arguments.shape)));
      return false;
    }
  }
  groups = bench::Catalogue(only);
  if (arguments.filter.empty()) return true;
  std::regex filter;
  try {
    filter.assign(arguments.filter);
  } catch (const std::regex_error& problem) {
    Fail(fmt::format("--filter: '{}': {}", Printable(arguments.filter), problem.what()));
    return false;
  }
  for (bench::Group& group : groups) {
    std::erase_if(group.specs, [&](const bench::Spec& spec) {
      return !std::regex_search(bench::CaseName(group, spec), filter);
    });
  }
  std::erase_if(groups, [](const bench::Group& group) { return group.specs.empty(); });
  if (!groups.empty()) return true;
  Fail(fmt::format("--filter: no case matches '{}'; 'maskproof bench --list' shows all of them",
                   Printable(arguments.filter)));
  return false;
}

// False after a message.
bool OpenContenders(const BenchArguments& arguments, bench::RunOptions& options) {
  const std::vector<std::string> best = {""};
  for (const std::string& target : arguments.targets.empty() ? best : arguments.targets) {
    std::unique_ptr<bench::Implementation> ours = bench::MakeOurs(target);
    if (ours == nullptr) {
      std::vector<std::string> known;
      for (const kernels::Target& one : kernels::SupportedTargets()) known.emplace_back(one.name);
      Fail(UnknownWord("target", target, known));
      return false;
    }
    options.implementations.push_back(std::move(ours));
  }
  for (const std::string& specification : arguments.peers) {
    std::string error;
    std::unique_ptr<bench::Implementation> peer = bench::MakePeer(specification, error);
    if (peer == nullptr) {
      Fail(
          fmt::format("cannot open the peer '{}': {}", Printable(specification), Printable(error)));
      return false;
    }
    options.implementations.push_back(std::move(peer));
  }
  return true;
}

// False after a message.
bool ReadOptions(const BenchArguments& arguments, size_t groups, bench::RunOptions& options) {
  if (!arguments.threads.empty()) options.threads = arguments.threads;
  if (arguments.rounds > 0) options.rounds = arguments.rounds;
  if (!arguments.time.empty()) {
    const std::optional<double> seconds = ParseDuration(arguments.time);
    if (!seconds) {
      Fail(fmt::format("--time: expected a duration like 10s, 2m or 1h, got '{}'",
                       Printable(arguments.time)));
      return false;
    }
    options.seconds = *seconds / static_cast<double>(groups);
  }
  options.cancelled = Interrupted;
  if (!arguments.cpu_time) return true;
  if (options.threads != std::vector<int>{1}) {
    Fail("--cpu-time counts all threads together, so it goes with --threads 1 only");
    return false;
  }
  options.time = bench::TimeKind::kProcessor;
  return true;
}

int PrintList(const std::vector<bench::Group>& groups) {
  for (const bench::Group& group : groups) {
    for (const bench::Spec& spec : group.specs) fmt::print("{}\n", bench::CaseName(group, spec));
  }
  return kExitClean;
}

void PrintGroup(const bench::Results& results, size_t first_row) {
  const auto rows = std::span(results.rows).subspan(first_row);
  if (!rows.empty()) fmt::print("{}\n", BenchTable(rows).Text());
  (void)std::fflush(stdout);
}

void PrintSummary(const bench::Results& results) {
  if (!bench::Gains(results).empty()) fmt::print("{}\n", GainTable(results).Text());
  fmt::print("{}\n{}", PeakTable(results).Text(), BenchNotes(results));
  if (results.interrupted) fmt::print("interrupted\n");
}

}  // namespace

int RunBench(const BenchArguments& arguments) {
  std::vector<bench::Group> groups;
  if (!ChooseGroups(arguments, groups)) return kExitUsage;
  if (arguments.list) return PrintList(groups);
  bench::RunOptions options;
  if (!ReadOptions(arguments, groups.size(), options)) return kExitUsage;
  std::string error;
  for (const std::string& file : {arguments.json, arguments.svg, arguments.markdown}) {
    if (!file.empty() && !CanWriteFile(file, error)) return Fail(error);
  }
  if (!OpenContenders(arguments, options)) return kExitUsage;
  CatchInterrupts();

  const bench::MachineInfo machine = bench::DescribeMachine();
  if (!arguments.quiet) {
    fmt::print("{}, {} processors, best target {}, {}\n\n", machine.processor, machine.processors,
               machine.best_target, machine.compiler);
  }
  bench::Results results;
  for (const bench::Group& group : groups) {
    const size_t first_row = results.rows.size();
    bench::RunGroup(group, options, results);
    if (!arguments.quiet) PrintGroup(results, first_row);
    if (results.interrupted) break;
  }
  if (!arguments.quiet) PrintSummary(results);

  const auto write = [&error](const std::string& file, const auto& text) {
    return file.empty() || WriteFileAtomically(file, text(), error);
  };
  if (!write(arguments.json, [&] { return bench::ToJson(results, machine, MASKPROOF_VERSION); }) ||
      !write(arguments.svg, [&] { return bench::ToSvg(results, machine); }) ||
      !write(arguments.markdown, [&] { return BenchMarkdown(results, machine); })) {
    return Fail(error);
  }
  return kExitClean;
}

}  // namespace maskproof::cli
