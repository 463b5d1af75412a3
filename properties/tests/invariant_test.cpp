// The invariants themselves: they hold for a correct subject on most cases they are given, each is
// broken by a planted defect, and outcomes that are no output mean what they should.
#include "properties/invariants/invariant.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "properties/case/validity.h"
#include "properties/case/visibility.h"
#include "properties/invariants/catalogue.h"
#include "properties/invariants/compare.h"
#include "properties/invariants/masks.h"
#include "properties/invariants/probe.h"
#include "properties/invariants/transform.h"
#include "properties/recipe/recipe.h"
#include "properties/subjects/evaluation.h"
#include "properties/subjects/held_subject.h"
#include "properties/subjects/subject.h"

namespace maskproof {
namespace {

constexpr int kCases = 300;

Recipe RecipeNumber(uint64_t number, Op op, bool allow_faults) {
  Rng rng(MixSeeds(static_cast<uint64_t>(op) + 1, number));
  GenerateOptions options;
  options.op = op;
  options.allow_faults = allow_faults;
  return Generate(rng, options);
}

Case CaseNumber(uint64_t number, Op op, const Invariant& invariant) {
  return Expand(RecipeNumber(number, op, invariant.domain == Domain::kAny));
}

std::vector<Op> OpsOf(const Invariant& invariant) {
  std::vector<Op> ops;
  for (const Op op : {Op::kAttention, Op::kQAttention, Op::kCore}) {
    if (invariant.applies_to(op)) ops.push_back(op);
  }
  return ops;
}

std::string TestName(std::string id) {
  std::ranges::replace(id, '-', '_');
  return id;
}

// Remembers invalid cases.
class Watched : public HeldSubject {
 public:
  using HeldSubject::HeldSubject;
  Outcome Run(const Case& c, const RunRequest& request) override {
    const ValidityVerdict verdict = JudgeValidity(c);
    if (verdict.validity != Validity::kValid) invalid_ = verdict.subject + ": " + verdict.reason;
    return HeldSubject::Run(c, request);
  }

  const std::string& invalid() const { return invalid_; }

 private:
  std::string invalid_;
};

// Gives the same outcome whatever the case.
class Constant : public Subject {
 public:
  explicit Constant(OutcomeKind kind, std::string message = {}, Promises promises = {})
      : promises_(promises) {
    outcome_.kind = kind;
    outcome_.message = std::move(message);
  }
  const std::string& name() const override { return name_; }
  const std::string& target() const override { return name_; }
  const Promises& promises() const override { return promises_; }
  bool Supports(const Case&) const override { return true; }
  Outcome Run(const Case&, const RunRequest&) override { return outcome_; }

 private:
  std::string name_ = "constant";
  Promises promises_;
  Outcome outcome_;
};

struct Counts {
  int holds = 0;
  int other = 0;
};

// Runs `cases` cases for each operator; fails on a broken verdict.
Counts ExpectHolds(Subject& subject, const Invariant& invariant, Op op, int cases) {
  Counts counts;
  for (int i = 0; i < cases; ++i) {
    const auto number = static_cast<uint64_t>(i);
    const Verdict verdict = invariant.check(subject, CaseNumber(number, op, invariant));
    EXPECT_NE(verdict.kind, VerdictKind::kBroken)
        << invariant.id << " on " << OpName(op) << ": " << verdict.evidence.summary << '\n'
        << ToText(RecipeNumber(number, op, invariant.domain == Domain::kAny));
    ++(verdict.kind == VerdictKind::kHolds ? counts.holds : counts.other);
    if (testing::Test::HasFailure()) break;
  }
  return counts;
}

class EachInvariant : public testing::TestWithParam<const char*> {
 protected:
  const Invariant& invariant() const { return *FindInvariant(GetParam()); }
};

std::vector<const char*> Ids() {
  std::vector<const char*> ids;
  for (const Invariant& invariant : Invariants()) ids.push_back(invariant.id);
  return ids;
}

TEST_P(EachInvariant, HoldsForTheCorrectSubjectAndCanBeTriedOnMostCases) {
  for (const Op op : OpsOf(invariant())) {
    Watched subject(MakePlantedSubject(""));
    const Counts counts = ExpectHolds(subject, invariant(), op, kCases);
    EXPECT_GE(counts.holds, kCases * 3 / 4) << OpName(op) << ": too rarely applicable";
    if (invariant().domain == Domain::kValid) {
      EXPECT_EQ(subject.invalid(), "") << "a transformed case is malformed";
    }
  }
}

TEST_P(EachInvariant, HoldsWithinTheBoundsIfNoReproducibleRowsArePromised) {
  for (const Op op : OpsOf(invariant())) {
    Watched subject(MakePlantedSubject(""));
    subject.held_to().reproducible_rows = false;
    const Counts counts = ExpectHolds(subject, invariant(), op, kCases / 3);
    EXPECT_GE(counts.holds, kCases / 4) << OpName(op) << ": too rarely applicable";
  }
}

TEST_P(EachInvariant, IsDeterministic) {
  for (const Op op : OpsOf(invariant())) {
    for (uint64_t number = 0; number < 10; ++number) {
      const Case c = CaseNumber(number, op, invariant());
      const std::unique_ptr<Subject> subject = MakePlantedSubject("additive-mask");
      const Verdict first = invariant().check(*subject, c);
      const Verdict second = invariant().check(*subject, c);
      EXPECT_EQ(first.kind, second.kind);
      EXPECT_EQ(first.elements_checked, second.elements_checked);
      EXPECT_EQ(first.evidence.summary, second.evidence.summary);
    }
  }
}

TEST_P(EachInvariant, NamesTheDeathOfASubject) {
  Promises promises;
  promises.reentrant = true;
  Constant subject(OutcomeKind::kCrashed, "signal 11", promises);
  for (const Op op : OpsOf(invariant())) {
    int broken = 0;
    for (uint64_t number = 0; number < 20; ++number) {
      const Verdict verdict = invariant().check(subject, CaseNumber(number, op, invariant()));
      if (verdict.kind != VerdictKind::kBroken) continue;
      ++broken;
      EXPECT_NE(verdict.evidence.summary.find("signal 11"), std::string::npos);
    }
    EXPECT_GE(broken, 15);
  }
}

TEST_P(EachInvariant, LeavesRefusalsToRefusal) {
  const bool is_refusal = std::string_view(GetParam()) == "refusal";
  Constant subject(OutcomeKind::kRefused, "no");
  bool broken = false;
  for (const Op op : OpsOf(invariant())) {
    for (uint64_t number = 0; number < 20; ++number) {
      const Verdict verdict = invariant().check(subject, CaseNumber(number, op, invariant()));
      broken = broken || verdict.kind == VerdictKind::kBroken;
    }
  }
  EXPECT_EQ(broken, is_refusal);
}

TEST_P(EachInvariant, SaysNothingOfWhatASubjectCannotExpress) {
  Constant subject(OutcomeKind::kUnsupported);
  for (const Op op : OpsOf(invariant())) {
    for (uint64_t number = 0; number < 20; ++number) {
      const Verdict verdict = invariant().check(subject, CaseNumber(number, op, invariant()));
      EXPECT_EQ(verdict.kind, VerdictKind::kNotApplicable);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Invariants, EachInvariant, testing::ValuesIn(Ids()),
                         [](const auto& parameter) { return TestName(parameter.param); });

// ---- what breaks which law ----------------------------------------------------------------------

struct Breaker {
  const char* invariant;
  const char* defect;
};

void PrintTo(const Breaker& breaker, std::ostream* os) {
  *os << breaker.defect << " breaks " << breaker.invariant;
}

constexpr auto kBreakers = std::to_array<Breaker>({
    {"reference-match", "lane-1e-3"},
    {"reference-match", "wrong-scale"},
    {"reference-match", "wrong-present"},
    {"reference-match", "no-bias-without-features"},
    {"reference-match", "span-wraps"},
    {"reference-match", "peel-loses-last"},
    {"fully-masked-rows", "additive-mask"},
    {"fully-masked-rows", "inf-minus-inf"},
    {"fully-masked-rows", "fully-masked-zero"},
    {"masked-influence", "zero-times-nan"},
    {"masked-influence", "exp-floor"},
    {"masked-weight-zero", "exp-floor"},
    {"masked-weight-zero", "bf16-weights"},
    {"mask-magnitude", "fill-value-used"},
    {"mask-form", "mask-equals-one"},
    {"mask-form", "mask-nonzero"},
    {"mask-form", "start-end-swapped"},
    {"mask-form", "end-inclusive"},
    {"mask-form", "dummy-mask-used"},
    {"mask-composition", "stacked-masks"},
    {"mask-composition", "causal-strict"},
    {"causal-prefix", "causal-lax"},
    {"causal-prefix", "tail-sum"},
    {"past-equivalence", "causal-no-past"},
    {"past-equivalence", "scaled-cache"},
    {"batch-independence", "mask3d-batch"},
    {"batch-independence", "stale-scratch"},
    {"head-independence", "head-shift"},
    {"head-independence", "bias-batch-broadcast"},
    {"thread-independence", "lost-rows"},
    {"thread-independence", "thread-order"},
    {"determinism", "nondeterministic"},
    {"determinism", "previous-output"},
    {"concurrent-calls", "shared-scratch"},
    {"padding-extension", "tail-max"},
    {"padding-extension", "late-rescale"},
    {"key-permutation", "bit63"},
    {"key-permutation", "block-inf-minus-inf"},
    {"score-shift", "no-max-subtraction"},
    {"score-shift", "bias-before-scale"},
    {"power-of-two-scaling", "clamped-values"},
    {"power-of-two-scaling", "bias-before-scale"},
    {"convex-hull", "lane-1e-3"},
    {"convex-hull", "v-size-is-h"},
    {"nan-containment", "nan-ignored"},
    {"nan-containment", "zero-times-nan"},
    {"nan-containment", "nan-in-any-lane"},
    {"nan-containment", "infinity-clamped"},
    {"nan-containment", "present-nan-zero"},
    {"nan-containment", "zero-input-skipped"},
    {"int8-exactness", "saturate-16"},
    {"int8-exactness", "float-accumulate"},
    {"zero-point-shift", "zp-of-padding"},
    {"signedness", "activation-sign"},
    {"per-column", "weight-zp-ignored"},
    {"per-column", "scale-of-q-for-v"},
    {"memory", "ftz-left-on"},
    {"memory", "float-control-reset"},
    {"memory", "input-scribbler"},
    {"memory", "writes-nothing"},
    {"refusal", "accept-negative-length"},
    {"refusal", "accept-short-scale"},
    {"refusal", "refuse-valid"},
});

class EachBreaker : public testing::TestWithParam<Breaker> {};

TEST_P(EachBreaker, IsFound) {
  constexpr uint64_t kTries = 400;
  const auto [id, defect] = GetParam();
  const Invariant& invariant = *FindInvariant(id);
  const std::unique_ptr<Subject> subject = MakePlantedSubject(defect);
  ASSERT_NE(subject, nullptr);
  for (uint64_t number = 0; number < kTries; ++number) {
    for (const Op op : OpsOf(invariant)) {
      const Verdict verdict = invariant.check(*subject, CaseNumber(number, op, invariant));
      if (verdict.kind != VerdictKind::kBroken) continue;
      EXPECT_NE(verdict.evidence.summary, "");
      EXPECT_GT(verdict.elements_checked, 0);
      return;
    }
  }
  FAIL() << "not found in " << kTries << " cases of each operator";
}

INSTANTIATE_TEST_SUITE_P(Planted, EachBreaker, testing::ValuesIn(kBreakers),
                         [](const auto& parameter) {
                           return TestName(std::string(parameter.param.invariant) + "_by_" +
                                           parameter.param.defect);
                         });

TEST(Breakers, CoverEveryInvariant) {
  for (const Invariant& invariant : Invariants()) {
    EXPECT_TRUE(std::ranges::any_of(kBreakers, [&invariant](const Breaker& breaker) {
      return std::string_view(breaker.invariant) == invariant.id;
    })) << invariant.id;
  }
}

TEST(Harness, SubjectsThatDoNotComputeAreCaughtAtOnce) {
  const Invariant& invariant = *FindInvariant("reference-match");
  for (const char* defect :
       {"all-nan", "all-zeros", "echo-input", "previous-output", "writes-nothing", "one-bit-off"}) {
    for (const Op op : OpsOf(invariant)) {
      const std::unique_ptr<Subject> subject = MakePlantedSubject(defect);
      ASSERT_NE(subject, nullptr) << defect;
      int broken = 0;
      for (uint64_t number = 0; number < 40; ++number) {
        const Verdict verdict = invariant.check(*subject, CaseNumber(number, op, invariant));
        broken += verdict.kind == VerdictKind::kBroken ? 1 : 0;
      }
      EXPECT_GE(broken, 20) << defect << " on " << OpName(op);
    }
  }
}

// Every one of them, whatever the law that sees it.
TEST(Harness, EverySubjectThatTestsTheHarnessIsCaught) {
  int subjects = 0;
  for (const PlantedDefect& defect : PlantedDefects()) {
    if (!defect.harness) continue;
    ++subjects;
    bool caught = false;
    for (const Invariant& invariant : Invariants()) {
      for (uint64_t number = 0; number < 30 && !caught; ++number) {
        for (const Op op : OpsOf(invariant)) {
          const std::unique_ptr<Subject> subject = MakePlantedSubject(defect.name);
          const Verdict verdict = invariant.check(*subject, CaseNumber(number, op, invariant));
          caught = caught || verdict.kind == VerdictKind::kBroken;
        }
      }
    }
    EXPECT_TRUE(caught) << defect.name;
  }
  EXPECT_EQ(subjects, 8);
}

// Plain arithmetic hands on whatever NaN it meets.
TEST(NanContainment, HoldsASubjectToOneNanIfItPromisesThat) {
  const Invariant& invariant = *FindInvariant("nan-containment");
  HeldSubject subject(MakePlantedSubject(""));
  for (const bool promised : {false, true}) {
    subject.held_to().one_nan = promised;
    int broken = 0;
    for (const Op op : OpsOf(invariant)) {
      for (uint64_t number = 0; number < 20; ++number) {
        const Verdict verdict = invariant.check(subject, CaseNumber(number, op, invariant));
        broken += verdict.kind == VerdictKind::kBroken ? 1 : 0;
      }
    }
    EXPECT_EQ(broken > 10, promised) << broken;
  }
}

// Plain arithmetic gives -0 where a sum of products vanishes on the negative side.
TEST(ReferenceMatch, HoldsASubjectToNoNegativeZeroIfItPromisesThat) {
  Recipe recipe;
  recipe.op = Op::kCore;
  recipe.sequence = 4;
  for (const TensorId id : {TensorId::kQuery, TensorId::kKey, TensorId::kValue}) {
    recipe.of(id) = {.distribution = Distribution::kConstant, .seed = 0, .a = 0.0F, .b = 0.0F};
  }
  // A quarter of it is nearest to -0.
  recipe.cells.push_back(
      {.tensor = TensorId::kValue, .index = 0, .value = -std::numeric_limits<float>::denorm_min()});
  Normalize(recipe);
  const Case c = Expand(recipe);
  const Invariant& invariant = *FindInvariant("reference-match");
  HeldSubject subject(MakeEvaluationSubject("forward"));
  for (const bool promised : {false, true}) {
    subject.held_to().no_negative_zero = promised;
    const Verdict verdict = invariant.check(subject, c);
    EXPECT_EQ(verdict.kind == VerdictKind::kBroken, promised);
  }
}

// ---- promises of reproducible rows --------------------------------------------------------------

// Sums in one order or in another, by some size of the case.
class TwoOrders final : public Subject {
 public:
  using IsOther = bool (*)(const Geometry& g);
  explicit TwoOrders(IsOther is_other) : is_other_(is_other) {
    promises_ = one_->promises();
    promises_.reproducible_rows = true;
  }

  Promises& promises_held_to() { return promises_; }
  const std::string& name() const override { return one_->name(); }
  const std::string& target() const override { return one_->target(); }
  const Promises& promises() const override { return promises_; }
  bool Supports(const Case& c) const override { return one_->Supports(c); }
  Outcome Run(const Case& c, const RunRequest& request) override {
    const bool valid = JudgeValidity(c).validity == Validity::kValid;
    return (valid && is_other_(GeometryOf(c)) ? *other_ : *one_).Run(c, request);
  }

 private:
  IsOther is_other_;
  std::unique_ptr<Subject> one_ = MakeEvaluationSubject("forward");
  std::unique_ptr<Subject> other_ = MakeEvaluationSubject("pairwise");
  Promises promises_;
};

int TimesBroken(const char* id, TwoOrders& subject) {
  const Invariant& invariant = *FindInvariant(id);
  int broken = 0;
  for (uint64_t number = 0; number < 60; ++number) {
    const Verdict verdict = invariant.check(subject, CaseNumber(number, Op::kCore, invariant));
    broken += verdict.kind == VerdictKind::kBroken ? 1 : 0;
  }
  return broken;
}

// Rows that are computed in another way when there are more keys: allowed where that is declared.
TEST(ReproducibleRows, SeveralWaysAllowOtherLengths) {
  TwoOrders subject([](const Geometry& g) { return g.total % 2 == 0; });
  EXPECT_GT(TimesBroken("padding-extension", subject), 5);
  EXPECT_GT(TimesBroken("causal-prefix", subject), 5);
  subject.promises_held_to().several_ways = true;
  EXPECT_EQ(TimesBroken("padding-extension", subject), 0);
  EXPECT_EQ(TimesBroken("causal-prefix", subject), 0);
}

// And nothing else.
TEST(ReproducibleRows, SeveralWaysAllowNoOtherBatchOrHeads) {
  TwoOrders by_batch([](const Geometry& g) { return g.batch % 2 == 0; });
  TwoOrders by_heads([](const Geometry& g) { return g.heads % 2 == 0; });
  for (const bool several : {false, true}) {
    by_batch.promises_held_to().several_ways = several;
    by_heads.promises_held_to().several_ways = several;
    EXPECT_GT(TimesBroken("batch-independence", by_batch), 5);
    EXPECT_GT(TimesBroken("head-independence", by_heads), 5);
  }
}

// ---- refusal ------------------------------------------------------------------------------------

TEST(Refusal, HoldsAMessageToThePromiseOfNames) {
  const Invariant& invariant = *FindInvariant("refusal");
  Promises promises;
  promises.names_faults = true;
  Constant vague(OutcomeKind::kRefused, "something is wrong", promises);
  Watched exact(MakePlantedSubject(""));
  exact.held_to().names_faults = true;
  int vague_broken = 0;
  for (const Op op : OpsOf(invariant)) {
    for (uint64_t number = 0; number < 60; ++number) {
      const Case c = CaseNumber(number, op, invariant);
      vague_broken += invariant.check(vague, c).kind == VerdictKind::kBroken ? 1 : 0;
      const Verdict verdict = invariant.check(exact, c);
      EXPECT_NE(verdict.kind, VerdictKind::kBroken) << verdict.evidence.summary;
    }
  }
  EXPECT_EQ(vague_broken, 180);
}

// Refuses in the right words, but counts wrongly.
class Miscounting final : public HeldSubject {
 public:
  using HeldSubject::HeldSubject;
  Outcome Run(const Case& c, const RunRequest& request) override {
    Outcome outcome = HeldSubject::Run(c, request);
    const size_t digit = outcome.message.find_last_of("0123456789");
    if (digit == std::string::npos) return outcome;
    char& last = outcome.message[digit];
    last = last == '9' ? '8' : static_cast<char>(last + 1);
    return outcome;
  }
};

TEST(Refusal, HoldsAMessageToTheNumbers) {
  const Invariant& invariant = *FindInvariant("refusal");
  Miscounting subject(MakePlantedSubject(""));
  const auto broken = [&] {
    int count = 0;
    for (const Op op : OpsOf(invariant)) {
      for (uint64_t number = 0; number < 60; ++number) {
        const Verdict verdict = invariant.check(subject, CaseNumber(number, op, invariant));
        count += verdict.kind == VerdictKind::kBroken ? 1 : 0;
      }
    }
    return count;
  };
  subject.held_to().names_faults = false;
  EXPECT_EQ(broken(), 0);
  subject.held_to().names_faults = true;
  EXPECT_GT(broken(), 15);
}

TEST(Refusal, WantsAMessage) {
  const Invariant& invariant = *FindInvariant("refusal");
  Constant silent(OutcomeKind::kRefused);
  for (uint64_t number = 0; number < 40; ++number) {
    EXPECT_EQ(invariant.check(silent, CaseNumber(number, Op::kCore, invariant)).kind,
              VerdictKind::kBroken);
  }
}

// A fault can make a sequence out of nothing much that keeps a correct kernel busy for a minute.
TEST(Refusal, DoesNotRunWhatTakesTooLong) {
  Recipe recipe;
  recipe.op = Op::kAttention;
  recipe.salt = 1;
  const Fault endless{
      .kind = Fault::Kind::kReshape, .tensor = TensorId::kInput, .dims = {1, int64_t{1} << 17, 1}};
  recipe.faults = {endless};
  // It would be seen to hang.
  Constant hung(OutcomeKind::kHung, "busy");
  for (const char* id : {"refusal", "memory"}) {
    const Invariant& invariant = *FindInvariant(id);
    EXPECT_EQ(invariant.check(hung, Expand(recipe)).kind, VerdictKind::kNotApplicable) << id;
    recipe.faults[0].dims = {1, int64_t{1} << 12, 1};
    EXPECT_EQ(invariant.check(hung, Expand(recipe)).kind, VerdictKind::kBroken) << id;
    recipe.faults = {endless};
  }
}

// ---- probe --------------------------------------------------------------------------------------

// Scores that are all equal, keys that are a power of two in number: the weights are exact.
TEST(Probe, ReadsEqualWeights) {
  for (const Op op : {Op::kAttention, Op::kQAttention, Op::kCore}) {
    Recipe recipe;
    recipe.op = op;
    recipe.batch = 2;
    recipe.sequence = 7;
    recipe.heads = 2;
    recipe.head_size = 3;
    recipe.value_head_size = op == Op::kQAttention ? 3 : 2;
    recipe.input_width = op == Op::kCore ? 0 : 4;
    recipe.weights_signed = true;  // a constant 0 is the middle of the range
    recipe.of(TensorId::kBias) = {Distribution::kConstant, 0, 0.5F, 0.0F};
    recipe.of(TensorId::kInputScale) = {Distribution::kConstant, 0, 0.25F, 0.0F};
    recipe.of(TensorId::kWeightScale) = {Distribution::kConstant, 0, 0.5F, 0.0F};
    for (const TensorId id : {TensorId::kQuery, TensorId::kWeights, TensorId::kWeightZeroPoint}) {
      recipe.of(id) = {Distribution::kConstant, 0, 0.0F, 0.0F};
    }
    Normalize(recipe);
    Case c = Expand(recipe);
    Padding padding(2, 7, 7);
    for (int64_t b = 0; b < 2; ++b) {
      for (int64_t s = 0; s < 7; ++s) {
        for (const int64_t t : {0, 3, 5}) padding.at(b, s, t) = 0;
      }
    }
    WriteMask(c, MaskShape::kRaw2D, padding);
    ASSERT_EQ(JudgeValidity(c).validity, Validity::kValid) << JudgeValidity(c).reason;
    const std::unique_ptr<Subject> subject = MakePlantedSubject("");
    const ProbedWeights probed = ProbeWeights(*subject, c);
    ASSERT_EQ(probed.kind, OutcomeKind::kOutput) << probed.message;
    ASSERT_EQ(probed.weights.size(), size_t{2 * 2 * 7 * 7});
    for (size_t i = 0; i < probed.weights.size(); ++i) {
      const auto key = static_cast<int64_t>(i % 7);
      EXPECT_EQ(probed.weights[i], padding.Keeps(0, 0, key) ? 0.25F : 0.0F) << OpName(op);
    }
  }
}

TEST(Probe, LeavesQueriesKeysAndMaskAlone) {
  for (const Op op : {Op::kAttention, Op::kQAttention, Op::kCore}) {
    for (uint64_t number = 0; number < 50; ++number) {
      const Case c = Expand(RecipeNumber(number, op, false));
      const std::optional<WeightProbe> probe = MakeProbe(c, 0);
      if (!probe) continue;
      EXPECT_EQ(JudgeValidity(probe->c).validity, Validity::kValid);
      // Keys show in present, so they can be compared where there is one.
      if (!c.want_present) continue;
      const std::unique_ptr<Subject> subject = MakePlantedSubject("");
      const Outcome before = subject->Run(c);
      const Outcome after = subject->Run(probe->c);
      const std::span<const float> a = before.output.present->as<float>();
      const std::span<const float> b = after.output.present->as<float>();
      EXPECT_TRUE(std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(a.size() / 2),
                             b.begin(), SameBits));
    }
  }
}

// Where a sum is split depends on how long it is. The keys of present show it.
TEST(Probe, EveryProbeOfACaseSumsItsKeysAlike) {
  const std::unique_ptr<Subject> pairwise = MakeEvaluationSubject("pairwise");
  int compared = 0;
  for (uint64_t number = 0; number < 400; ++number) {
    const Case c = Expand(RecipeNumber(number, Op::kAttention, false));
    const Geometry g = GeometryOf(c);
    if (Empty(c) || !c.want_present || g.total <= g.value_head_size) continue;
    const int64_t last = (g.total - 1) / g.value_head_size * g.value_head_size;
    std::vector<std::vector<float>> keys;
    for (const int64_t first_key : {int64_t{0}, last}) {
      const std::optional<WeightProbe> probe = MakeProbe(c, first_key);
      ASSERT_TRUE(probe);
      const Outcome outcome = pairwise->Run(probe->c);
      const std::span<const float> present = outcome.output.present->as<float>();
      keys.emplace_back(present.begin(), present.begin() + std::ssize(present) / 2);
    }
    EXPECT_TRUE(std::ranges::equal(keys[0], keys[1], SameBits)) << number;
    ++compared;
  }
  EXPECT_GT(compared, 20);
}

// ---- masks --------------------------------------------------------------------------------------

TEST(Masks, EveryShapeSaysWhatWasWritten) {
  Rng rng(1);
  int one_dimensional = 0;
  for (uint64_t number = 0; number < 300; ++number) {
    Case c = Expand(RecipeNumber(number, Op::kAttention, false));
    if (Empty(c)) continue;
    WriteRandomMask(c, rng);
    const Padding padding = ReadPadding(c);
    for (const MaskShape shape : {MaskShape::kLengths, MaskShape::kEndsStarts,
                                  MaskShape::kCumulative, MaskShape::kRaw2D, MaskShape::kRaw3D}) {
      if (!CanExpress(shape, padding)) continue;
      one_dimensional += shape == MaskShape::kEndsStarts ? 1 : 0;
      WriteMask(c, shape, padding, {.kept = 3, .masked = -3});
      EXPECT_EQ(ShapeOfMask(c), shape);
      EXPECT_EQ(ReadPadding(c).keep, padding.keep);
      EXPECT_EQ(JudgeValidity(c).validity, Validity::kValid);
    }
  }
  EXPECT_GT(one_dimensional, 100);
}

// ---- catalogue ----------------------------------------------------------------------------------

TEST(Catalogue, IdsAreUniqueAndEverythingIsSaid) {
  for (const Invariant& invariant : Invariants()) {
    EXPECT_EQ(FindInvariant(invariant.id), &invariant);
    for (const char* text :
         {invariant.law, invariant.reason, invariant.tolerance, invariant.modelled_on}) {
      EXPECT_STRNE(text, "") << invariant.id;
    }
    EXPECT_FALSE(OpsOf(invariant).empty());
  }
  EXPECT_EQ(FindInvariant("no-such-law"), nullptr);
}

TEST(Catalogue, TheDocumentHasASectionForEachWithItsLaw) {
  std::ifstream file(std::string(MASKPROOF_SOURCE_DIR) + "/docs/invariants.md");
  ASSERT_TRUE(file) << "docs/invariants.md cannot be read";
  std::stringstream contents;
  contents << file.rdbuf();
  const std::string document = contents.str();
  for (const Invariant& invariant : Invariants()) {
    const size_t section = document.find(std::string("\n## ") + invariant.id + "\n");
    ASSERT_NE(section, std::string::npos) << invariant.id;
    const size_t end = document.find("\n## ", section + 1);
    const std::string text = document.substr(section, end - section);
    for (const char* part :
         {invariant.law, invariant.reason, invariant.tolerance, invariant.modelled_on}) {
      EXPECT_NE(text.find(part), std::string::npos) << invariant.id << ": " << part;
    }
  }
}

TEST(Catalogue, MarkdownHasEveryLaw) {
  const std::string text = CatalogueMarkdown();
  for (const Invariant& invariant : Invariants()) {
    EXPECT_NE(text.find(std::string("\n## ") + invariant.id + "\n"), std::string::npos);
    EXPECT_NE(text.find(invariant.law), std::string::npos);
  }
}

}  // namespace
}  // namespace maskproof
