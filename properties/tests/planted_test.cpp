// The planted implementation: sound without a defect, and each defect shows.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "properties/base/rng.h"
#include "properties/case/validity.h"
#include "properties/oracle/oracle.h"
#include "properties/recipe/recipe.h"
#include "properties/subjects/sanitizers.h"
#include "properties/subjects/subject.h"
#include "properties/tests/subject_agreement.h"

namespace maskproof {

// Gives the tests names that people can read.
void PrintTo(const PlantedDefect& defect, std::ostream* os) { *os << defect.name; }

namespace {

constexpr uint64_t kSeed = 20230119;

TEST(PlantedNone, AgreesWithTheOracle) {
  ExpectAgreement(*MakePlantedSubject("none"), kSeed, 4000);
}

TEST(PlantedNone, IsWhatAnEmptyNameGives) {
  EXPECT_EQ(MakePlantedSubject("")->name(), "planted:none");
  EXPECT_EQ(MakePlantedSubject("no-such-defect"), nullptr);
}

TEST(PlantedNone, RefusesExactlyWhatIsNotValid) {
  const auto subject = MakePlantedSubject("none");
  GenerateOptions options;
  options.allow_faults = true;
  Rng rng(kSeed + 1);
  int refused = 0;
  for (int i = 0; i < 4000; ++i) {
    const Recipe recipe = Generate(rng, options);
    const Case c = Expand(recipe);
    const ValidityVerdict verdict = JudgeValidity(c);
    RunRequest request;
    request.audit = true;
    const Outcome outcome = subject->Run(c, request);
    ASSERT_TRUE(outcome.memory.clean()) << outcome.memory.detail << '\n' << ToText(recipe);
    if (verdict.validity == Validity::kValid) {
      ASSERT_EQ(outcome.kind, OutcomeKind::kOutput) << outcome.message << '\n' << ToText(recipe);
    } else {
      ++refused;
      ASSERT_EQ(outcome.kind, OutcomeKind::kRefused) << ToText(recipe);
      ASSERT_NE(outcome.message.find(verdict.subject), std::string::npos) << outcome.message;
    }
  }
  EXPECT_GT(refused, 400);
}

// ---- the defects --------------------------------------------------------------------------------

// A case with a row that is no multiple of a vector, in every tensor and output.
Case OddCase(Op op) {
  Recipe recipe;
  recipe.op = op;
  recipe.batch = 2;
  recipe.sequence = 5;
  recipe.heads = 1;
  recipe.head_size = 3;
  recipe.value_head_size = 3;
  recipe.input_width = 7;
  Normalize(recipe);
  return Expand(recipe);
}

// Defects that a sanitizer ends the program for.
bool StopsUnderSanitizer(std::string_view name) {
  if (name == "racy-row-sum") return kThreadSanitizer;
  for (const char* other :
       {"tail-store", "tail-load", "accept-negative-length", "accept-short-scale"}) {
    if (name == other) return kAddressSanitizer;
  }
  return false;
}

// Defects that compute the right bits.
bool ShowsInMemoryOnly(std::string_view name) {
  return name == "tail-store" || name == "tail-load" || name == "input-scribbler" ||
         name == "write-before-refusing" || name == "float-control-reset";
}

// Defects that want a wider input than generated cases have.
bool WantsWidth(std::string_view name) { return name == "float-accumulate"; }

// Defects that want another call at the same time.
bool WantsCompany(std::string_view name) { return name == "shared-scratch"; }

// The others have tests of their own below.
std::vector<PlantedDefect> DefectsThatChangeBits() {
  std::vector<PlantedDefect> defects;
  for (const PlantedDefect& defect : PlantedDefects()) {
    const bool elsewhere =
        ShowsInMemoryOnly(defect.name) || WantsWidth(defect.name) || WantsCompany(defect.name);
    if (!elsewhere && !StopsUnderSanitizer(defect.name)) defects.push_back(defect);
  }
  return defects;
}

class Planted : public testing::TestWithParam<PlantedDefect> {};

// Enough for the rarest, of which one case in two hundred shows something.
constexpr int kCases = 6000;

TEST_P(Planted, ShowsOnAGeneratedCase) {
  const PlantedDefect defect = GetParam();
  ASSERT_NE(defect.what[0], '\0');
  ASSERT_NE(defect.seen_in[0], '\0');
  const auto sound = MakePlantedSubject("none");
  const auto broken = MakePlantedSubject(defect.name);
  ASSERT_NE(broken, nullptr);
  Rng rng(kSeed + 2);
  for (int i = 0; i < kCases; ++i) {
    GenerateOptions options;
    options.allow_faults = i % 2 == 1;
    const Case c = Expand(Generate(rng, options));
    RunRequest request;
    request.threads = i % 4;
    if (i % 8 < 2) request.placement = MemoryPlacement::kUnaligned;
    const Outcome expected = sound->Run(c, request);
    const Outcome got = broken->Run(c, request);
    if (got.kind != expected.kind || !(got.output == expected.output)) return;
  }
  FAIL() << "no difference in " << kCases << " cases: " << defect.what;
}

INSTANTIATE_TEST_SUITE_P(All, Planted, testing::ValuesIn(DefectsThatChangeBits()),
                         [](const auto& instance) { return PrintableName(instance.param.name); });

TEST(PlantedThreads, SharedScratchIsHarmlessAloneAndNotInCompany) {
  constexpr int kTries = 2000;
  const Case c = OddCase(Op::kCore);
  const auto broken = MakePlantedSubject("shared-scratch");
  const Outcome alone = broken->Run(c);
  EXPECT_EQ(alone.output, MakePlantedSubject("none")->Run(c).output);
  Case other = c;
  for (float& value : other.tensors[static_cast<size_t>(TensorId::kQuery)]->as<float>()) {
    value = -value;
  }
  RunRequest request;
  request.company = std::make_shared<const Case>(std::move(other));
  request.times = 50;
  for (int i = 0; i < kTries; ++i) {
    if (!(broken->Run(c, request).output == alone.output)) return;
  }
  FAIL() << "two calls did not get into each other's way";
}

TEST(PlantedMemory, TailStoreIsSeenByTheCanaries) {
  if (kAddressSanitizer) {
    EXPECT_DEATH(MakePlantedSubject("tail-store")->Run(OddCase(Op::kCore), {}), "");
    return;
  }
  RunRequest request;
  request.audit = true;
  const Outcome outcome = MakePlantedSubject("tail-store")->Run(OddCase(Op::kCore), request);
  EXPECT_EQ(outcome.kind, OutcomeKind::kOutput);
  EXPECT_TRUE(outcome.memory.wrote_outside);
}

TEST(PlantedMemory, TailStoreAndTailLoadHitTheGuardPage) {
  RunRequest request;
  request.placement = MemoryPlacement::kGuardAfter;
  for (const Op op : {Op::kAttention, Op::kQAttention, Op::kCore}) {
    const Case c = OddCase(op);
    for (const char* defect : {"tail-store", "tail-load"}) {
      const auto subject = MakePlantedSubject(defect);
      EXPECT_DEATH(subject->Run(c, request), "") << defect << ' ' << OpName(op);
    }
  }
}

TEST(PlantedMemory, ShortScaleIsReadPastItsEnd) {
  Case c = OddCase(Op::kQAttention);
  c[TensorId::kWeightScale] = Tensor(ElementType::kFloat32, {2});
  RunRequest request;
  request.placement = MemoryPlacement::kGuardAfter;
  EXPECT_EQ(MakePlantedSubject("none")->Run(c, request).kind, OutcomeKind::kRefused);
  EXPECT_DEATH(MakePlantedSubject("accept-short-scale")->Run(c, request), "");
}

TEST(PlantedMemory, NegativeLengthIsTaken) {
  Case c = OddCase(Op::kCore);
  c[TensorId::kMaskIndex] = Tensor(ElementType::kInt32, {2});
  c[TensorId::kMaskIndex]->Set(1, -3);
  EXPECT_EQ(MakePlantedSubject("none")->Run(c).kind, OutcomeKind::kRefused);
  const auto subject = MakePlantedSubject("accept-negative-length");
  if (kAddressSanitizer) {
    EXPECT_DEATH(subject->Run(c), "heap-buffer-overflow");
  } else {
    EXPECT_EQ(subject->Run(c).kind, OutcomeKind::kOutput);
  }
}

TEST(PlantedMemory, ARefusedCallHasWritten) {
  Case c = OddCase(Op::kCore);
  c.attributes.scale = std::numeric_limits<float>::quiet_NaN();
  RunRequest request;
  request.audit = true;
  const Outcome sound = MakePlantedSubject("none")->Run(c, request);
  EXPECT_EQ(sound.kind, OutcomeKind::kRefused);
  EXPECT_TRUE(sound.memory.clean());
  const Outcome broken = MakePlantedSubject("write-before-refusing")->Run(c, request);
  EXPECT_EQ(broken.kind, OutcomeKind::kRefused);
  EXPECT_TRUE(broken.memory.touched_on_refusal);
}

// Wide enough for sums beyond 2^24, and no wider than the bug needs.
TEST(PlantedQuantised, FloatAccumulateIsExactBelow24Bits) {
  for (const int64_t width : {128, 600}) {
    Recipe recipe;
    recipe.op = Op::kQAttention;
    recipe.present = true;
    recipe.input_width = width;
    recipe.of(TensorId::kInput) = {Distribution::kIntegers, 1, 240.0F, 255.0F};
    recipe.of(TensorId::kWeights) = {Distribution::kIntegers, 2, 240.0F, 255.0F};
    Normalize(recipe, FileLimits());
    const Case c = Expand(recipe);
    const Outcome sound = MakePlantedSubject("none")->Run(c);
    const Outcome broken = MakePlantedSubject("float-accumulate")->Run(c);
    ASSERT_EQ(broken.kind, OutcomeKind::kOutput);
    EXPECT_EQ(sound.output == broken.output, width == 128) << width;
  }
}

TEST(PlantedHarness, OneBitOffIsOneElementOneStepBeyondTheBound) {
  const auto subject = MakePlantedSubject("one-bit-off");
  Rng rng(kSeed + 3);
  int moved_somewhere = 0;
  for (int number = 0; number < 300; ++number) {
    const Case c = Expand(Generate(rng, {}));
    const Tensor sound = MakePlantedSubject("none")->Run(c).output.output;
    const Tensor moved = subject->Run(c).output.output;
    OracleOptions options;
    options.profile = subject->promises().profile;
    const Reference reference = ComputeReference(c, options);
    int different = 0;
    for (size_t at = 0; at < sound.as<float>().size(); ++at) {
      const float value = moved.as<float>()[at];
      if (std::bit_cast<uint32_t>(value) == std::bit_cast<uint32_t>(sound.as<float>()[at])) {
        continue;
      }
      ++different;
      ASSERT_FALSE(Within(value, reference.output[at], reference.bound[at])) << number;
      const float before = std::nextafter(value, -std::numeric_limits<float>::infinity());
      ASSERT_TRUE(Within(before, reference.output[at], reference.bound[at])) << number;
    }
    ASSERT_LE(different, 1) << number;
    moved_somewhere += different;
  }
  EXPECT_GT(moved_somewhere, 200);
}

TEST(PlantedThreads, TheRacyRowSumIsARace) {
  Recipe recipe;
  recipe.op = Op::kCore;
  recipe.sequence = 2;
  recipe.past = 62;
  Normalize(recipe);
  const Case c = Expand(recipe);
  const auto subject = MakePlantedSubject("racy-row-sum");
  if (!kThreadSanitizer) {
    EXPECT_EQ(subject->Run(c).kind, OutcomeKind::kOutput);
    return;
  }
  // The report comes at once, its exit code at the end.
  constexpr int kReported = 66;
  EXPECT_EXIT(
      {
        static_cast<void>(subject->Run(c));
        std::exit(0);
      },
      testing::ExitedWithCode(kReported), "data race");
}

TEST(PlantedMemory, FlushToZeroIsSeenAndUndone) {
  RunRequest request;
  request.audit = true;
  const Outcome outcome = MakePlantedSubject("ftz-left-on")->Run(OddCase(Op::kCore), request);
  EXPECT_TRUE(outcome.memory.float_environment_changed);
  volatile float denormal = 1e-40F;
  EXPECT_GT(denormal * 1.0F, 0.0F);
}

TEST(PlantedMemory, TheCallersFlushingIsKept) {
  for (const bool flushing : {false, true}) {
    RunRequest request;
    request.audit = true;
    request.flushing = flushing;
    const Outcome reset =
        MakePlantedSubject("float-control-reset")->Run(OddCase(Op::kCore), request);
    EXPECT_EQ(reset.memory.float_environment_changed, flushing);
    const Outcome kept = MakePlantedSubject("")->Run(OddCase(Op::kCore), request);
    EXPECT_FALSE(kept.memory.float_environment_changed);
  }
  volatile float denormal = 1e-40F;
  EXPECT_GT(denormal * 1.0F, 0.0F);
}

TEST(PlantedMemory, ScribbledInputIsSeenAndPutRight) {
  const Case c = OddCase(Op::kAttention);
  const Case copy = c;
  RunRequest request;
  request.audit = true;
  EXPECT_TRUE(MakePlantedSubject("input-scribbler")->Run(c, request).memory.inputs_changed);
  EXPECT_EQ(c, copy);
}

TEST(PlantedMemory, UnwrittenOutputIsCounted) {
  const Case c = OddCase(Op::kAttention);
  RunRequest request;
  request.audit = true;
  const Outcome outcome = MakePlantedSubject("writes-nothing")->Run(c, request);
  EXPECT_EQ(outcome.memory.unwritten, ElementCount(OutputDims(c)));
}

TEST(PlantedNondeterministic, SecondCallDiffers) {
  const Case c = OddCase(Op::kCore);
  const auto subject = MakePlantedSubject("nondeterministic");
  const Outcome first = subject->Run(c);
  EXPECT_NE(subject->Run(c).output.output, first.output.output);
}

}  // namespace
}  // namespace maskproof
