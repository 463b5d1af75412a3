#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

#include "cli/campaign.h"
#include "cli/commands.h"
#include "cli/crash_note.h"
#include "cli/files.h"
#include "cli/finding_report.h"
#include "cli/interrupt.h"
#include "cli/ledger.h"
#include "cli/names.h"
#include "cli/progress.h"
#include "cli/recipe_file.h"
#include "cli/results.h"
#include "properties/profile/measure.h"
#include "properties/subjects/held_subject.h"

namespace maskproof::cli {
namespace {

constexpr double kDefaultSeconds = 10.0;

bool ChooseOps(const std::vector<std::string>& words, std::vector<Op>& chosen) {
  chosen.clear();
  for (const std::string& word : words.empty() ? OpNames() : words) {
    const std::optional<Op> op = ParseOp(word);
    if (!op) {
      Fail(UnknownWord("operator", word, OpNames()));
      return false;
    }
    if (std::ranges::find(chosen, *op) == chosen.end()) chosen.push_back(*op);
  }
  return true;
}

bool AnyApplies(const CampaignOptions& options) {
  return std::ranges::any_of(options.ops, [&](Op op) {
    return std::ranges::any_of(
        options.invariants, [op](const Invariant* invariant) { return invariant->applies_to(op); });
  });
}

// False after a message.
bool ReadOptions(const CheckArguments& arguments, CampaignOptions& options) {
  if (!ChooseOps(arguments.ops, options.ops)) return false;
  if (!ChooseInvariants(arguments.invariants, options.invariants)) return false;
  if (!AnyApplies(options)) {
    Fail("none of these invariants says anything about these operators");
    return false;
  }
  const std::optional<uint64_t> seed = ParseSeed(arguments.seed);
  if (!seed) {
    Fail(fmt::format("--seed: expected a number below 2^64, got '{}'", Printable(arguments.seed)));
    return false;
  }
  options.seed = *seed;
  if (arguments.largest_tokens > 0) options.limits.max_keys = arguments.largest_tokens;
  if (arguments.largest_heads > 0) {
    options.limits.max_heads = std::min(options.limits.max_heads, arguments.largest_heads);
  }
  if (arguments.largest_head_size > 0) {
    options.limits.max_head_size =
        std::min(options.limits.max_head_size, arguments.largest_head_size);
  }
  if (arguments.cases > 0) options.cases_per_pair = arguments.cases;
  if (!arguments.time.empty()) {
    options.seconds = ParseDuration(arguments.time);
    if (!options.seconds) {
      Fail(fmt::format("--time: expected a duration like 10s, 2m or 1h, got '{}'",
                       Printable(arguments.time)));
      return false;
    }
  } else if (!options.cases_per_pair) {
    options.seconds = kDefaultSeconds;
  }
  return true;
}

// `stem`, or else the first of stem-2, stem-3, ... of which `directory` has no recipe, or this one:
// what another run found may not be mended yet.
std::string FreeStem(const OutputDirectory& directory, const std::string& stem,
                     const Recipe& recipe) {
  std::string name = stem;
  for (int number = 2;; ++number) {
    const std::string file = directory.File(name + ".recipe");
    std::error_code ignored;
    if (!std::filesystem::exists(file, ignored)) return name;
    std::string error;
    const std::optional<Recipe> other = ReadRecipe(file, error);
    if (other && ToText(*other) == ToText(recipe)) return name;
    name = fmt::format("{}-{}", stem, number);
  }
}

// Writes both files of a finding and gives the summary for the table, without a file after a
// message.
FindingSummary WriteFinding(const CheckArguments& arguments, const PairResult& pair,
                            const CampaignFinding& finding, Subject& subject,
                            const OutputDirectory& directory) {
  const std::string stem = FreeStem(
      directory,
      SafeFileName(fmt::format("{}-{}-{}", pair.invariant->id, OpName(pair.op), subject.name())),
      finding.recipe);
  const std::string file = directory.File(stem + ".recipe");
  std::string origin =
      fmt::format("after {:.2f} s as case {} of seed {}; {} simpler recipes tried", finding.seconds,
                  finding.case_index, arguments.seed, finding.shrink_tries);
  if (!finding.reproduced) origin += "; it did not happen again when rerun";
  const FindingText text = {
      .invariant = pair.invariant,
      .recipe = finding.recipe,
      .verdict = finding.verdict,
      .run = finding.run ? &*finding.run : nullptr,
      .origin = origin,
      .command = ReplayCommand(file, arguments.subject, arguments.dialect, *pair.invariant)};
  std::string error;
  const bool written =
      WriteFileAtomically(file, RecipeFileText(text, subject), error) &&
      WriteFileAtomically(directory.File(stem + ".txt"), ReportFileText(text, subject), error);
  if (!written) Fail(error);
  const RecipeSize size = SizeOf(finding.recipe);
  return {.file = written ? file : "",
          .seconds = finding.seconds,
          .heads = size.heads,
          .tokens = size.tokens,
          .summary = Printable(finding.verdict.evidence.summary),
          .reproduced = finding.reproduced};
}

ResultRow RowOf(const PairResult& pair, const Subject& subject) {
  return {.op = OpName(pair.op),
          .invariant = pair.invariant->id,
          .target = subject.target(),
          .cases = pair.cases,
          .undecided = pair.undecided,
          .violations = pair.violations,
          .not_applicable = pair.not_applicable,
          .finding = std::nullopt};
}

void PrintResults(const CheckResults& results) {
  fmt::print("{}\n", ResultsTable(results));
  for (const ResultRow& row : results.rows) {
    if (!row.finding) continue;
    fmt::print("{} on {}: {}\n  {}{}\n", row.invariant, row.op, row.finding->summary,
               row.finding->file.empty() ? "(could not be written)" : row.finding->file,
               row.finding->reproduced ? "" : "  (did not happen again when rerun)");
  }
  if (!results.coverage.empty()) fmt::print("{}\n", CoverageText(results.coverage));
  const int64_t findings = results.Findings();
  fmt::print("{} {} in {} cases ({} undecided), {:.1f} s{}\n", findings,
             findings == 1 ? "finding" : "findings", Grouped(results.Cases()),
             Grouped(results.Undecided()), results.seconds,
             results.interrupted ? ", interrupted" : "");
}

// True after a message.
bool NothingJudged(const CheckResults& results) {
  if (results.Cases() > results.Undecided()) return false;
  int64_t not_applicable = 0;
  for (const ResultRow& row : results.rows) not_applicable += row.not_applicable;
  Fail(fmt::format("nothing was judged: {} cases drawn, {} of them not applicable, {} undecided",
                   results.Cases() + not_applicable, not_applicable, results.Undecided()));
  return true;
}

std::vector<LedgerEntry> LedgerEntries(const CheckArguments& arguments,
                                       const CampaignResult& campaign,
                                       const CheckResults& results) {
  std::vector<LedgerEntry> entries;
  for (const PairResult& pair : campaign.pairs) {
    for (const ClassRatio& ratio : pair.ratios) {
      entries.push_back({.subject = results.subject,
                         .op = OpName(pair.op),
                         .invariant = pair.invariant->id,
                         .recipe_class = ratio.recipe_class,
                         .seed = results.seed,
                         .largest_tokens = arguments.largest_tokens,
                         .largest_heads = arguments.largest_heads,
                         .largest_head_size = arguments.largest_head_size,
                         .dialect = results.dialect,
                         .measured_profile = arguments.measured_profile,
                         .drawn = pair.drawn,
                         .cases = ratio.cases,
                         .largest = ratio.largest});
    }
  }
  return entries;
}

// The ledger of the file, an empty one if there is no such file; nullopt after a message.
std::optional<Ledger> OpenLedger(const std::string& file, bool quiet) {
  constexpr size_t kMostBytes = size_t{64} << 20;
  std::string error;
  if (!std::filesystem::exists(file)) return Ledger();
  const std::optional<std::string> text = ReadFile(file, kMostBytes, error);
  std::optional<Ledger> ledger = text ? Ledger::FromJson(*text, error) : std::nullopt;
  if (!ledger) Fail(fmt::format("--ledger: {}: {}", Printable(file), Printable(error)));
  if (ledger && ledger->outdated() && !quiet) {
    fmt::print("{} was made with another version of the generator: begun anew\n", Printable(file));
  }
  return ledger;
}

// Compares, says what got worse, and records. The exit code.
int KeepLedger(const CheckArguments& arguments, Ledger ledger,
               const std::vector<LedgerEntry>& entries) {
  const std::vector<LedgerChange> worse = ledger.Worse(entries);
  for (const LedgerChange& change : worse) {
    if (arguments.quiet) break;
    fmt::print("worse than recorded: {} on {}, {}: {:.4f} of the bound, was {:.4f}\n",
               change.now.invariant, change.now.op, change.now.recipe_class, change.now.largest,
               change.recorded.largest);
  }
  if (!worse.empty() && !arguments.ledger_accept) return kExitFindings;
  ledger.Update(entries);
  std::string error;
  if (!WriteFileAtomically(arguments.ledger, ledger.ToJson(), error)) return Fail(error);
  return kExitClean;
}

// Holds the subject to the arithmetic that is measured; null after a message.
std::unique_ptr<Subject> HeldToMeasuredProfile(std::unique_ptr<Subject> subject) {
  std::string failure;
  const std::optional<MeasuredProfile> measured = MeasureProfile(*subject, failure);
  if (!measured) {
    Fail(fmt::format("--measured-profile: cannot measure {}: {}", Printable(subject->name()),
                     Printable(failure)));
    return nullptr;
  }
  auto held = std::make_unique<HeldSubject>(std::move(subject));
  held->held_to().profile = measured->profile;
  return held;
}

}  // namespace

int RunCheck(const CheckArguments& arguments) {
  CampaignOptions options;  // the clock starts here
  if (!ReadOptions(arguments, options)) return kExitUsage;
  std::string error;
  const OutputDirectory directory(arguments.out, error);
  if (!directory.ok()) return Fail(error);
  if (!arguments.json.empty() && !CanWriteFile(arguments.json, error)) return Fail(error);
  options.keep_coverage = arguments.coverage;
  std::optional<Ledger> ledger;
  if (!arguments.ledger.empty()) {
    ledger = OpenLedger(arguments.ledger, arguments.quiet);
    if (!ledger) return kExitUsage;
    if (!CanWriteFile(arguments.ledger, error)) return Fail(error);
    options.keep_ratios = true;
  }
  std::unique_ptr<Subject> subject = OpenSubject(arguments.subject, arguments.dialect);
  if (subject != nullptr && arguments.measured_profile) {
    subject = HeldToMeasuredProfile(std::move(subject));
  }
  if (subject == nullptr) return kExitUsage;
  CatchInterrupts();
  CatchCrashes();

  if (!arguments.quiet) {
    fmt::print("checking {} (target {}), seed {}\n", Printable(subject->name()),
               Printable(subject->target()), options.seed);
    (void)std::fflush(stdout);
  }
  CampaignResult campaign;
  {
    ProgressLine line(!arguments.quiet);
    campaign = RunCampaign(*subject, options,
                           [&line](const CampaignProgress& progress) { line.Show(progress); });
  }

  CheckResults results;
  results.version = MASKPROOF_VERSION;
  results.subject = subject->name();
  results.dialect = DialectOf(subject->promises().dialect).name;
  results.seed = options.seed;
  results.interrupted = campaign.interrupted;
  bool all_written = true;
  for (const PairResult& pair : campaign.pairs) {
    ResultRow& row = results.rows.emplace_back(RowOf(pair, *subject));
    if (!pair.finding) continue;
    row.finding = WriteFinding(arguments, pair, *pair.finding, *subject, directory);
    all_written = all_written && !row.finding->file.empty();
  }
  if (arguments.coverage) results.coverage = CoverageOf(campaign);
  results.seconds = SecondsBetween(options.start, Clock::now());
  if (!arguments.quiet) PrintResults(results);
  if (!arguments.json.empty() && !WriteFileAtomically(arguments.json, ToJson(results), error)) {
    return Fail(error);
  }
  const int kept = ledger ? KeepLedger(arguments, std::move(*ledger),
                                       LedgerEntries(arguments, campaign, results))
                          : kExitClean;
  if (kept == kExitUsage || !all_written) return kExitUsage;
  if (results.Findings() > 0) return kExitFindings;
  if (kept != kExitClean) return kept;
  if (results.interrupted) return kExitInterrupted;
  return NothingJudged(results) ? kExitUsage : kExitClean;
}

}  // namespace maskproof::cli
