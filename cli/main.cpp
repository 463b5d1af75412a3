// maskproof: checks masked-attention kernels against the laws that every correct one obeys.
#include <fmt/format.h>

#if defined(__linux__)
#include <malloc.h>
#endif

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>

#include "cli/commands.h"

namespace {

using namespace maskproof::cli;

constexpr const char* kSubjectHelp =
    "what to check: kernels[:TARGET[,threads=N][,fully_masked=zero]], onnxruntime:VERSION|PATH, "
    "planted:NAME";
constexpr const char* kDialectHelp =
    "what a mask is held to mean: claimed, or a name of 'list dialects'";
constexpr const char* kWrongHelp =
    "a wrong subject, named as for check (repeatable; default: all planted bugs)";
constexpr const char* kControlHelp =
    "a correct subject, which must not be caught (repeatable; default: planted:none, kernels)";
constexpr const char* kInvariantHelp = "only this invariant (repeatable)";

void AddCheck(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<CheckArguments>();
  CLI::App* command = app.add_subcommand("check", "Look for cases that break an invariant");
  command->add_option("-s,--subject", arguments->subject, kSubjectHelp)->required();
  command->add_option("--dialect", arguments->dialect, kDialectHelp)
      ->capture_default_str()
      ->type_name("NAME");
  command->add_option("--op", arguments->ops, "only this operator (repeatable)")
      ->type_name("Attention|QAttention|Core")
      ->allow_extra_args(false);
  command->add_option("--invariant", arguments->invariants, kInvariantHelp)
      ->type_name("ID")
      ->allow_extra_args(false);
  command->add_option("--cases", arguments->cases, "cases per operator and invariant")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command->add_option("--time", arguments->time, "total time: 10s, 2m, 1h (default 10s)")
      ->type_name("T");
  command->add_option("--seed", arguments->seed, "which random cases")
      ->capture_default_str()
      ->type_name("X");
  command->add_option("--largest-tokens", arguments->largest_tokens, "no case with more keys")
      ->type_name("T")
      ->check(CLI::PositiveNumber);
  command->add_option("--largest-heads", arguments->largest_heads, "no case with more heads")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--largest-head-size", arguments->largest_head_size, "no case with wider heads")
      ->type_name("H")
      ->check(CLI::PositiveNumber);
  command->add_option("--json", arguments->json, "write the results to this file")
      ->type_name("FILE");
  command->add_option("--out", arguments->out, "directory for findings")
      ->capture_default_str()
      ->type_name("DIR");
  command->add_flag("--measured-profile", arguments->measured_profile,
                    "first measure the subject's arithmetic, and judge by that");
  command->add_flag("--coverage", arguments->coverage,
                    "say which corners of the space of recipes were reached");
  CLI::Option* const ledger =
      command
          ->add_option("--ledger", arguments->ledger, "compare with and keep this record of errors")
          ->type_name("FILE");
  command
      ->add_flag("--ledger-accept", arguments->ledger_accept,
                 "record what got worse instead of reporting it as a finding")
      ->needs(ledger);
  command->add_flag("-q,--quiet", arguments->quiet, "print nothing but errors");
  command->callback([arguments, &exit_code] { exit_code = RunCheck(*arguments); });
}

void AddProfile(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<ProfileArguments>();
  CLI::App* command =
      app.add_subcommand("profile", "Measure in which order and how exactly a subject computes");
  command->add_option("-s,--subject", arguments->subject, kSubjectHelp)->required();
  command->add_option("--json", arguments->json, "write the results to this file")
      ->type_name("FILE");
  command->callback([arguments, &exit_code] { exit_code = RunProfile(*arguments); });
}

void AddReplay(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<ReplayArguments>();
  CLI::App* command = app.add_subcommand("replay", "Run recipe files, or directories of them");
  command->add_option("files", arguments->files, "recipe files or directories")
      ->required()
      ->type_name("FILE");
  command->add_option("-s,--subject", arguments->subject, kSubjectHelp)->required();
  command->add_option("--dialect", arguments->dialect, kDialectHelp)
      ->capture_default_str()
      ->type_name("NAME");
  command->add_option("--invariant", arguments->invariants, kInvariantHelp)
      ->type_name("ID")
      ->allow_extra_args(false);
  command->add_flag("-q,--quiet", arguments->quiet, "verdicts without the details");
  command->callback([arguments, &exit_code] { exit_code = RunReplay(*arguments); });
}

void AddList(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<ListArguments>();
  CLI::App* command =
      app.add_subcommand("list", "List subjects, invariants, SIMD targets or dialects");
  command->add_option("what", arguments->what, "subjects, invariants, targets or dialects")
      ->required()
      ->type_name("WHAT");
  command->add_flag("--markdown", arguments->markdown, "as a Markdown table");
  command->callback([arguments, &exit_code] { exit_code = RunList(*arguments); });
}

void AddReport(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<ReportArguments>();
  CLI::App* command = app.add_subcommand("report", "One table from the JSON of several checks");
  command->add_option("files", arguments->files, "JSON files of check")
      ->required()
      ->type_name("JSON");
  command->add_flag("--summary", arguments->summary, "one row per subject");
  command->add_flag("--markdown", arguments->markdown, "as a Markdown table");
  command->callback([arguments, &exit_code] { exit_code = RunReport(*arguments); });
}

void AddShow(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<ShowArguments>();
  CLI::App* command = app.add_subcommand("show", "Show the case that a recipe file stands for");
  command->add_option("file", arguments->file, "recipe file")->required()->type_name("FILE");
  command->callback([arguments, &exit_code] { exit_code = RunShow(*arguments); });
}

void AddBench(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<BenchArguments>();
  CLI::App* command = app.add_subcommand("bench", "Time our kernels beside others, in turn");
  command->add_option("--filter", arguments->filter, "only cases whose name matches")
      ->type_name("REGEX");
  command
      ->add_option("--peer", arguments->peers,
                   "beside what: onnxruntime:VERSION|PATH, openblas, onednn (repeatable)")
      ->type_name("PEER")
      ->allow_extra_args(false);
  command->add_option("--threads", arguments->threads, "number of threads (repeatable; default 1)")
      ->type_name("N")
      ->check(CLI::Range(1, 1024))
      ->allow_extra_args(false);
  command->add_option("--target", arguments->targets, "SIMD target of our kernels (repeatable)")
      ->type_name("TARGET")
      ->allow_extra_args(false);
  command->add_option("--shape", arguments->shape, "these sizes instead of the usual ones")
      ->type_name("B,S,N,H");
  CLI::Option* const rounds =
      command->add_option("--rounds", arguments->rounds, "rounds of every group (default 15)")
          ->type_name("N")
          ->check(CLI::PositiveNumber);
  command->add_option("--time", arguments->time, "total time instead: 10s, 2m, 1h")
      ->type_name("T")
      ->excludes(rounds);
  command->add_option("--json", arguments->json, "write all results to this file")
      ->type_name("FILE");
  command->add_option("--svg", arguments->svg, "write a plot to this file")->type_name("FILE");
  command->add_option("--markdown", arguments->markdown, "write the tables to this file")
      ->type_name("FILE");
  command->add_flag("--cpu-time", arguments->cpu_time,
                    "count processor time, not wall time: for one thread on a busy machine");
  command->add_flag("--list", arguments->list, "only show the names of the cases");
  command->add_flag("-q,--quiet", arguments->quiet, "print nothing but errors");
  command->callback([arguments, &exit_code] { exit_code = RunBench(*arguments); });
}

void AddSharpness(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<SharpnessArguments>();
  CLI::App* command = app.add_subcommand(
      "sharpness", "Which small faults the oracle notices, and other tolerances");
  command->add_option("--cases", arguments->cases, "cases of each class of data")
      ->capture_default_str()
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  command->add_option("--seed", arguments->seed, "which random cases")
      ->capture_default_str()
      ->type_name("X");
  command->add_option("--json", arguments->json, "write the results to this file")
      ->type_name("FILE");
  command->add_option("--markdown", arguments->markdown, "write the tables to this file")
      ->type_name("FILE");
  command->callback([arguments, &exit_code] { exit_code = RunSharpness(*arguments); });
}

void AddPower(CLI::App& app, int& exit_code) {
  auto arguments = std::make_shared<PowerArguments>();
  CLI::App* command =
      app.add_subcommand("power", "Measure how soon planted bugs are caught, and by whom");
  command->add_option("-s,--subject", arguments->subjects, kWrongHelp)
      ->type_name("S")
      ->allow_extra_args(false);
  command->add_option("--control", arguments->controls, kControlHelp)
      ->type_name("S")
      ->allow_extra_args(false);
  command->add_option("--budget", arguments->budget, "processor time for each: 10s, 1m")
      ->capture_default_str()
      ->type_name("T");
  command->add_option("--seed", arguments->seed, "which random cases")
      ->capture_default_str()
      ->type_name("X");
  command->add_option("--vectors", arguments->vectors, "folder of other people's test vectors")
      ->type_name("DIR");
  command->add_flag("--no-shrink", arguments->no_shrink, "leave findings as large as they are");
  command->add_flag("--suite-only", arguments->suite_only,
                    "leave out what the suite is measured against");
  command->add_option("--json", arguments->json, "write the results to this file")
      ->type_name("FILE");
  command->add_option("--svg", arguments->svg, "write a plot to this file")->type_name("FILE");
  command->add_option("--markdown", arguments->markdown, "write the tables to this file")
      ->type_name("FILE");
  command->add_flag("-q,--quiet", arguments->quiet, "print nothing but errors");
  command->callback([arguments, &exit_code] { exit_code = RunPower(*arguments); });
}

int Main(int argc, char** argv) {
  CLI::App app(
      "Checks masked-attention kernels against the laws that every correct one obeys.\n"
      "Exit code: 0 nothing found, 1 an invariant is broken, 2 usage or set-up error,\n"
      "3 interrupted before anything was found.");
  app.name("maskproof");
  app.set_version_flag("--version", "maskproof " MASKPROOF_VERSION);
  app.require_subcommand(1);
  int exit_code = kExitClean;
  AddCheck(app, exit_code);
  AddProfile(app, exit_code);
  AddReplay(app, exit_code);
  AddList(app, exit_code);
  AddReport(app, exit_code);
  AddShow(app, exit_code);
  AddBench(app, exit_code);
  AddSharpness(app, exit_code);
  AddPower(app, exit_code);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? kExitClean : kExitUsage;
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
#if defined(__GLIBC__)
  // A campaign gives memory back and takes it again for every case: let the heap keep it.
  constexpr int kKept = 64 << 20;
  (void)mallopt(M_TRIM_THRESHOLD, kKept);
  (void)mallopt(M_MMAP_THRESHOLD, 1 << 20);
#endif
  try {
    return Main(argc, argv);
  } catch (const std::exception& problem) {
    (void)std::fprintf(stderr, "maskproof: %s\n", problem.what());
    return kExitUsage;
  }
}
