// Dialects: defects that are a known implementation's ways hold in its dialect and break the ideal,
// and a sound subject breaks what differs from the ideal.
#include "properties/oracle/dialect.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "properties/base/rng.h"
#include "properties/case/visibility.h"
#include "properties/invariants/invariant.h"
#include "properties/invariants/laws.h"
#include "properties/recipe/recipe.h"
#include "properties/subjects/held_subject.h"
#include "properties/subjects/subject.h"

namespace maskproof {
namespace {

struct Way {
  const char* defect;
  DialectId dialect;
};
void PrintTo(const Way& way, std::ostream* os) { *os << way.defect; }

constexpr auto kWays = std::to_array<Way>({
    {.defect = "fully-masked-zero", .dialect = DialectId::kZeroRows},
    {.defect = "inf-minus-inf", .dialect = DialectId::kNanRows},
    {.defect = "overwrite-future", .dialect = DialectId::kOnnxRuntime9},
    {.defect = "fill-value-used", .dialect = DialectId::kOnnxRuntime16},
});

struct Counts {
  int holds = 0;
  int broken = 0;
  std::string summary;
};

// Without attention_bias and fills as low as future keys have: there the defects are less thorough
// than what they are modelled on.
Counts Judge(const char* defect, DialectId dialect) {
  constexpr uint64_t kCases = 300;
  HeldSubject subject(MakePlantedSubject(defect));
  subject.held_to().dialect = dialect;
  Counts counts;
  for (const char* id : {"reference-match", "fully-masked-rows"}) {
    const Invariant& invariant = *FindInvariant(id);
    for (const Op op : {Op::kAttention, Op::kQAttention, Op::kCore}) {
      for (uint64_t number = 0; number < kCases; ++number) {
        Rng rng(MixSeeds(number, static_cast<uint64_t>(op)));
        GenerateOptions options;
        options.op = op;
        Recipe recipe = Generate(rng, options);
        recipe.attention_bias = BiasBroadcast::kNone;
        if (recipe.mask_filter_value.value_or(0.0F) < -1e30F) recipe.mask_filter_value.reset();
        Normalize(recipe);
        const Case c = Expand(recipe);
        // Else the law empties a row itself, now and then with attention_bias.
        if (invariant.check == CheckFullyMaskedRows && !Visibility(c).AnyFullyMasked()) continue;
        const Verdict verdict = invariant.check(subject, c);
        counts.holds += verdict.kind == VerdictKind::kHolds ? 1 : 0;
        if (verdict.kind != VerdictKind::kBroken) continue;
        ++counts.broken;
        counts.summary = verdict.evidence.summary + '\n' + ToText(recipe);
      }
    }
  }
  return counts;
}

class EachWay : public testing::TestWithParam<Way> {};

TEST_P(EachWay, HoldsInItsDialectAndNotInTheIdeal) {
  const Way way = GetParam();
  const Counts own = Judge(way.defect, way.dialect);
  EXPECT_EQ(own.broken, 0) << own.summary;
  EXPECT_GT(own.holds, 700);
  EXPECT_GT(Judge(way.defect, DialectId::kIdeal).broken, 50);
}

TEST_P(EachWay, IsNotWhatASoundSubjectDoes) {
  EXPECT_GT(Judge("none", GetParam().dialect).broken, 50);
}

INSTANTIATE_TEST_SUITE_P(Dialects, EachWay, testing::ValuesIn(kWays), [](const auto& instance) {
  std::string name = DialectOf(instance.param.dialect).name;
  for (char& character : name) {
    if (character == '-' || character == '.') character = '_';
  }
  return name;
});

TEST(Dialects, AreInTheOrderOfTheirNumbersAndHaveNames) {
  for (const Dialect& dialect : Dialects()) {
    EXPECT_EQ(&DialectOf(dialect.id), &dialect);
    EXPECT_EQ(FindDialect(dialect.name), &dialect);
    EXPECT_STRNE(dialect.meaning, "");
    EXPECT_STRNE(dialect.source, "");
  }
  EXPECT_EQ(FindDialect("no-such-dialect"), nullptr);
}

// The two that differ in the attribute alone.
TEST(Dialects, TheAttributeCountsWhereItIsKnown) {
  Recipe recipe;
  recipe.op = Op::kAttention;
  recipe.sequence = 3;
  recipe.mask.form = MaskForm::kRaw2D;
  recipe.mask.pattern = KeepPattern::kNothing;
  recipe.unidirectional = 1;
  Normalize(recipe);
  Case c = Expand(recipe);
  const auto rows = [&c](DialectId dialect) {
    OracleOptions options;
    options.dialect = dialect;
    return ComputeReference(c, options).output;
  };
  EXPECT_EQ(rows(DialectId::kOnnxRuntime9), rows(DialectId::kOnnxRuntime14));
  c.attributes.mask_filter_value = -1.0F;
  EXPECT_NE(rows(DialectId::kOnnxRuntime9), rows(DialectId::kOnnxRuntime14));
  // So large a fill swallows the scores: the row is uniform over all keys.
  c.attributes.mask_filter_value = std::numeric_limits<float>::lowest();
  const std::vector<double> ideal = rows(DialectId::kIdeal);
  const std::vector<double> lowest = rows(DialectId::kOnnxRuntime16);
  ASSERT_EQ(ideal.size(), lowest.size());
  for (size_t i = 0; i < ideal.size(); ++i) EXPECT_NEAR(ideal[i], lowest[i], 1e-12);
}

}  // namespace
}  // namespace maskproof
