// The fuzz harness itself: decoding, mutation, subjects, and that a broken law ends the process
// with all that is needed to replay it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/checks.h"
#include "fuzz/finding.h"
#include "fuzz/input.h"
#include "fuzz/mutator.h"
#include "fuzz/subjects.h"
#include "fuzz/tally.h"
#include "fuzz/target.h"
#include "properties/base/rng.h"
#include "properties/invariants/invariant.h"

namespace maskproof::fuzz {
namespace {

constexpr Target kCoreTarget = {.name = "core_fuzzer", .op = Op::kCore, .run = RunCase};
constexpr Target kFaultyTarget = {.name = "malformed_fuzzer", .op = std::nullopt, .faults = true};
constexpr Target kTextTarget = {
    .name = "recipe_fuzzer", .op = std::nullopt, .faults = true, .mutate_text = true};

size_t NoRawMutation(uint8_t* /*data*/, size_t size, size_t /*max_size*/) { return size; }

std::vector<uint8_t> RandomBytes(Rng& rng, size_t size) {
  std::vector<uint8_t> bytes(size);
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(rng.Next());
  return bytes;
}

std::vector<uint8_t> Prefix(const std::vector<uint8_t>& bytes, size_t size) {
  return {bytes.data(), bytes.data() + size};
}

std::optional<Recipe> Decode(const Target& target, const std::vector<uint8_t>& bytes) {
  std::string error;
  return DecodeInput(target, bytes.data(), bytes.size(), error);
}

std::optional<Recipe> Decode(const Target& target, const std::string& text) {
  return Decode(target, std::vector<uint8_t>(text.begin(), text.end()));
}

Recipe RecipeOf(Op op, bool faults, uint64_t seed) {
  Rng rng(seed);
  GenerateOptions options;
  options.op = op;
  options.allow_faults = faults;
  return Generate(rng, options);
}

TEST(Input, BytesAlwaysGiveARecipeOfTheTargetsOperator) {
  Rng rng(1);
  for (int i = 0; i < 5000; ++i) {
    const std::vector<uint8_t> bytes = RandomBytes(rng, rng.Below(200));
    const std::optional<Recipe> recipe = Decode(kCoreTarget, bytes);
    ASSERT_TRUE(recipe);
    EXPECT_EQ(recipe->op, Op::kCore);
    EXPECT_TRUE(recipe->faults.empty());
    Recipe again = *recipe;
    Normalize(again, FuzzLimits());
    EXPECT_TRUE(again == *recipe);
  }
}

TEST(Input, TextOfAnotherOperatorServesAsASeed) {
  const Recipe attention = RecipeOf(Op::kAttention, false, 2);
  const std::optional<Recipe> recipe = Decode(kCoreTarget, ToText(attention));
  ASSERT_TRUE(recipe);
  EXPECT_EQ(recipe->op, Op::kCore);
  EXPECT_EQ(recipe->salt, attention.salt);
}

TEST(Input, TextKeepsItsRecipe) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    const Recipe core = RecipeOf(Op::kCore, false, seed);
    const std::optional<Recipe> recipe = Decode(kCoreTarget, "# a comment\n\n" + ToText(core));
    ASSERT_TRUE(recipe);
    EXPECT_TRUE(*recipe == core);
  }
}

TEST(Input, TextThatIsNoRecipeIsRejectedWithAReason) {
  const std::string text = "maskproof recipe 1\nheads many\n";
  std::string error;
  const auto* data = reinterpret_cast<const uint8_t*>(text.data());
  EXPECT_FALSE(DecodeInput(kCoreTarget, data, text.size(), error));
  EXPECT_NE(error.find("line 2"), std::string::npos) << error;
  EXPECT_EQ(kCoreTarget.run(kCoreTarget, data, text.size(), error), InputResult::kRejected);
}

TEST(Mutator, GivesDecodableInputsOfTheTargetAndNeverExceedsTheRoom) {
  Rng rng(3);
  std::vector<uint8_t> buffer(4096);
  size_t size = 0;
  int salts = 0;
  uint64_t last_salt = 0;
  for (int i = 0; i < 5000; ++i) {
    const size_t room = rng.OneIn(10) ? 1 + rng.Below(60) : buffer.size();
    size = MutateInput(kCoreTarget, buffer.data(), std::min(size, room), room, rng.Next(),
                       NoRawMutation);
    ASSERT_LE(size, room);
    const std::optional<Recipe> recipe = Decode(kCoreTarget, Prefix(buffer, size));
    ASSERT_TRUE(recipe);
    EXPECT_EQ(recipe->op, Op::kCore);
    EXPECT_TRUE(recipe->faults.empty());
    salts += recipe->salt != last_salt ? 1 : 0;
    last_salt = recipe->salt;
  }
  // Other salts, hence other laws and subjects, are tried all the time.
  EXPECT_GT(salts, 1000);
}

TEST(Mutator, ReachesFaultsWhereTheTargetWantsThem) {
  std::vector<uint8_t> buffer(4096);
  size_t size = 0;
  int with_faults = 0;
  for (uint64_t i = 0; i < 2000; ++i) {
    size = MutateInput(kFaultyTarget, buffer.data(), size, buffer.size(), i, NoRawMutation);
    const std::optional<Recipe> recipe = Decode(kFaultyTarget, Prefix(buffer, size));
    ASSERT_TRUE(recipe);
    with_faults += recipe->faults.empty() ? 0 : 1;
  }
  EXPECT_GT(with_faults, 200);
}

TEST(Mutator, WritesTextForTargetsThatReadText) {
  std::vector<uint8_t> buffer(8192);
  size_t size = 0;
  int texts = 0;
  for (uint64_t i = 0; i < 500; ++i) {
    size = MutateInput(kTextTarget, buffer.data(), size, buffer.size(), i, NoRawMutation);
    texts += AsText(buffer.data(), size) ? 1 : 0;
  }
  EXPECT_GT(texts, 200);
}

TEST(Mutator, CrossesTwoInputs) {
  std::vector<uint8_t> out(4096);
  int mixed = 0;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    const Recipe a = RecipeOf(Op::kCore, false, 2 * seed);
    const Recipe b = RecipeOf(Op::kCore, false, 2 * seed + 1);
    const std::vector<uint8_t> left = EncodeBytes(a);
    const std::string right = ToText(b);
    const size_t size = CrossInputs(kCoreTarget, left.data(), left.size(),
                                    reinterpret_cast<const uint8_t*>(right.data()), right.size(),
                                    out.data(), out.size(), seed);
    ASSERT_GT(size, 0U);
    ASSERT_LE(size, out.size());
    const std::optional<Recipe> child = Decode(kCoreTarget, Prefix(out, size));
    ASSERT_TRUE(child);
    mixed += *child == a || *child == b ? 0 : 1;
  }
  EXPECT_GT(mixed, 400);
  uint8_t tiny = 0;
  const std::vector<uint8_t> bytes = EncodeBytes(RecipeOf(Op::kCore, false, 4));
  EXPECT_EQ(
      CrossInputs(kCoreTarget, bytes.data(), bytes.size(), bytes.data(), bytes.size(), &tiny, 1, 5),
      0U);
}

TEST(Subjects, AreMadeFromTheirSpecification) {
  std::string error;
  const std::unique_ptr<Subject> best = MakeInProcessSubject("kernels", error);
  ASSERT_NE(best, nullptr) << error;
  const std::string threaded = "kernels:" + best->target() + ",threads=2";
  EXPECT_NE(MakeInProcessSubject(threaded, error), nullptr) << error;
  EXPECT_NE(MakeInProcessSubject("planted:none", error), nullptr) << error;
  EXPECT_NE(MakeInProcessSubject("planted:additive-mask", error), nullptr) << error;
  for (const char* wrong :
       {"", "kernels:", "kernels:Z80", "kernels:AVX2,threads=0", "kernels:AVX2,threads=two",
        "planted:", "planted:nothing-like-it", "onnxruntime:1.30.0", "kernelsAVX2"}) {
    error.clear();
    EXPECT_EQ(MakeInProcessSubject(wrong, error), nullptr) << wrong;
    EXPECT_FALSE(error.empty()) << wrong;
  }
}

TEST(Finding, EveryInvariantAbortsFromAFunctionOfItsOwn) {
  for (const Invariant& invariant : Invariants()) {
    EXPECT_TRUE(HasOwnFrame(invariant.id)) << invariant.id;
  }
  EXPECT_FALSE(HasOwnFrame("no-such-invariant"));
}

// Runs random recipes until one breaks a law.
void Hunt(const char* subject, const char* invariant) {
  setenv("MASKPROOF_FUZZ_SUBJECT", subject, 1);
  setenv("MASKPROOF_FUZZ_INVARIANT", invariant, 1);
  for (uint64_t seed = 0; seed < 3000; ++seed) {
    const std::vector<uint8_t> bytes = EncodeBytes(RecipeOf(Op::kAttention, false, seed));
    std::string error;
    ThisTarget().run(ThisTarget(), bytes.data(), bytes.size(), error);
  }
}

TEST(FindingDeathTest, NamesTheLawTheSubjectAndTheRecipe) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(Hunt("planted:additive-mask", "fully-masked-rows"),
               "invariant: fully-masked-rows(.|\n)*"
               "subject:   planted:additive-mask(.|\n)*"
               "maskproof recipe(.|\n)*op Attention(.|\n)*"
               "maskproof replay(.|\n)*--subject planted:additive-mask --invariant "
               "fully-masked-rows(.|\n)*"
               "maskproof: broken law: fully-masked-rows");
}

TEST(FindingDeathTest, UnknownSubjectAndInvariantEndTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(Hunt("planted:nothing-like-it", "memory"), testing::ExitedWithCode(2),
              "no planted defect has that name");
  EXPECT_EXIT(Hunt("planted:none", "nothing-like-it"), testing::ExitedWithCode(2),
              "leave no invariant");
}

TEST(Checks, EveryLawThatAppliesHasItsTurnOnEverySubject) {
  for (uint64_t seed = 0; seed < 4000; ++seed) {
    Recipe recipe = RecipeOf(Op::kAttention, false, seed % 200);
    recipe.salt = MixSeeds(seed, 7);
    Limits small;
    small.max_work = 5000;
    Normalize(recipe, small);
    const std::optional<Broken> broken = FindBroken(ThisTarget(), recipe);
    EXPECT_FALSE(broken) << broken->invariant->id << " on " << broken->subject->name() << "\n"
                         << ToText(recipe);
  }
  for (size_t law = 0; law < Invariants().size(); ++law) {
    if (!Invariants()[law].applies_to(Op::kAttention)) continue;
    for (const std::unique_ptr<Subject>& subject : FuzzSubjects()) {
      const Tally tally = TallyOf(law, *subject);
      EXPECT_GT(tally.holds + tally.undecided + tally.not_applicable, 0U)
          << Invariants()[law].id << " on " << subject->name();
    }
  }
}

}  // namespace
}  // namespace maskproof::fuzz
