// Profiles that are measured, of subjects whose arithmetic is known.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "properties/base/rng.h"
#include "properties/invariants/invariant.h"
#include "properties/profile/measure.h"
#include "properties/profile/sums.h"
#include "properties/recipe/recipe.h"
#include "properties/subjects/evaluation.h"
#include "properties/subjects/held_subject.h"
#include "properties/subjects/subject.h"

namespace maskproof {
namespace {

NumericsProfile Measured(Subject& subject) {
  std::string failure;
  const std::optional<MeasuredProfile> measured = MeasureProfile(subject, failure);
  EXPECT_TRUE(measured) << subject.name() << ": " << failure;
  return measured ? measured->profile : NumericsProfile();
}

NumericsProfile Measured(const EvaluationStyle& style) {
  return Measured(*MakeEvaluationSubject({.name = "tried", .what = "", .style = style}));
}

class Refusing final : public Subject {
 public:
  const std::string& name() const override { return name_; }
  const std::string& target() const override { return name_; }
  const Promises& promises() const override { return promises_; }
  bool Supports(const Case& /*c*/) const override { return true; }
  Outcome Run(const Case& /*c*/, const RunRequest& /*request*/) override {
    Outcome outcome;
    outcome.kind = OutcomeKind::kRefused;
    outcome.message = "not today";
    return outcome;
  }

 private:
  std::string name_ = "refusing";
  Promises promises_;
};

TEST(Profile, OfOurKernelsIsWhatTheyDocument) {
  for (const std::unique_ptr<Subject>& subject : AllKernelsSubjects()) {
    const NumericsProfile measured = Measured(*subject);
    const NumericsProfile& documented = subject->promises().profile;
    EXPECT_EQ(measured.sum_lanes, documented.sum_lanes) << subject->name();
    EXPECT_LE(measured.exp_ulp, 1.5 * documented.exp_ulp) << subject->name();
    EXPECT_EQ(measured.online_block, documented.online_block) << subject->name();
    EXPECT_EQ(measured.flush_to_zero, documented.flush_to_zero) << subject->name();
    EXPECT_EQ(measured.product_first, documented.product_first) << subject->name();
    EXPECT_EQ(measured.natural_exp, documented.natural_exp) << subject->name();
    EXPECT_EQ(measured.split_products, documented.split_products) << subject->name();
    EXPECT_EQ(measured.any_rounding, documented.any_rounding) << subject->name();
  }
}

TEST(Profile, TellsOrdersOfSumsApart) {
  EXPECT_EQ(Measured({.order = SumOrder::kForward}).sum_lanes, 1);
  EXPECT_EQ(Measured({.order = SumOrder::kBackward, .fused = true}).sum_lanes, 1);
  EXPECT_EQ(Measured({.order = SumOrder::kLanes8}).sum_lanes, 8);
  EXPECT_EQ(Measured({.order = SumOrder::kLanes8, .fused = true}).sum_lanes, 8);
  EXPECT_GE(Measured({.order = SumOrder::kPairwise}).sum_lanes, 16);
}

TEST(Profile, FindsWhereTheScaleIsMultiplied) {
  EXPECT_TRUE(Measured({.scale = ScaleUse::kOnScore}).product_first);
  EXPECT_FALSE(Measured({.scale = ScaleUse::kOnQuery}).product_first);
  EXPECT_FALSE(Measured({.scale = ScaleUse::kSplit}).product_first);
  EXPECT_FALSE(Measured({.preload_bias = true, .scale = ScaleUse::kOnQuery}).product_first);
}

TEST(Profile, FindsTheBaseAndTheErrorOfTheExponential) {
  EXPECT_TRUE(Measured({.exponential = Exponential::kNatural}).natural_exp);
  EXPECT_FALSE(Measured({.exponential = Exponential::kBase2InScale}).natural_exp);
  EXPECT_FALSE(Measured({.exponential = Exponential::kBase2OnDifference}).natural_exp);
  EXPECT_LE(Measured({.exponential = Exponential::kNatural}).exp_ulp, 1.0);
  EXPECT_LE(Measured({.exponential = Exponential::kBase2OnDifference}).exp_ulp, 1.5);
  EXPECT_GE(Measured({.exponential = Exponential::kSloppy, .seed = 7}).exp_ulp, 1.5);
}

TEST(Profile, FindsBlocksAndFlushing) {
  for (const int64_t block : {int64_t{0}, int64_t{16}, int64_t{21}, int64_t{512}}) {
    EXPECT_EQ(Measured({.online_block = block}).online_block, block);
  }
  EXPECT_FALSE(Measured({.flush = false}).flush_to_zero);
  EXPECT_TRUE(Measured({.flush = true}).flush_to_zero);
}

TEST(Profile, FindsWhereOperationsRound) {
  EXPECT_FALSE(Measured({.fused = true}).any_rounding);
  for (const OperationRounding rounding :
       {OperationRounding::kUp, OperationRounding::kDown, OperationRounding::kTowardZero,
        OperationRounding::kAwayFromZero}) {
    EXPECT_TRUE(Measured({.rounding = rounding}).any_rounding);
  }
}

Case CoreCase(int64_t batch, int64_t total, int64_t value_size) {
  Case c;
  c.op = Op::kCore;
  c.attributes.scale = 1.0F;
  c[TensorId::kQuery] = Tensor(ElementType::kFloat32, {batch, 1, 1, 1});
  c[TensorId::kKey] = Tensor(ElementType::kFloat32, {batch, 1, total, 1});
  c[TensorId::kValue] = Tensor(ElementType::kFloat32, {batch, 1, total, value_size});
  return c;
}

// Sums of 256 equal terms: within a binade every addition errs by the same amount to the same side,
// so that a chain goes far off.
Case EqualTerms(Rng& rng) {
  constexpr int64_t kTerms = 256;
  constexpr int64_t kColumns = 64;
  Case c = CoreCase(1, kTerms, kColumns);
  for (int64_t column = 0; column < kColumns; ++column) {
    const double value = 1.0 + rng.Unit();
    for (int64_t t = 0; t < kTerms; ++t) c[TensorId::kValue]->Set(t * kColumns + column, value);
  }
  return c;
}

// Two keys of the same score and opposite values: the output is nothing but the difference of the
// two exponentials' errors.
Case OppositeValues() {
  Case c = CoreCase(1, 2, 1);
  c[TensorId::kValue]->Set(0, 1.0);
  c[TensorId::kValue]->Set(1, -1.0);
  return c;
}

// What is measured must cover the subject: judged by it, none breaks the law of the bound.
TEST(Profile, IsNeverTooNarrow) {
  const Invariant& invariant = *FindInvariant("reference-match");
  std::vector<std::unique_ptr<Subject>> subjects = AllKernelsSubjects();
  Rng rng(0x5A1E);
  for (int i = 0; i < 6; ++i) {
    NamedEvaluation random{.name = "random", .what = "", .style = EvaluationStyle::Random(rng)};
    if (i % 3 == 0) random.style.rounding = OperationRounding::kTowardZero;
    subjects.push_back(MakeEvaluationSubject(random));
  }
  for (const NamedEvaluation& named : NamedEvaluations()) {
    subjects.push_back(MakeEvaluationSubject(named));
  }
  for (std::unique_ptr<Subject>& subject : subjects) {
    const NumericsProfile profile = Measured(*subject);
    HeldSubject judged(std::move(subject));
    judged.held_to().profile = profile;
    for (int i = 0; i < 100; ++i) {
      GenerateOptions options;
      options.op = Op::kCore;
      const Case c = i == 0   ? EqualTerms(rng)
                     : i == 1 ? OppositeValues()
                              : Expand(Generate(rng, options));
      const Verdict verdict = invariant.check(judged, c);
      EXPECT_NE(verdict.kind, VerdictKind::kBroken)
          << judged.name() << ": " << verdict.evidence.summary;
    }
  }
}

TEST(Profile, OfASubjectThatRefusesIsNone) {
  std::string failure;
  Refusing refusing;
  EXPECT_FALSE(MeasureProfile(refusing, failure));
  EXPECT_EQ(failure, "refused: not today");
}

TEST(Lanes, CoverEveryDepthSeen) {
  EXPECT_EQ(LanesOf({{.terms = 64, .depth = 63}}), 1);
  EXPECT_EQ(LanesOf({{.terms = 64, .depth = 33}}), 2);
  EXPECT_EQ(LanesOf({{.terms = 64, .depth = 11}}), 8);
  EXPECT_EQ(LanesOf({{.terms = 64, .depth = 12}}), 4);
  EXPECT_EQ(LanesOf({{.terms = 64, .depth = 11}, {.terms = 8, .depth = 5}}), 2);
}

}  // namespace
}  // namespace maskproof
