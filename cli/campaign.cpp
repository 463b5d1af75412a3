#include "cli/campaign.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <utility>

#include "bench/stopwatch.h"
#include "cli/crash_note.h"
#include "cli/interrupt.h"
#include "cli/ledger.h"
#include "cli/names.h"
#include "properties/base/rng.h"
#include "properties/recipe/coverage.h"

namespace maskproof::cli {
namespace {

using std::chrono::milliseconds;

// Some 75 pairs: a round takes well under a second, and yet a slice holds several cases.
constexpr milliseconds kSlice{8};
// A law that keeps several processors busy gets less of one: what laws share is processor time.
constexpr double kSmallestShare = 0.125;
// A pair that is known to be broken only keeps counting.
constexpr milliseconds kBrokenSlice{2};
// Findings that are still big shrink first, so that none is left big when time runs out.
constexpr milliseconds kBigShrinkSlice{24};
constexpr milliseconds kSmallShrinkSlice{4};
// The share of the time after which shrinking what was found comes before finding more.
constexpr double kShrinkOnlyAfter = 0.9;
// Checking every finding once more at the end belongs to the time; at most this share is kept for
// it.
constexpr double kLargestReserve = 0.3;
// A pair to which none of so many cases applied is looked at in every eighth round only.
constexpr int64_t kIdleAfter = 64;
constexpr int64_t kIdleRounds = 8;
// Without a time limit nothing presses.
constexpr ShrinkBudget kPatientShrink = {.seconds = 2.0, .tries = 2000};
constexpr ShrinkBudget kTimedShrink = {.seconds = 0.8, .tries = 2000};
constexpr int kReproduceTries = 3;

class Pair {
 public:
  Pair(Subject& subject, const CampaignOptions& options, Op op, const Invariant& invariant)
      : subject_(&subject), options_(&options) {
    result_.op = op;
    result_.invariant = &invariant;
  }

  const PairResult& result() const { return result_; }
  bool shrinking() const { return shrinker_ && !shrinker_->done(); }
  bool exhausted() const {
    return options_->cases_per_pair && result_.drawn >= *options_->cases_per_pair;
  }

  // What checking the finding once more may take.
  double ReproduceSeconds() const { return check_seconds_; }

  void DrawCases(Clock::time_point now, int64_t round) {
    if (result_.cases == 0 && result_.drawn >= kIdleAfter && round % kIdleRounds != 0) return;
    const Clock::time_point until = now + Slice();
    const bench::Stopwatch processor(bench::TimeKind::kProcessor);
    const CrashNote note = NoteOf("case ", result_.drawn);
    while (!exhausted() && !Interrupted()) {
      CrashNote::SetCase(result_.drawn);
      DrawCase();
      if (Clock::now() >= until) break;
    }
    const double took = SecondsBetween(now, Clock::now());
    const double used = processor.Seconds();
    share_ = used > took ? std::max(took / used, kSmallestShare) : 1.0;
  }

  void Shrink(Clock::time_point now) {
    const CrashNote note = NoteOf("a smaller form of case ", result_.finding->case_index);
    const bool small = SizeOf(shrinker_->recipe()).Small();
    shrinker_->Work(now + (small ? kSmallShrinkSlice : kBigShrinkSlice));
  }

  // Ends the pair's work; its result is no longer here then.
  PairResult Finish() {
    if (shrinker_ && result_.finding) {
      CampaignFinding& finding = *result_.finding;
      finding.recipe = shrinker_->recipe();
      finding.verdict = shrinker_->verdict();
      finding.shrink_tries = shrinker_->tries();
      const CrashNote note = NoteOf("the shrunk form of case ", finding.case_index);
      // Of a subject that is not deterministic the small recipe may have failed by chance.
      if (!Reproduce(finding, shrinker_->recipe())) Reproduce(finding, finding.found);
    }
    return std::move(result_);
  }

 private:
  CrashNote NoteOf(const std::string& before, int64_t index) const {
    return {before, index,
            fmt::format(" of {} on {}, seed {}", result_.invariant->id, OpName(result_.op),
                        options_->seed),
            "To keep what it died of, check it in a process of its own: --subject isolated:..."};
  }

  Clock::duration Slice() const {
    const std::chrono::duration<double> slice =
        shrinker_ ? kBrokenSlice : kSlice * result_.invariant->share;
    return std::chrono::duration_cast<Clock::duration>(slice * share_);
  }

  void DrawCase() {
    const int64_t index = result_.drawn;
    Recipe recipe = CampaignRecipe(*options_, result_.op, *result_.invariant, index);
    const Clock::time_point begin = Clock::now();
    const Case expanded = Expand(recipe);
    Verdict verdict = result_.invariant->check(*subject_, expanded);
    // Ctrl-C reaches an isolated subject's process as well: what it did then proves nothing.
    if (Interrupted()) return;
    ++result_.drawn;
    if (verdict.kind == VerdictKind::kNotApplicable) {
      ++result_.not_applicable;
      return;
    }
    ++result_.cases;
    if (verdict.kind == VerdictKind::kUndecided) ++result_.undecided;
    if (options_->keep_coverage) KeepCoverage(recipe, expanded);
    if (options_->keep_ratios && verdict.kind == VerdictKind::kHolds) KeepRatio(recipe, verdict);
    if (verdict.kind != VerdictKind::kBroken) return;
    ++result_.violations;
    if (shrinker_) return;
    check_seconds_ = SecondsBetween(begin, Clock::now());
    RecordFinding(std::move(recipe), std::move(verdict), index);
  }

  void KeepCoverage(const Recipe& recipe, const Case& expanded) {
    result_.covered.resize(CoverageBinCount());
    for (const uint16_t bin : CoveredBins(recipe, expanded)) result_.covered[bin] = true;
  }

  void KeepRatio(const Recipe& recipe, const Verdict& verdict) {
    if (verdict.worst_ratio <= 0.0) return;
    std::string name = LedgerClass(recipe);
    auto ratio = std::ranges::find(result_.ratios, name, &ClassRatio::recipe_class);
    if (ratio == result_.ratios.end()) {
      ratio = result_.ratios.insert(ratio, {.recipe_class = std::move(name)});
    }
    ++ratio->cases;
    ratio->largest = std::max(ratio->largest, verdict.worst_ratio);
  }

  // Some tries; makes `recipe` the finding's if it breaks the law in one of them.
  bool Reproduce(CampaignFinding& finding, const Recipe& recipe) {
    for (int i = 0; i < kReproduceTries; ++i) {
      RecordingSubject recorder(*subject_);
      Verdict verdict = result_.invariant->check(recorder, Expand(recipe));
      if (verdict.kind != VerdictKind::kBroken) continue;
      finding.reproduced = true;
      finding.recipe = recipe;
      finding.verdict = std::move(verdict);
      if (const RecordedRun* run = GuiltyRun(recorder.runs(), finding.verdict.evidence)) {
        finding.run = *run;
      }
      return true;
    }
    return false;
  }

  void RecordFinding(Recipe recipe, Verdict verdict, int64_t index) {
    CampaignFinding& finding = result_.finding.emplace();
    finding.found = recipe;
    finding.seconds = SecondsBetween(options_->start, Clock::now());
    finding.case_index = index;
    shrinker_ = std::make_unique<Shrinker>(
        *subject_, *result_.invariant, std::move(recipe), std::move(verdict),
        options_->seconds ? kTimedShrink : kPatientShrink, options_->limits);
  }

  Subject* subject_;
  const CampaignOptions* options_;
  PairResult result_;
  std::unique_ptr<Shrinker> shrinker_;  // set once broken
  double check_seconds_ = 0.0;          // that the first broken check took
  double share_ = 1.0;                  // of a slice, where more than one processor works for it
};

class Campaign {
 public:
  Campaign(Subject& subject, const CampaignOptions& options, const ProgressSink& progress)
      : options_(options), progress_(progress) {
    for (const Invariant* invariant : options.invariants) {
      for (const Op op : options.ops) {
        if (invariant->applies_to(op)) pairs_.emplace_back(subject, options, op, *invariant);
      }
    }
  }

  CampaignResult Run() {
    for (int64_t round = 0; !Over(Clock::now()); ++round) {
      for (Pair& pair : pairs_) {
        const Clock::time_point now = Clock::now();
        if (Over(now)) break;
        if (!ShrinkOnly(now)) pair.DrawCases(now, round);
        if (pair.shrinking()) pair.Shrink(Clock::now());
        if (progress_) progress_(Snapshot());
      }
    }
    CampaignResult result;
    result.interrupted = Interrupted();
    for (const Op op : options_.ops) {
      for (Pair& pair : pairs_) {
        if (pair.result().op == op) result.pairs.push_back(pair.Finish());
      }
    }
    result.seconds = Elapsed(Clock::now());
    return result;
  }

 private:
  double Elapsed(Clock::time_point now) const { return SecondsBetween(options_.start, now); }

  bool AnyShrinking() const {
    return std::ranges::any_of(pairs_, [](const Pair& p) { return p.shrinking(); });
  }

  bool Passed(Clock::time_point now, double share) const {
    if (!options_.seconds) return false;
    double reserve = 0.0;
    for (const Pair& pair : pairs_) reserve += pair.ReproduceSeconds();
    reserve = std::min(reserve, kLargestReserve * *options_.seconds);
    return Elapsed(now) + reserve >= share * *options_.seconds;
  }

  bool ShrinkOnly(Clock::time_point now) const {
    return AnyShrinking() && Passed(now, kShrinkOnlyAfter);
  }

  bool Over(Clock::time_point now) const {
    if (Interrupted() || Passed(now, 1.0)) return true;
    return std::ranges::all_of(pairs_,
                               [](const Pair& p) { return p.exhausted() && !p.shrinking(); });
  }

  CampaignProgress Snapshot() const {
    CampaignProgress snapshot;
    snapshot.seconds = Elapsed(Clock::now());
    for (const Pair& pair : pairs_) {
      snapshot.cases += pair.result().cases;
      snapshot.undecided += pair.result().undecided;
      snapshot.findings += pair.result().finding.has_value() ? 1 : 0;
    }
    return snapshot;
  }

  const CampaignOptions& options_;
  const ProgressSink& progress_;
  std::vector<Pair> pairs_;  // operators take turns, so that none has to wait for another
};

}  // namespace

CampaignResult RunCampaign(Subject& subject, const CampaignOptions& options,
                           const ProgressSink& progress) {
  return Campaign(subject, options, progress).Run();
}

Recipe CampaignRecipe(const CampaignOptions& options, Op op, const Invariant& invariant,
                      int64_t index) {
  // Small cases are cheap and find most; large ones find the rest.
  constexpr std::array<int, 4> kSizes = {25, 50, 75, 100};
  const uint64_t pair = MixSeeds(HashText(OpName(op)), HashText(invariant.id));
  Rng rng(MixSeeds(MixSeeds(options.seed, pair), static_cast<uint64_t>(index)));
  GenerateOptions generate;
  generate.op = op;
  generate.allow_faults = invariant.domain == Domain::kAny;
  generate.size = kSizes[static_cast<size_t>(index) % kSizes.size()];
  generate.limits = options.limits;
  return Generate(rng, generate);
}

}  // namespace maskproof::cli
