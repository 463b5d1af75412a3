// The campaign engine and the shrinker, on laws and subjects made for the purpose.
#include "cli/campaign.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "cli/coverage.h"
#include "cli/shrink.h"
#include "properties/case/validity.h"

namespace maskproof::cli {
namespace {

class FakeSubject : public Subject {
 public:
  const std::string& name() const override { return name_; }
  const std::string& target() const override { return name_; }
  const Promises& promises() const override { return promises_; }
  bool Supports(const Case& /*c*/) const override { return true; }
  Outcome Run(const Case& /*c*/, const RunRequest& /*request*/) override { return {}; }

 private:
  std::string name_ = "fake";
  Promises promises_;
};

bool ForEverything(Op /*op*/) { return true; }
bool NotForCore(Op op) { return op != Op::kCore; }

Verdict Say(VerdictKind kind) {
  Verdict verdict;
  verdict.kind = kind;
  if (kind == VerdictKind::kBroken) verdict.evidence.summary = "broken on purpose";
  return verdict;
}

Verdict AlwaysHolds(Subject& /*subject*/, const Case& /*c*/) { return Say(VerdictKind::kHolds); }

Verdict AlwaysBroken(Subject& /*subject*/, const Case& /*c*/) { return Say(VerdictKind::kBroken); }

Verdict NeverApplies(Subject& /*subject*/, const Case& /*c*/) {
  return Say(VerdictKind::kNotApplicable);
}

Verdict AlwaysUndecided(Subject& /*subject*/, const Case& /*c*/) {
  return Say(VerdictKind::kUndecided);
}

Verdict BrokenFromThreeHeadsAndFiveTokens(Subject& /*subject*/, const Case& c) {
  const Geometry g = GeometryOf(c);
  return Say(g.heads >= 3 && g.total >= 5 ? VerdictKind::kBroken : VerdictKind::kHolds);
}

// Stands for a foreign kernel: half a millisecond for every try.
Verdict SlowlyBroken(Subject& /*subject*/, const Case& c) {
  std::this_thread::sleep_for(std::chrono::microseconds(500));
  return Say(GeometryOf(c).total >= 3 ? VerdictKind::kBroken : VerdictKind::kHolds);
}

int once = 0;
Verdict BrokenOnce(Subject& /*subject*/, const Case& /*c*/) {
  return Say(once++ == 0 ? VerdictKind::kBroken : VerdictKind::kHolds);
}

std::vector<Case>& Seen() {
  static std::vector<Case> seen;
  return seen;
}
Verdict Watch(Subject& /*subject*/, const Case& c) {
  Seen().push_back(c);
  return Say(VerdictKind::kHolds);
}

Invariant Law(const char* id, Verdict (*check)(Subject&, const Case&)) {
  return {.id = id,
          .law = "",
          .reason = "",
          .tolerance = "",
          .modelled_on = "",
          .domain = Domain::kValid,
          .applies_to = ForEverything,
          .check = check};
}

CampaignOptions Options(std::vector<const Invariant*> invariants) {
  CampaignOptions options;
  options.ops = {Op::kAttention};
  options.invariants = std::move(invariants);
  return options;
}

TEST(Campaign, CountsCasesExactly) {
  FakeSubject subject;
  const Invariant holds = Law("holds", AlwaysHolds);
  const Invariant never = Law("never", NeverApplies);
  const Invariant undecided = Law("undecided", AlwaysUndecided);
  const Invariant broken = Law("broken", AlwaysBroken);
  CampaignOptions options = Options({&holds, &never, &undecided, &broken});
  options.ops = {Op::kAttention, Op::kCore};
  options.cases_per_pair = 200;
  const CampaignResult result = RunCampaign(subject, options, nullptr);
  ASSERT_EQ(result.pairs.size(), 8U);
  for (const PairResult& pair : result.pairs) {
    EXPECT_EQ(pair.drawn, 200);
    EXPECT_EQ(pair.cases + pair.not_applicable, 200);
    EXPECT_EQ(pair.not_applicable, pair.invariant == &never ? 200 : 0);
    EXPECT_EQ(pair.undecided, pair.invariant == &undecided ? 200 : 0);
    EXPECT_EQ(pair.violations, pair.invariant == &broken ? 200 : 0);
    EXPECT_EQ(pair.finding.has_value(), pair.invariant == &broken);
  }
  EXPECT_FALSE(result.interrupted);
}

TEST(Campaign, KeepsTheCoverageOfWhatALawSpokeOf) {
  FakeSubject subject;
  const Invariant holds = Law("holds", AlwaysHolds);
  const Invariant never = Law("never", NeverApplies);
  Invariant any = Law("any", AlwaysHolds);
  any.domain = Domain::kAny;
  const auto coverage = [&](const Invariant& law, int64_t cases) {
    CampaignOptions options = Options({&law});
    options.cases_per_pair = cases;
    options.keep_coverage = true;
    return CoverageOf(RunCampaign(subject, options, nullptr)).at(0);
  };
  const auto misses = [](const OpCoverage& of_op, const char* bin) {
    return std::ranges::find(of_op.missing, bin) != of_op.missing.end();
  };
  EXPECT_EQ(coverage(never, 500).reached, 0);
  const OpCoverage few = coverage(holds, 500);
  EXPECT_EQ(few.op, "Attention");
  EXPECT_GT(few.reached, 0);
  EXPECT_EQ(few.reached + static_cast<int64_t>(few.missing.size()), few.reachable);
  EXPECT_GT(coverage(holds, 2000).reached, few.reached);
  // Valid cases have no faults.
  EXPECT_TRUE(misses(few, "fault: tensor left out"));
  EXPECT_FALSE(misses(coverage(any, 500), "fault: tensor left out"));
  EXPECT_NE(CoverageText({few}).find("fault: tensor left out"), std::string::npos);
}

TEST(Campaign, OmitsWhatDoesNotApply) {
  FakeSubject subject;
  Invariant law = Law("law", AlwaysHolds);
  law.applies_to = NotForCore;
  CampaignOptions options = Options({&law});
  options.ops = {Op::kAttention, Op::kQAttention, Op::kCore};
  options.cases_per_pair = 1;
  const CampaignResult result = RunCampaign(subject, options, nullptr);
  ASSERT_EQ(result.pairs.size(), 2U);
  EXPECT_EQ(result.pairs[1].op, Op::kQAttention);
}

TEST(Campaign, CasesDependOnSeedAndPairAlone) {
  FakeSubject subject;
  const Invariant watch = Law("watch", Watch);
  const Invariant other = Law("other", AlwaysHolds);
  CampaignOptions options = Options({&watch});
  options.cases_per_pair = 50;
  Seen().clear();
  RunCampaign(subject, options, nullptr);
  const std::vector<Case> alone = Seen();
  options.invariants = {&other, &watch};
  options.ops = {Op::kAttention};
  Seen().clear();
  RunCampaign(subject, options, nullptr);
  EXPECT_TRUE(alone == Seen());
  options.seed = 2;
  Seen().clear();
  RunCampaign(subject, options, nullptr);
  EXPECT_FALSE(alone == Seen());
}

TEST(Campaign, OnlyLawsForAnyCaseGetMalformedOnes) {
  for (const Domain domain : {Domain::kValid, Domain::kAny}) {
    FakeSubject subject;
    Invariant watch = Law("watch", Watch);
    watch.domain = domain;
    CampaignOptions options = Options({&watch});
    options.ops = {Op::kAttention, Op::kQAttention, Op::kCore};
    options.cases_per_pair = 100;
    Seen().clear();
    RunCampaign(subject, options, nullptr);
    const auto malformed = std::count_if(Seen().begin(), Seen().end(), [](const Case& c) {
      return JudgeValidity(c).validity != Validity::kValid;
    });
    if (domain == Domain::kValid) {
      EXPECT_EQ(malformed, 0);
    } else {
      EXPECT_GT(malformed, 30);
    }
  }
}

TEST(Campaign, ShrinksToTheSmallestThatBreaks) {
  FakeSubject subject;
  const Invariant law = Law("law", BrokenFromThreeHeadsAndFiveTokens);
  CampaignOptions options = Options({&law});
  options.ops = {Op::kAttention, Op::kQAttention, Op::kCore};
  options.cases_per_pair = 200;
  const CampaignResult result = RunCampaign(subject, options, nullptr);
  for (const PairResult& pair : result.pairs) {
    ASSERT_TRUE(pair.finding.has_value()) << OpName(pair.op);
    const CampaignFinding& finding = *pair.finding;
    EXPECT_EQ(SizeOf(finding.recipe).heads, 3);
    EXPECT_EQ(SizeOf(finding.recipe).tokens, 5);
    EXPECT_TRUE(finding.reproduced);
    EXPECT_EQ(finding.verdict.kind, VerdictKind::kBroken);
    EXPECT_TRUE(finding.found == CampaignRecipe(options, pair.op, law, finding.case_index));
  }
}

TEST(Campaign, SaysWhenAFindingDoesNotComeBack) {
  FakeSubject subject;
  const Invariant law = Law("law", BrokenOnce);
  CampaignOptions options = Options({&law});
  options.cases_per_pair = 10;
  once = 0;
  const CampaignResult result = RunCampaign(subject, options, nullptr);
  ASSERT_TRUE(result.pairs[0].finding.has_value());
  EXPECT_FALSE(result.pairs[0].finding->reproduced);
  EXPECT_EQ(result.pairs[0].violations, 1);
}

// Large cases always break it; small ones, which the shrinker prefers, only once.
int small_ones = 0;
Verdict BrokenByChanceIfSmall(Subject& /*subject*/, const Case& c) {
  const bool large = GeometryOf(c).total >= 3;
  return Say(large || small_ones++ == 0 ? VerdictKind::kBroken : VerdictKind::kHolds);
}

TEST(Campaign, TheCaseAsFoundIsKeptIfOnlyThatOneComesBack) {
  FakeSubject subject;
  const Invariant law = Law("law", BrokenByChanceIfSmall);
  CampaignOptions options = Options({&law});
  while (SizeOf(CampaignRecipe(options, Op::kAttention, law, 0)).tokens < 3) ++options.seed;
  options.cases_per_pair = 1;
  small_ones = 0;
  const CampaignResult result = RunCampaign(subject, options, nullptr);
  ASSERT_TRUE(result.pairs[0].finding.has_value());
  const CampaignFinding& finding = *result.pairs[0].finding;
  EXPECT_GT(small_ones, 1);
  EXPECT_TRUE(finding.reproduced);
  EXPECT_TRUE(finding.recipe == finding.found);
  EXPECT_EQ(finding.verdict.kind, VerdictKind::kBroken);
}

// Thirty broken laws and a slow subject: everything is found at once and small by the end.
TEST(Campaign, ManyFindingsAreSmallWhenTimeRunsOut) {
  FakeSubject subject;
  std::vector<std::string> names;
  for (int i = 0; i < 30; ++i) names.push_back("law" + std::to_string(i));
  std::vector<Invariant> laws;
  for (const std::string& name : names) laws.push_back(Law(name.c_str(), SlowlyBroken));
  CampaignOptions options = Options({});
  for (const Invariant& law : laws) options.invariants.push_back(&law);
  options.seconds = 5.0;
  options.start = Clock::now();
  const CampaignResult result = RunCampaign(subject, options, nullptr);
  EXPECT_LT(result.seconds, 8.0);  // 5 and what a busy machine adds
  for (const PairResult& pair : result.pairs) {
    ASSERT_TRUE(pair.finding.has_value());
    EXPECT_LT(pair.finding->seconds, 2.5);
    EXPECT_TRUE(SizeOf(pair.finding->recipe).Small());
  }
}

TEST(Campaign, ReportsProgress) {
  FakeSubject subject;
  const Invariant law = Law("law", AlwaysBroken);
  CampaignOptions options = Options({&law});
  options.cases_per_pair = 10;
  CampaignProgress last;
  RunCampaign(subject, options, [&last](const CampaignProgress& progress) { last = progress; });
  EXPECT_EQ(last.cases, 10);
  EXPECT_EQ(last.findings, 1);
}

// Shows at two lengths only, and at the smaller one for one draw in eight.
Verdict BrokenAtTwentyFourOrNine(Subject& /*subject*/, const Case& c) {
  const int64_t total = GeometryOf(c).total;
  const bool broken = total == 24 || (total == 9 && MixSeeds(c.salt, 1) % 8 == 0);
  return Say(broken ? VerdictKind::kBroken : VerdictKind::kHolds);
}

TEST(Shrink, StepsOverSizesThatDoNotShowTheFinding) {
  FakeSubject subject;
  const Invariant law = Law("law", BrokenAtTwentyFourOrNine);
  for (uint64_t salt = 0; salt < 5; ++salt) {
    Recipe recipe;
    recipe.sequence = 24;
    recipe.heads = 4;
    recipe.salt = salt;
    Normalize(recipe);
    Shrinker shrinker(subject, law, recipe, Say(VerdictKind::kBroken),
                      {.seconds = 100.0, .tries = 4000}, {});
    shrinker.Work(Clock::now() + std::chrono::seconds(100));
    EXPECT_EQ(SizeOf(shrinker.recipe()).tokens, 9) << salt;
    EXPECT_EQ(SizeOf(shrinker.recipe()).heads, 1) << salt;
    EXPECT_LT(shrinker.tries(), 4000);
  }
}

TEST(Shrink, StopsAtItsBudget) {
  FakeSubject subject;
  const Invariant law = Law("law", AlwaysBroken);
  const CampaignOptions options = Options({&law});
  const Recipe recipe = CampaignRecipe(options, Op::kAttention, law, 3);
  Shrinker shrinker(subject, law, recipe, Say(VerdictKind::kBroken), {.seconds = 100.0, .tries = 5},
                    {});
  shrinker.Work(Clock::now() + std::chrono::seconds(100));
  EXPECT_TRUE(shrinker.done());
  EXPECT_EQ(shrinker.tries(), 5);
}

TEST(Shrink, WorksInSlices) {
  FakeSubject subject;
  const Invariant law = Law("law", AlwaysBroken);
  const CampaignOptions options = Options({&law});
  const Recipe recipe = CampaignRecipe(options, Op::kAttention, law, 3);
  Shrinker shrinker(subject, law, recipe, Say(VerdictKind::kBroken),
                    {.seconds = 100.0, .tries = 100000}, {});
  shrinker.Work(Clock::now());
  EXPECT_EQ(shrinker.tries(), 1);
  while (!shrinker.done()) shrinker.Work(Clock::now());
  EXPECT_TRUE(ShrinkCandidates(shrinker.recipe()).empty());
}

}  // namespace
}  // namespace maskproof::cli
