// A campaign: many generated cases, many invariants, one subject.
//
// Every (operator, invariant) pair gets a short slice of time in turn, so that all pairs are under
// way at once and a common bug in any of them shows within a second or two. Case i of a pair
// depends on the seed, the pair's names and i alone: not on which other pairs run, nor on timing.
#ifndef MASKPROOF_CLI_CAMPAIGN_H_
#define MASKPROOF_CLI_CAMPAIGN_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "cli/recording_subject.h"
#include "cli/shrink.h"
#include "properties/invariants/invariant.h"
#include "properties/recipe/recipe.h"
#include "properties/subjects/subject.h"

namespace maskproof::cli {

struct CampaignOptions {
  std::vector<Op> ops;
  std::vector<const Invariant*> invariants;
  // Stops when either is reached; at least one must be given.
  std::optional<int64_t> cases_per_pair;
  std::optional<double> seconds;  // counted from `start`, shrinking included
  uint64_t seed = 1;
  bool keep_ratios = false;
  bool keep_coverage = false;
  Limits limits;
  Clock::time_point start = Clock::now();
};

struct CampaignFinding {
  Recipe recipe;         // shrunk, or `found` if only that one broke the law again
  Recipe found;          // as generated
  Verdict verdict;       // of `recipe`
  double seconds = 0.0;  // from the start to the first violation
  int64_t case_index = 0;
  int64_t shrink_tries = 0;
  // `recipe` is checked once more at the end: did it break the invariant again, and in which run of
  // the subject?
  bool reproduced = false;
  std::optional<RecordedRun> run;
};

// Of the cases of one class (cli/ledger.h) that a law compared within a bound.
struct ClassRatio {
  std::string recipe_class;
  int64_t cases = 0;
  double largest = 0.0;  // error over bound
};

struct PairResult {
  Op op = Op::kAttention;
  const Invariant* invariant = nullptr;
  int64_t drawn = 0;       // = cases + not_applicable
  int64_t cases = 0;       // that the law had something to say about
  int64_t undecided = 0;   // of `cases`: the bound said nothing
  int64_t violations = 0;  // of `cases`
  int64_t not_applicable = 0;
  std::vector<ClassRatio> ratios;  // if they were asked for
  std::vector<bool> covered;       // bins of `cases`, if they were asked for
  std::optional<CampaignFinding> finding;
};

struct CampaignResult {
  std::vector<PairResult> pairs;  // operators outermost, then the catalogue's order
  double seconds = 0.0;
  bool interrupted = false;
};

struct CampaignProgress {
  double seconds = 0.0;
  int64_t cases = 0;
  int64_t undecided = 0;
  int64_t findings = 0;
};
using ProgressSink = std::function<void(const CampaignProgress&)>;

// Empty if no invariant applies to any operator.
CampaignResult RunCampaign(Subject& subject, const CampaignOptions& options,
                           const ProgressSink& progress);

// Case `index` of a pair.
Recipe CampaignRecipe(const CampaignOptions& options, Op op, const Invariant& invariant,
                      int64_t index);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_CAMPAIGN_H_
