#include "bench/problem.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string>

#include "bench/contender.h"
#include "maskproof/kernels/execution.h"

namespace maskproof::bench {
namespace {

Spec SpecOf(Work work, Shape shape) {
  Spec spec;
  spec.work = work;
  spec.shape = shape;
  return spec;
}

constexpr Shape kSmall = {.batch = 2, .queries = 8, .keys = 8, .heads = 2, .head_size = 16};

TEST(Catalogue, NamesAreDistinct) {
  std::set<std::string> names;
  size_t count = 0;
  for (const Group& group : Catalogue({})) {
    for (const Spec& spec : group.specs) {
      names.insert(CaseName(group, spec));
      ++count;
    }
  }
  EXPECT_EQ(names.size(), count);
  EXPECT_TRUE(names.contains("Attention/4x384x16x64/causal"));
  EXPECT_TRUE(names.contains("Decode-Core/1x1+2047x16x64/none"));
  EXPECT_TRUE(names.contains("FillValue-Core/1x512x12x64/-95"));
}

TEST(Catalogue, OneShapeReplacesAll) {
  for (const Group& group : Catalogue(kSmall)) {
    EXPECT_TRUE(group.name.ends_with("/2x8x2x16") || group.name.ends_with("/2x1+7x2x16"))
        << group.name;
  }
}

TEST(Problem, HalfTheKeysAreMasked) {
  for (const Mask mask : {Mask::kPadded, Mask::kRandom}) {
    Spec spec = SpecOf(Work::kCore, kSmall);
    spec.mask = mask;
    const Problem problem = MakeProblem(spec);
    ASSERT_TRUE(problem.mask);
    const auto seen = problem.mask->as<int32_t>();
    EXPECT_EQ(std::accumulate(seen.begin(), seen.end(), 0), 8);
    EXPECT_EQ(seen[0], 1);  // so that no row is left without a key
    EXPECT_EQ(seen[8], 1);
  }
}

TEST(Problem, CountsWhatTheMaskLeaves) {
  Spec spec = SpecOf(Work::kCore, kSmall);
  const double pair = 4.0 * 2 * 16;  // both products, for all heads
  EXPECT_EQ(MakeProblem(spec).flops, pair * 2 * 64);
  spec.mask = Mask::kPadded;
  EXPECT_EQ(MakeProblem(spec).flops, pair * 2 * 32);
  spec.mask = Mask::kNone;
  spec.causal = true;
  EXPECT_EQ(MakeProblem(spec).flops, pair * 2 * 36);
  EXPECT_EQ(MakeProblem(SpecOf(Work::kProjection, kSmall)).flops, 2.0 * 16 * 32 * 96);
  EXPECT_EQ(MakeProblem(SpecOf(Work::kAttention, kSmall)).flops,
            2.0 * 16 * 32 * 96 + pair * 2 * 64);
}

TEST(Problem, DecodingReadsEveryKeyAndValue) {
  const Shape shape = {.batch = 1, .queries = 1, .keys = 8, .heads = 2, .head_size = 16};
  EXPECT_EQ(MakeProblem(SpecOf(Work::kCore, shape)).bytes, 2.0 * 8 * 2 * 16 * 4);
  const Problem problem = MakeProblem(SpecOf(Work::kAttention, shape));
  ASSERT_TRUE(problem.past);
  EXPECT_EQ(problem.past->dims, (Dims{2, 1, 2, 7, 16}));
  EXPECT_EQ(problem.present_dims, (Dims{2, 1, 2, 8, 16}));
}

// Every problem must be one that our kernels take, or nothing of it could be timed; and all SIMD
// targets must agree on it, which says that the output is laid out as the problem says.
TEST(Problem, OursComputeAllOfThemOnEveryTarget) {
  for (const Group& group : Catalogue(kSmall)) {
    for (const Spec& spec : group.specs) {
      const Problem problem = MakeProblem(spec);
      std::vector<float> first;
      for (const kernels::Target& target : kernels::SupportedTargets()) {
        const auto ours = MakeOurs(std::string(target.name));
        ASSERT_NE(ours, nullptr);
        std::string error;
        const auto contender = ours->Prepare(problem, 2, error);
        ASSERT_NE(contender, nullptr) << error;
        ASSERT_TRUE(contender->Run(error)) << CaseName(group, spec) << ": " << error;
        const auto output = contender->output();
        ASSERT_EQ(static_cast<int64_t>(output.size()), ElementCount(problem.output_dims));
        if (first.empty()) first.assign(output.begin(), output.end());
        for (size_t i = 0; i < output.size(); ++i) {
          ASSERT_NEAR(output[i], first[i], 1e-4) << CaseName(group, spec) << " " << target.name;
        }
      }
    }
  }
}

class PeerTest : public testing::TestWithParam<const char*> {};

// Nobody is to be timed for something that ours do not compute.
TEST_P(PeerTest, ComputesWhatOursDo) {
  std::string error;
  const auto peer = MakePeer(GetParam(), error);
  if (peer == nullptr) GTEST_SKIP() << error;
  const auto ours = MakeOurs("");
  for (const Group& group : Catalogue(kSmall)) {
    for (const Spec& spec : group.specs) {
      if (!peer->AppliesTo(spec.work)) continue;
      const Problem problem = MakeProblem(spec);
      const auto expected = ours->Prepare(problem, 1, error);
      const auto got = peer->Prepare(problem, 2, error);
      ASSERT_NE(got, nullptr) << CaseName(group, spec) << ": " << error;
      ASSERT_TRUE(expected->Run(error) && got->Run(error)) << error;
      ASSERT_EQ(got->output().size(), expected->output().size());
      for (size_t i = 0; i < got->output().size(); ++i) {
        ASSERT_NEAR(got->output()[i], expected->output()[i], 1e-3) << CaseName(group, spec);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Known, PeerTest,
                         testing::Values("onnxruntime:1.30.0", "openblas", "onednn"));

TEST(Peers, UnknownOnesAreRefused) {
  std::string error;
  EXPECT_EQ(MakePeer("nobody", error), nullptr);
  EXPECT_NE(error.find("onnxruntime:VERSION"), std::string::npos);
  EXPECT_EQ(MakePeer("onnxruntime:0.0.0", error), nullptr);
  EXPECT_FALSE(error.empty());
  EXPECT_EQ(MakeOurs("NO_SUCH_TARGET"), nullptr);
}

}  // namespace
}  // namespace maskproof::bench
