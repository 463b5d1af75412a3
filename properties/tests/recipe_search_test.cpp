// Generation, mutation and shrinking of recipes.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "properties/case/validity.h"
#include "properties/case/visibility.h"
#include "properties/recipe/measure.h"
#include "properties/recipe/recipe.h"
#include "properties/tests/recipe_support.h"

namespace maskproof {
namespace {

// ---- generation --------------------------------------------------

class Shares {
 public:
  void Count(const std::vector<const char*>& labels) {
    ++total_;
    for (const char* label : labels) {
      const auto found = std::find_if(counts_.begin(), counts_.end(), [&](const auto& entry) {
        return std::strcmp(entry.first, label) == 0;
      });
      if (found == counts_.end()) {
        counts_.emplace_back(label, 1);
      } else {
        ++found->second;
      }
    }
  }
  double Of(const char* label) const {
    for (const auto& [name, count] : counts_) {
      if (std::strcmp(name, label) == 0) return count / static_cast<double>(total_);
    }
    return 0.0;
  }

 private:
  std::vector<std::pair<const char*, int>> counts_;
  int total_ = 0;
};

void ExpectShare(const Shares& shares, const char* label, double least, double most = 1.0) {
  EXPECT_GE(shares.Of(label), least) << label;
  EXPECT_LE(shares.Of(label), most) << label;
}

class RecipeGenerate : public testing::TestWithParam<Op> {};

TEST_P(RecipeGenerate, CoversWhatItPromises) {
  GenerateOptions options;
  options.op = GetParam();
  Shares shares;
  int masked = 0;
  int fully_masked = 0;
  double work = 0.0;
  constexpr uint64_t kRuns = 6000;
  for (uint64_t n = 0; n < kRuns; ++n) {
    const Recipe r = Nth(n, options);
    ASSERT_EQ(r.op, GetParam());
    ASSERT_TRUE(r.faults.empty());
    const Case c = Expand(r);
    const std::vector<const char*> labels = Classify(r, c);
    shares.Count(labels);
    const bool any = Visibility(c).AnyFullyMasked();
    const bool masks = r.mask.form != MaskForm::kNone && r.mask.form != MaskForm::kDummy2D;
    masked += masks ? 1 : 0;
    fully_masked += masks && any ? 1 : 0;
    work += static_cast<double>(r.batch * r.heads * r.sequence * Total(r) *
                                (r.head_size + r.value_head_size));
  }
  for (const char* form : {"mask none", "mask lengths", "mask ends_starts", "mask cumulative",
                           "mask raw2d", "mask dummy2d", "mask raw3d"}) {
    ExpectShare(shares, form, 0.10, 0.20);
  }
  EXPECT_GE(fully_masked, masked / 4);
  ExpectShare(shares, "causal", 0.40, 0.60);
  ExpectShare(shares, "past", 0.25, 0.45);
  ExpectShare(shares, "extreme values", 0.03);
  ExpectShare(shares, "non-finite", 0.001, 0.06);
  ExpectShare(shares, "one key", 0.01, 0.15);
  ExpectShare(shares, "tail of keys", 0.25);
  ExpectShare(shares, "tail of head size", 0.20);
  ExpectShare(shares, "64 keys or more", 0.05);
  ExpectShare(shares, "several batches", 0.40);
  ExpectShare(shares, "several heads", 0.40);
  ExpectShare(shares, "equal rows", 0.05);
  if (GetParam() != Op::kQAttention) {
    ExpectShare(shares, "attention bias", 0.15);
    ExpectShare(shares, "-inf bias", 0.05);
    ExpectShare(shares, "value size differs", 0.10);
  } else {
    for (const char* signs : {"u8 x u8", "u8 x s8", "s8 x u8", "s8 x s8"}) {
      ExpectShare(shares, signs, 0.20, 0.30);
    }
    ExpectShare(shares, "per column", 0.40);
  }
  // Thousands of cases a second need small ones, tails need not so small ones.
  EXPECT_GT(work / kRuns, 2'000.0);
  EXPECT_LT(work / kRuns, 60'000.0);
}

INSTANTIATE_TEST_SUITE_P(Ops, RecipeGenerate,
                         testing::Values(Op::kAttention, Op::kQAttention, Op::kCore),
                         [](const auto& test) { return std::string(OpName(test.param)); });

// Whether some row's largest product, or its smallest under a negative scale, is so far above the
// others that e^x overflows where it is left out of the row's maximum. Core only.
bool HasTower(const Recipe& r, const Case& c) {
  constexpr double kOverflows = 89.0;
  const double scale = r.scale.value_or(0.0F) == 0.0F
                           ? 1.0 / std::sqrt(static_cast<double>(r.head_size))
                           : static_cast<double>(*r.scale);
  const auto query = c[TensorId::kQuery]->as<float>();
  const auto key = c[TensorId::kKey]->as<float>();
  const auto depth = static_cast<size_t>(r.head_size);
  const auto keys = static_cast<size_t>(Total(r));
  const auto rows = static_cast<size_t>(r.sequence);
  for (size_t row = 0; row < query.size() / depth; ++row) {
    std::vector<double> scores(keys, 0.0);
    for (size_t t = 0; t < keys; ++t) {
      for (size_t h = 0; h < depth; ++h) {
        scores[t] += scale * static_cast<double>(query[row * depth + h]) *
                     static_cast<double>(key[(row / rows * keys + t) * depth + h]);
      }
    }
    std::ranges::nth_element(scores, scores.end() - 2);
    if (scores[keys - 1] - scores[keys - 2] > kOverflows) return true;
  }
  return false;
}

TEST(RecipeGenerateTest, LongRowsSeenWholeHaveTowers) {
  GenerateOptions options;
  options.op = Op::kCore;
  Shares shares;
  int seen_whole = 0;
  constexpr uint64_t kRuns = 6000;
  constexpr int64_t kLongRow = 24;
  for (uint64_t n = 0; n < kRuns; ++n) {
    const Recipe r = Nth(n, options);
    const bool plain = r.mask.form == MaskForm::kNone && r.unidirectional != 1 &&
                       r.attention_bias == BiasBroadcast::kNone;
    std::vector<const char*> labels;
    if (plain && Total(r) >= kLongRow) {
      ++seen_whole;
      const bool tower = HasTower(r, Expand(r));
      if (tower) labels.push_back("tower");
      if (tower && r.scale.value_or(0.0F) < 0.0F) labels.push_back("under a negative scale");
    }
    shares.Count(labels);
  }
  EXPECT_GT(seen_whole, 0);
  ExpectShare(shares, "tower", 0.005);
  ExpectShare(shares, "under a negative scale", 0.001);
}

TEST(RecipeGenerateTest, SizeScalesTheCase) {
  GenerateOptions small;
  small.size = 0;
  for (uint64_t n = 0; n < 100; ++n) {
    const Recipe r = Nth(n, small);
    EXPECT_EQ(Total(r), 1);
    EXPECT_EQ(r.heads, 1);
  }
}

TEST(RecipeGenerateTest, FaultsAreOfAllKindsAndMostlyMatter) {
  std::array<int, 5> kinds{};
  std::array<int, 3> validity{};
  std::array<bool, kTensorCount> tensors{};
  int with_faults = 0;
  constexpr int kRuns = 6000;
  for (uint64_t n = 0; n < kRuns; ++n) {
    const Recipe r = Nth(n, WithFaults());
    if (r.faults.empty()) continue;
    ++with_faults;
    for (const Fault& fault : r.faults) {
      ++kinds[static_cast<size_t>(fault.kind)];
      tensors[static_cast<size_t>(fault.tensor)] = true;
    }
    const Case c = Expand(r);
    for (const auto& tensor : c.tensors) {
      ASSERT_LE(tensor ? tensor->bytes.size() : 0, size_t{4} << 20);
    }
    ++validity[static_cast<size_t>(JudgeValidity(c).validity)];
  }
  EXPECT_NEAR(with_faults, kRuns / 2, kRuns / 20);
  for (const int count : kinds) EXPECT_GT(count, 50);
  for (size_t i = 0; i < kTensorCount; ++i) {
    EXPECT_TRUE(tensors[i]) << TensorName(static_cast<TensorId>(i));
  }
  EXPECT_GT(validity[static_cast<size_t>(Validity::kInvalid)], with_faults / 2);
  EXPECT_GT(validity[static_cast<size_t>(Validity::kValid)], with_faults / 20);
  EXPECT_GT(validity[static_cast<size_t>(Validity::kUnsupported)], with_faults / 100);
}

TEST(RecipeMutate, StaysNormalizedAndKeepsToTheOptions) {
  GenerateOptions options;
  options.op = Op::kQAttention;
  int changed = 0;
  for (uint64_t n = 0; n < 5000; ++n) {
    Rng rng(n);
    const Recipe a = Nth(n, WithFaults());
    const Recipe b = Nth(n + 100000, WithFaults());
    for (const Recipe& r : {Mutate(a, rng, options), CrossOver(a, b, rng, options),
                            Mutate(a, rng, WithFaults()), CrossOver(a, b, rng, WithFaults())}) {
      Recipe again = r;
      Normalize(again);
      ASSERT_EQ(again, r) << ToText(r);
    }
    const Recipe mutant = Mutate(a, rng, options);
    EXPECT_EQ(mutant.op, Op::kQAttention);
    EXPECT_TRUE(mutant.faults.empty());
    changed += Mutate(mutant, rng, options) == mutant ? 0 : 1;
  }
  EXPECT_GT(changed, 4000);
}

// ---- shrinking ---------------------------------------------------

template <typename Predicate>
Recipe Shrunk(Recipe recipe, Predicate holds) {
  constexpr int kFarTooMany = 2000;
  int steps = 0;
  for (bool found = true; found && steps < kFarTooMany; ++steps) {
    found = false;
    for (const Recipe& candidate : ShrinkCandidates(recipe)) {
      if (!holds(candidate)) continue;
      recipe = candidate;
      found = true;
      break;
    }
  }
  EXPECT_LT(steps, kFarTooMany);
  return recipe;
}

TEST(RecipeShrink, CandidatesAreNormalizedNewAndFew) {
  for (uint64_t n = 0; n < 1000; ++n) {
    const Recipe r = Nth(n, WithFaults());
    const std::vector<Recipe> candidates = ShrinkCandidates(r);
    ASSERT_LE(candidates.size(), 160U);
    for (const Recipe& candidate : candidates) {
      ASSERT_NE(candidate, r);
      Recipe again = candidate;
      Normalize(again);
      ASSERT_EQ(again, candidate);
      // The order is strict: nothing leads back.
      const std::vector<Recipe> next = n < 20 ? ShrinkCandidates(candidate) : std::vector<Recipe>();
      ASSERT_EQ(std::find(next.begin(), next.end(), r), next.end());
    }
  }
}

TEST(RecipeShrink, RedrawnCandidatesAreSmallerAndOthersInEveryRound) {
  for (uint64_t n = 0; n < 300; ++n) {
    const Recipe r = Nth(n, WithFaults());
    const std::vector<Recipe> first = RedrawnCandidates(r, 0);
    for (const Recipe& candidate : first) {
      Recipe again = candidate;
      Normalize(again);
      ASSERT_EQ(again, candidate);
      ASSERT_LT(MeasureOf(candidate).structure, MeasureOf(r).structure);
    }
    EXPECT_EQ(first, RedrawnCandidates(r, 0));
    if (!first.empty()) {
      EXPECT_NE(first, RedrawnCandidates(r, 1));
    }
  }
}

TEST(RecipeShrink, EndsWhicheverCandidateIsTaken) {
  for (uint64_t n = 0; n < 300; ++n) {
    Rng rng(n);
    Recipe r = Nth(n, WithFaults());
    int steps = 0;
    while (true) {
      const std::vector<Recipe> candidates = ShrinkCandidates(r);
      if (candidates.empty()) break;
      r = candidates[rng.Below(candidates.size())];
      ASSERT_LT(++steps, 2000);
    }
    EXPECT_EQ(r.heads * r.batch * Total(r), 1) << ToText(r);
  }
}

bool SeesSomeButNotAll(const Recipe& r) {
  const Visibility visibility(Expand(r));
  for (int64_t b = 0; b < r.batch; ++b) {
    for (int64_t s = 0; s < r.sequence; ++s) {
      int64_t seen = 0;
      for (int64_t t = 0; t < Total(r); ++t) seen += visibility.Sees(b, 0, s, t) ? 1 : 0;
      if (seen > 0 && seen < Total(r)) return true;
    }
  }
  return false;
}

// The kinds of condition that findings depend on; the last one also on the invariant's own choices.
TEST(RecipeShrink, FindingsBecomeSmall) {
  const auto masked = [](const Recipe& r) { return r.mask.form != MaskForm::kNone; };
  const auto fully = [&](const Recipe& r) {
    return masked(r) && r.unidirectional == 1 && Visibility(Expand(r)).AnyFullyMasked();
  };
  const auto influence = [&](const Recipe& r) { return masked(r) && SeesSomeButNotAll(r); };
  const auto salted = [&](const Recipe& r) {
    return influence(r) && MixSeeds(r.salt, static_cast<uint64_t>(Total(r))) % 2 == 0;
  };
  int found = 0;
  int small = 0;
  for (uint64_t n = 0; n < 300; ++n) {
    const Recipe r = Nth(n);
    const auto judge = [&](const Recipe& shrunk) {
      ++found;
      small += shrunk.heads <= 2 && Total(shrunk) <= 4 ? 1 : 0;
    };
    if (fully(r)) judge(Shrunk(r, fully));
    if (influence(r)) judge(Shrunk(r, influence));
    if (salted(r)) judge(Shrunk(r, salted));
  }
  EXPECT_GT(found, 200);
  EXPECT_GE(small, found * 97 / 100);
}

TEST(RecipeShrink, KeepsWhatTheFindingNeeds) {
  Recipe r = Nth(0);
  r.op = Op::kAttention;
  r.heads = 5;
  r.past = 9;
  Normalize(r);
  const Recipe shrunk = Shrunk(r, [](const Recipe& c) { return c.heads >= 3 && Total(c) >= 5; });
  EXPECT_EQ(shrunk.heads, 3);
  EXPECT_EQ(Total(shrunk), 5);
  EXPECT_EQ(shrunk.head_size, 1);
  EXPECT_EQ(shrunk.salt, 0U);
}

}  // namespace
}  // namespace maskproof
