// Cases and outcomes on their way between processes.
#include "properties/subjects/peers/wire.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "properties/base/rng.h"
#include "properties/recipe/recipe.h"

namespace maskproof::peers {
namespace {

Case RandomCase(uint64_t seed) {
  Rng rng(seed);
  GenerateOptions options;
  options.allow_faults = true;
  options.size = 40;
  return Expand(Generate(rng, options));
}

Outcome SomeOutcome() {
  Outcome outcome;
  outcome.kind = OutcomeKind::kOutput;
  outcome.message = "said something";
  outcome.memory.unwritten = 3;
  outcome.memory.wrote_outside = true;
  outcome.memory.detail = "output: byte 7";
  outcome.output.output = Tensor(ElementType::kFloat32, {2, 3});
  outcome.output.output.Set(4, std::numeric_limits<double>::infinity());
  outcome.output.present = Tensor(ElementType::kFloat32, {2, 0, 1});
  return outcome;
}

std::vector<std::byte> Copy(std::span<const std::byte> bytes) {
  return {bytes.begin(), bytes.end()};
}

TEST(Wire, CasesOfEveryKindArriveAsTheyWere) {
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    const Case sent = RandomCase(seed);
    RunRequest request{.placement = MemoryPlacement::kGuardBefore,
                       .audit = seed % 2 == 0,
                       .flushing = seed % 5 == 0,
                       .threads = static_cast<int>(seed)};
    if (seed % 3 == 0) {
      request.company = std::make_shared<const Case>(RandomCase(seed + 1));
      request.times = 12;
    }
    Writer writer;
    Encode(sent, request, writer);
    Case received;
    RunRequest received_request;
    ASSERT_TRUE(Decode(writer.bytes(), received, received_request)) << "seed " << seed;
    EXPECT_EQ(received, sent) << "seed " << seed;
    EXPECT_EQ(received_request.placement, request.placement);
    EXPECT_EQ(received_request.audit, request.audit);
    EXPECT_EQ(received_request.flushing, request.flushing);
    EXPECT_EQ(received_request.threads, request.threads);
    EXPECT_EQ(received_request.times, request.times);
    ASSERT_EQ(received_request.company != nullptr, request.company != nullptr);
    if (request.company) {
      EXPECT_EQ(*received_request.company, *request.company);
    }
  }
}

TEST(Wire, OutcomesArriveAsTheyWere) {
  const Outcome sent = SomeOutcome();
  Writer writer;
  Encode(sent, writer);
  Outcome received;
  ASSERT_TRUE(Decode(writer.bytes(), received));
  EXPECT_EQ(received.kind, sent.kind);
  EXPECT_EQ(received.message, sent.message);
  EXPECT_EQ(received.output, sent.output);
  EXPECT_EQ(received.memory.unwritten, sent.memory.unwritten);
  EXPECT_EQ(received.memory.wrote_outside, sent.memory.wrote_outside);
  EXPECT_EQ(received.memory.inputs_changed, sent.memory.inputs_changed);
  EXPECT_EQ(received.memory.detail, sent.memory.detail);
}

TEST(Wire, PromisesArriveAsTheyWere) {
  Greeting sent;
  sent.target = "AVX2";
  sent.version = "1.30.0";
  sent.promises.fully_masked = FullyMasked::kZero;
  sent.promises.claimed_dialect = DialectId::kOnnxRuntime16;
  sent.promises.dialect = DialectId::kOnnxRuntime9;
  sent.promises.reproducible_rows = true;
  sent.promises.several_ways = true;
  sent.promises.reentrant = true;
  sent.promises.deterministic = false;
  sent.promises.names_faults = true;
  sent.promises.one_nan = true;
  sent.promises.no_negative_zero = true;
  sent.promises.profile = {8, 2.5, 0, false, true, true, true, true};
  Writer writer;
  Encode(sent, writer);
  Greeting received;
  ASSERT_TRUE(Decode(writer.bytes(), received));
  EXPECT_EQ(received.error, sent.error);
  EXPECT_EQ(received.target, sent.target);
  EXPECT_EQ(received.version, sent.version);
  EXPECT_EQ(received.promises.fully_masked, sent.promises.fully_masked);
  EXPECT_EQ(received.promises.claimed_dialect, sent.promises.claimed_dialect);
  EXPECT_EQ(received.promises.dialect, sent.promises.dialect);
  EXPECT_EQ(received.promises.reproducible_rows, sent.promises.reproducible_rows);
  EXPECT_EQ(received.promises.several_ways, sent.promises.several_ways);
  EXPECT_EQ(received.promises.reentrant, sent.promises.reentrant);
  EXPECT_EQ(received.promises.deterministic, sent.promises.deterministic);
  EXPECT_EQ(received.promises.names_faults, sent.promises.names_faults);
  EXPECT_EQ(received.promises.one_nan, sent.promises.one_nan);
  EXPECT_EQ(received.promises.no_negative_zero, sent.promises.no_negative_zero);
  EXPECT_EQ(received.promises.profile.sum_lanes, sent.promises.profile.sum_lanes);
  EXPECT_EQ(received.promises.profile.exp_ulp, sent.promises.profile.exp_ulp);
  EXPECT_EQ(received.promises.profile.online_block, sent.promises.profile.online_block);
  EXPECT_EQ(received.promises.profile.flush_to_zero, sent.promises.profile.flush_to_zero);
  EXPECT_EQ(received.promises.profile.product_first, sent.promises.profile.product_first);
  EXPECT_EQ(received.promises.profile.natural_exp, sent.promises.profile.natural_exp);
  EXPECT_EQ(received.promises.profile.split_products, sent.promises.profile.split_products);
  EXPECT_EQ(received.promises.profile.any_rounding, sent.promises.profile.any_rounding);
}

TEST(Wire, NothingIsReadFromACutMessage) {
  Writer writer;
  Encode(SomeOutcome(), writer);
  const std::vector<std::byte> whole = Copy(writer.bytes());
  for (size_t size = 0; size < whole.size(); ++size) {
    Outcome outcome;
    EXPECT_FALSE(Decode(std::span(whole).first(size), outcome)) << "cut to " << size << " bytes";
  }
  std::vector<std::byte> longer = whole;
  longer.push_back(std::byte{0});
  Outcome outcome;
  EXPECT_FALSE(Decode(longer, outcome));
}

// Whatever a damaged process sends: never more elements than bytes, dims that agree with them.
TEST(Wire, DamagedMessagesAreRefusedOrHarmless) {
  Writer writer;
  Encode(SomeOutcome(), writer);
  const std::vector<std::byte> whole = Copy(writer.bytes());
  Rng rng(7);
  int refused = 0;
  constexpr int kTries = 20000;
  for (int i = 0; i < kTries; ++i) {
    std::vector<std::byte> damaged = whole;
    for (uint64_t n = 1 + rng.Below(4); n > 0; --n) {
      damaged[rng.Below(damaged.size())] = static_cast<std::byte>(rng.Below(256));
    }
    Outcome outcome;
    if (!Decode(damaged, outcome)) {
      ++refused;
    } else if (outcome.kind == OutcomeKind::kOutput) {
      const Tensor& output = outcome.output.output;
      ASSERT_EQ(ElementCount(output.dims), output.size());
    }
  }
  EXPECT_GT(refused, kTries / 10);
}

}  // namespace
}  // namespace maskproof::peers
