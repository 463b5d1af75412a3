// Workspaces and packed weights: exactly what was asked for is enough, less is refused, and neither
// changes a bit of the result.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "helpers.h"
#include "operator_cases.h"

namespace maskproof::kernels {
namespace {

// One call, as this file needs it.
struct AnyCall {
  std::function<Status(const Execution&)> run;
  std::function<Status(const Execution&, size_t&)> workspace_size;
  std::function<std::vector<float>()> output;
  std::function<void()> clear;
};

class WorkspaceTest : public TargetTest {
 protected:
  WorkspaceTest() {
    const Sizes sizes{.batch = 2,
                      .queries = 19,
                      .past = 6,
                      .heads = 3,
                      .head_size = 5,
                      .value_head_size = 5,
                      .input_width = 37};
    attention_ = MakeAttention(sizes, 1);
    attention_.mask = TestTensor<int32_t>({2, 25});
    for (int64_t i = 0; i < 50; ++i) (*attention_.mask)[i] = i % 3 == 0 ? 0 : 1;
    qattention_ = MakeQAttention<uint8_t, int8_t>(sizes, 2);
    core_ = MakeCore({2, 3, 70, 600, 9, 21}, 3);
    core_.causal = true;
    core_output_.resize(static_cast<size_t>(2 * 3 * 70 * 21));
  }

  CoreArguments Core() {
    const CoreShape& s = core_.shape;
    CoreArguments arguments;
    arguments.shape = s;
    arguments.query = Dense(std::as_const(core_.query).data.data(), s.heads, s.query_length, 9);
    arguments.key = Dense(std::as_const(core_.key).data.data(), s.heads, s.total_length, 9);
    arguments.value = Dense(std::as_const(core_.value).data.data(), s.heads, s.total_length, 21);
    arguments.causal = true;
    arguments.output = Dense(core_output_.data(), s.heads, s.query_length, 21);
    return arguments;
  }

  std::vector<AnyCall> Calls() {
    return {
        {.run = [this](const Execution& how) { return attention_.Run(how); },
         .workspace_size =
             [this](const Execution& how, size_t& bytes) {
               return AttentionWorkspaceSize(attention_.attributes, attention_.Inputs(),
                                             attention_.Outputs(), how, bytes);
             },
         .output =
             [this] {
               std::vector<float> all = attention_.output.data;
               all.insert(all.end(), attention_.present->data.begin(),
                          attention_.present->data.end());
               return all;
             },
         .clear = [this] { attention_.output.data.assign(attention_.output.data.size(), -7.0F); }},
        {.run = [this](const Execution& how) { return qattention_.Run(how); },
         .workspace_size =
             [this](const Execution& how, size_t& bytes) {
               return QAttentionWorkspaceSize(qattention_.attributes, qattention_.Inputs(),
                                              qattention_.Outputs(), how, bytes);
             },
         .output = [this] { return qattention_.output.data; },
         .clear =
             [this] { qattention_.output.data.assign(qattention_.output.data.size(), -7.0F); }},
        {.run = [this](const Execution& how) { return ScaledDotProductAttention(Core(), how); },
         .workspace_size =
             [this](const Execution& how, size_t& bytes) {
               return ScaledDotProductAttentionWorkspaceSize(Core(), how, bytes);
             },
         .output = [this] { return core_output_; },
         .clear = [this] { core_output_.assign(core_output_.size(), -7.0F); }}};
  }

  AttentionCase attention_;
  QAttentionCase<uint8_t, int8_t> qattention_;
  CoreCase core_;
  std::vector<float> core_output_;
};
MASKPROOF_INSTANTIATE_TARGETS(WorkspaceTest);

TEST_P(WorkspaceTest, ExactlyAsMuchAsAskedForIsEnough) {
  const std::unique_ptr<ParallelFor> pool = MakeThreadPool(3);
  for (ParallelFor* const parallel : {static_cast<ParallelFor*>(nullptr), pool.get()}) {
    for (const AnyCall& call : Calls()) {
      Execution how = {.target = GetParam().id, .parallel = parallel};
      ASSERT_TRUE(call.run(how).ok());
      const std::vector<float> expected = call.output();
      call.clear();
      size_t bytes = 0;
      ASSERT_TRUE(call.workspace_size(how, bytes).ok());
      ASSERT_GT(bytes, 0U);
      // With a margin that must stay as it is.
      constexpr size_t kMargin = 256;
      AlignedBuffer memory;
      ASSERT_TRUE(memory.Allocate(static_cast<int64_t>(bytes + kMargin)));
      std::memset(memory.data(), 0x5A, bytes + kMargin);
      how.workspace = memory.data();
      how.workspace_size = bytes;
      const Status status = call.run(how);
      ASSERT_TRUE(status.ok()) << status.message();
      EXPECT_TRUE(SameBits(call.output(), expected));
      for (size_t i = bytes; i < bytes + kMargin; ++i) {
        ASSERT_EQ(memory.data()[i], std::byte{0x5A}) << i;
      }
    }
  }
}

TEST_P(WorkspaceTest, LessIsRefused) {
  for (const AnyCall& call : Calls()) {
    Execution how = execution();
    size_t bytes = 0;
    ASSERT_TRUE(call.workspace_size(how, bytes).ok());
    AlignedBuffer memory;
    ASSERT_TRUE(memory.Allocate(static_cast<int64_t>(bytes + kWorkspaceAlignment)));
    call.clear();
    const std::vector<float> before = call.output();
    how.workspace = memory.data();
    how.workspace_size = bytes - 1;
    Status status = call.run(how);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), "workspace: expected at least " + std::to_string(bytes) +
                                    " bytes, got " + std::to_string(bytes - 1));
    how.workspace = memory.data() + 4;
    how.workspace_size = bytes;
    status = call.run(how);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), "workspace: expected memory aligned to 64, got less");
    EXPECT_TRUE(SameBits(call.output(), before));
  }
}

TEST_P(WorkspaceTest, SizesAreToldWithoutData) {
  size_t with_data = 0;
  size_t without = 0;
  AttentionInputs inputs = attention_.Inputs();
  AttentionOutputs outputs = attention_.Outputs();
  const auto ask = [&](size_t& bytes) {
    return AttentionWorkspaceSize(attention_.attributes, inputs, outputs, execution(), bytes);
  };
  ASSERT_TRUE(ask(with_data).ok());
  inputs.input.data = nullptr;
  inputs.weights.data = nullptr;
  inputs.bias->data = nullptr;
  inputs.mask_index->data = nullptr;
  inputs.past->data = nullptr;
  outputs.output.data = nullptr;
  outputs.present->data = nullptr;
  ASSERT_TRUE(ask(without).ok());
  EXPECT_EQ(without, with_data);
  // Sizes that the call would refuse are refused here.
  const int64_t wrong[] = {36, 45};
  inputs.weights.dims = wrong;
  EXPECT_EQ(ask(without).code(), StatusCode::kInvalidArgument);
}

// Memory that is there, but not filled yet.
TEST_P(WorkspaceTest, SizesDoNotDependOnWhatMasksHold) {
  attention_.mask = TestTensor<int32_t>({2}, {-5, 3});
  size_t bytes = 0;
  const Status size = AttentionWorkspaceSize(attention_.attributes, attention_.Inputs(),
                                             attention_.Outputs(), execution(), bytes);
  EXPECT_TRUE(size.ok()) << size.message();
  EXPECT_EQ(attention_.Run(execution()).message(),
            "mask_index: expected no negative length, got -5 at index 0");
}

// Runs everything on the calling thread and claims, each time it is asked, what it is told to.
class Claiming final : public ParallelFor {
 public:
  Claiming(size_t first, size_t later) : claims_(first), later_(later) {}
  size_t Concurrency() const override { return std::exchange(claims_, later_); }
  void Run(size_t count, Task task, void* context) override {
    for (size_t i = count; i > 0; --i) task(context, i - 1);
  }

 private:
  mutable size_t claims_;
  size_t later_;
};

TEST_P(WorkspaceTest, AnyNumberOfThreadsMayBeClaimed) {
  constexpr size_t kMost = std::numeric_limits<size_t>::max();
  for (const AnyCall& call : Calls()) {
    ASSERT_TRUE(call.run(execution()).ok());
    const std::vector<float> expected = call.output();
    for (const size_t claimed : {size_t{0}, size_t{1} << 57, size_t{1} << 61, kMost / 2, kMost}) {
      Claiming threads(claimed, claimed);
      call.clear();
      const Status status = call.run({.target = GetParam().id, .parallel = &threads});
      ASSERT_TRUE(status.ok()) << claimed << ": " << status.message();
      EXPECT_TRUE(SameBits(call.output(), expected)) << claimed;
    }
  }
}

// A runtime may give its pool more threads at any time.
TEST_P(WorkspaceTest, ThreadsAreCountedOncePerCall) {
  for (const AnyCall& call : Calls()) {
    ASSERT_TRUE(call.run(execution()).ok());
    const std::vector<float> expected = call.output();
    Execution how{.target = GetParam().id};
    size_t bytes = 0;
    ASSERT_TRUE(call.workspace_size(how, bytes).ok());
    constexpr size_t kMargin = 1 << 20;
    AlignedBuffer memory;
    ASSERT_TRUE(memory.Allocate(static_cast<int64_t>(bytes + kMargin)));
    std::memset(memory.data(), 0x5A, bytes + kMargin);
    Claiming threads(1, 16);
    how.parallel = &threads;
    how.workspace = memory.data();
    how.workspace_size = bytes;
    call.clear();
    const Status status = call.run(how);
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_TRUE(SameBits(call.output(), expected));
    EXPECT_TRUE(std::all_of(memory.data() + bytes, memory.data() + bytes + kMargin,
                            [](std::byte b) { return b == std::byte{0x5A}; }));
  }
}

// Where values stay in place depends on whether there is a bias, not on where it is.
TEST_P(WorkspaceTest, ABiasIsCountedWithoutItsData) {
  CoreCase c = MakeCore({1, 2, 48, 80, 8, 64}, 4);
  const std::vector<int64_t> bias_dims = {1, 1, 48, 80};
  const std::vector<float> bias(static_cast<size_t>(48 * 80), 0.5F);
  std::vector<float> output(static_cast<size_t>(2 * 48 * 64));
  CoreArguments arguments;
  arguments.shape = c.shape;
  arguments.query = Dense(std::as_const(c.query).data.data(), 2, 48, 8);
  arguments.key = Dense(std::as_const(c.key).data.data(), 2, 80, 8);
  arguments.value = Dense(std::as_const(c.value).data.data(), 2, 80, 64);
  arguments.attention_bias.emplace(nullptr, bias_dims);
  arguments.output = Dense(output.data(), 2, 48, 64);
  size_t without = 0;
  ASSERT_TRUE(ScaledDotProductAttentionWorkspaceSize(arguments, execution(), without).ok());
  arguments.attention_bias->data = bias.data();
  size_t with_data = 0;
  ASSERT_TRUE(ScaledDotProductAttentionWorkspaceSize(arguments, execution(), with_data).ok());
  EXPECT_EQ(without, with_data);
}

// Queries, keys, values and packed weights, and tiles for each worker: nothing that grows as S x T.
TEST_P(WorkspaceTest, NoMatrixOfScoresIsEverInMemory) {
  constexpr int64_t kHeads = 8;
  constexpr int64_t kHidden = kHeads * 64;
  AttentionAttributes attributes;
  attributes.num_heads = kHeads;
  const auto bytes_of = [&](int64_t sequence) {
    const std::vector<int64_t> rows = {1, sequence, kHidden};
    const std::vector<int64_t> weights = {kHidden, 3 * kHidden};
    AttentionInputs inputs;
    inputs.input = {nullptr, rows};
    inputs.weights = {nullptr, weights};
    AttentionOutputs outputs;
    outputs.output = {nullptr, rows};
    size_t bytes = 0;
    const Status status = AttentionWorkspaceSize(attributes, inputs, outputs, execution(), bytes);
    EXPECT_TRUE(status.ok()) << status.message();
    return bytes;
  };
  EXPECT_LT(bytes_of(8192), 62'000'000U);
  EXPECT_LE(bytes_of(16384), 2 * bytes_of(8192));
}

TEST_P(WorkspaceTest, PackedWeightsChangeNoBit) {
  ASSERT_TRUE(attention_.Run(execution()).ok());
  const std::vector<float> expected = attention_.output.data;
  PackedAttentionWeights packed;
  ASSERT_TRUE(PackAttentionWeights(attention_.weights.view(), execution(), packed).ok());
  AttentionInputs inputs = attention_.Inputs();
  inputs.weights.data = nullptr;
  inputs.packed_weights = &packed;
  attention_.output.data.assign(attention_.output.data.size(), -7.0F);
  const Status status = Attention(attention_.attributes, inputs, attention_.Outputs(), execution());
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_TRUE(SameBits(attention_.output.data, expected));
}

// A size of zero beside one that nobody can walk through.
TEST_P(WorkspaceTest, WeightsWithoutARowArePackedAtOnce) {
  const std::vector<int64_t> dims = {0, int64_t{1} << 40};
  PackedAttentionWeights packed;
  const Status status = PackAttentionWeights({nullptr, dims}, execution(), packed);
  ASSERT_TRUE(status.ok()) << status.message();
  EXPECT_EQ(packed.columns(), dims[1]);
}

TEST_P(WorkspaceTest, PackedWeightsThatDoNotFitAreRefused) {
  PackedAttentionWeights packed;
  AttentionInputs inputs = attention_.Inputs();
  inputs.packed_weights = &packed;
  const auto run = [&] {
    return Attention(attention_.attributes, inputs, attention_.Outputs(), execution());
  };
  EXPECT_EQ(run().message(), "packed_weights: expected weights, got nothing packed");
  TestTensor<float> other({37, 44});
  ASSERT_TRUE(PackAttentionWeights(other.view(), execution(), packed).ok());
  EXPECT_EQ(run().message(), "packed_weights: expected shape (37,45), got shape (37,44)");
  for (const Target& target : SupportedTargets()) {
    if (target.id == GetParam().id) continue;
    ASSERT_TRUE(
        PackAttentionWeights(attention_.weights.view(), {.target = target.id}, packed).ok());
    EXPECT_EQ(run().message(), "packed_weights: expected weights packed for target " +
                                   std::string(GetParam().name) + ", got " +
                                   std::string(target.name));
  }
  ASSERT_TRUE(PackAttentionWeights(attention_.weights.view(), execution(), packed).ok());
  PackedAttentionWeights taken = std::move(packed);
  EXPECT_TRUE(packed.empty());  // NOLINT(bugprone-use-after-move): that is the question
  EXPECT_EQ(run().message(), "packed_weights: expected weights, got nothing packed");
  packed = std::move(taken);
  EXPECT_TRUE(run().ok());
  TestTensor<float> vector({37});
  EXPECT_EQ(PackAttentionWeights(vector.view(), execution(), packed).code(),
            StatusCode::kInvalidArgument);
  EXPECT_FALSE(packed.empty());
}

}  // namespace
}  // namespace maskproof::kernels
