// The bins of recipe coverage: the generator reaches each that is reachable, and none that is not.
#include "properties/recipe/coverage.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "properties/base/rng.h"
#include "properties/tests/recipe_support.h"

namespace maskproof {
namespace {

bool Covers(const Recipe& recipe, const std::string& name) {
  const std::vector<uint16_t> bins = CoveredBins(recipe, Expand(recipe));
  EXPECT_TRUE(std::ranges::is_sorted(bins));
  return std::ranges::any_of(bins, [&](uint16_t bin) {
    EXPECT_EQ(CoverageBinOp(bin), recipe.op);
    return CoverageBinName(bin) == name;
  });
}

TEST(Coverage, EveryBinHasANameOfItsOwn) {
  std::set<std::pair<Op, std::string>> names;
  for (size_t bin = 0; bin < CoverageBinCount(); ++bin) {
    EXPECT_TRUE(names.emplace(CoverageBinOp(bin), CoverageBinName(bin)).second)
        << CoverageBinName(bin);
  }
}

TEST(Coverage, TheGeneratorReachesEveryBinThatIsReachableAndNoOther) {
  constexpr int kRecipes = 30'000;
  std::vector<int> reached(CoverageBinCount());
  for (const Op op : {Op::kAttention, Op::kQAttention, Op::kCore}) {
    Rng rng(MixSeeds(7, static_cast<uint64_t>(op)));
    GenerateOptions options;
    options.op = op;
    options.allow_faults = true;
    for (int i = 0; i < kRecipes; ++i) {
      const Recipe recipe = Generate(rng, options);
      for (const uint16_t bin : CoveredBins(recipe, Expand(recipe))) ++reached[bin];
    }
  }
  for (size_t bin = 0; bin < reached.size(); ++bin) {
    EXPECT_EQ(reached[bin] > 0, CoverageBinReachable(bin))
        << OpName(CoverageBinOp(bin)) << ": " << CoverageBinName(bin);
  }
}

TEST(Coverage, SaysWhatACaseIs) {
  const Recipe decoding = Parsed(
      "maskproof recipe 1\nop Core\nsequence 1\npast 12\nhead_size 3\nunidirectional 1\n"
      "mask raw2d pattern=last\n");
  EXPECT_TRUE(Covers(decoding, "raw2d + causal + past + tail"));
  EXPECT_TRUE(Covers(decoding, "decoding"));
  EXPECT_TRUE(Covers(decoding, "row with the last key alone"));
  EXPECT_FALSE(Covers(decoding, "fully masked row"));
  EXPECT_FALSE(Covers(decoding, "row whose first key is the 65th or later"));

  const Recipe late = Parsed(
      "maskproof recipe 1\nop Core\nsequence 70\nmask lengths pattern=nothing\n"
      "set query[0] -0\nset key[0] 1e-40\n");
  EXPECT_TRUE(Covers(late, "fully masked row"));
  EXPECT_FALSE(Covers(late, "fully masked row beside another"));
  EXPECT_TRUE(Covers(late, "negative zero"));
  EXPECT_TRUE(Covers(late, "denormal"));
  EXPECT_TRUE(Covers(late, "56 to 96 queries"));
  EXPECT_FALSE(Covers(late, "97 to 255 queries"));
}

}  // namespace
}  // namespace maskproof
