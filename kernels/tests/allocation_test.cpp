// With a workspace and packed weights, a call allocates nothing; and where memory runs out, it says
// so and has written nothing. A program of its own, since it replaces operator new.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <limits>
#include <memory>
#include <new>
#include <vector>

#include "helpers.h"
#include "maskproof/kernels/c_api.h"
#include "maskproof/kernels/packed_qattention_weights.h"
#include "operator_cases.h"

namespace {
std::atomic<int64_t> allocations{0};
std::atomic<int64_t> most_allocations{std::numeric_limits<int64_t>::max()};  // no more succeed

void* Allocate(size_t size, size_t alignment) noexcept {
  if (allocations++ >= most_allocations) return nullptr;
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment < sizeof(void*) ? sizeof(void*) : alignment,
                     size == 0 ? 1 : size) != 0) {
    return nullptr;
  }
  return memory;
}
}  // namespace

// Seen through, free() would look like the wrong partner of new to the compiler.
[[gnu::noinline]] static void Release(void* memory) noexcept { std::free(memory); }

void* operator new(size_t size) {
  if (void* const memory = Allocate(size, alignof(std::max_align_t))) return memory;
  throw std::bad_alloc();
}
void* operator new(size_t size, std::align_val_t alignment) {
  if (void* const memory = Allocate(size, static_cast<size_t>(alignment))) return memory;
  throw std::bad_alloc();
}
void* operator new(size_t size, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return Allocate(size, static_cast<size_t>(alignment));
}
void operator delete(void* memory) noexcept { Release(memory); }
void operator delete(void* memory, size_t) noexcept { Release(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { Release(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { Release(memory); }

namespace maskproof::kernels {
namespace {

TEST(Allocation, NoneWithAWorkspaceAndPackedWeights) {
  AttentionCase c = MakeAttention({.batch = 2,
                                   .queries = 100,
                                   .past = 6,
                                   .heads = 3,
                                   .head_size = 5,
                                   .value_head_size = 5,
                                   .input_width = 37},
                                  1);
  c.mask = TestTensor<int32_t>({2, 106});
  const std::unique_ptr<ParallelFor> pool = MakeThreadPool(2);
  for (ParallelFor* const parallel : {static_cast<ParallelFor*>(nullptr), pool.get()}) {
    PackedAttentionWeights packed;
    Execution how{.parallel = parallel};
    ASSERT_TRUE(PackAttentionWeights(c.weights.view(), how, packed).ok());
    AttentionInputs inputs = c.Inputs();
    inputs.packed_weights = &packed;
    const AttentionOutputs outputs = c.Outputs();
    size_t bytes = 0;
    ASSERT_TRUE(AttentionWorkspaceSize(c.attributes, inputs, outputs, how, bytes).ok());
    AlignedBuffer memory;
    ASSERT_TRUE(memory.Allocate(static_cast<int64_t>(bytes)));
    how.workspace = memory.data();
    how.workspace_size = bytes;
    const int64_t before = allocations;
    ASSERT_TRUE(Attention(c.attributes, inputs, outputs, how).ok());
    EXPECT_EQ(allocations, before);
    // The count does count: without a workspace there is one, without packed weights no more.
    how.workspace = nullptr;
    inputs.packed_weights = nullptr;
    ASSERT_TRUE(Attention(c.attributes, inputs, outputs, how).ok());
    EXPECT_EQ(allocations, before + 1);
  }
}

using Called = std::function<Status()>;

// Calls with no memory at all, with memory for one allocation, for two, and so on until it is
// enough, and gives the status of that call. `untouched` looks at the outputs after all others.
Status WithEverMoreMemory(const Called& call, const std::function<bool()>& untouched) {
  constexpr int kEnough = 100;
  for (int enough = 0; enough < kEnough; ++enough) {
    most_allocations = allocations + enough;
    Status status = call();
    most_allocations = std::numeric_limits<int64_t>::max();
    if (status.code() != StatusCode::kOutOfMemory) return status;
    EXPECT_EQ(status.message(), "no memory") << enough;
    EXPECT_TRUE(untouched()) << enough;
  }
  ADD_FAILURE() << "more than " << kEnough << " allocations";
  return {};
}

class OutOfMemoryTest : public testing::Test {
 protected:
  static constexpr Sizes kSizes{.batch = 1,
                                .queries = 3,
                                .past = 2,
                                .heads = 2,
                                .head_size = 4,
                                .value_head_size = 4,
                                .input_width = 6};

  OutOfMemoryTest()
      : attention_(MakeAttention(kSizes, 1)),
        qattention_(MakeQAttention<int8_t, int8_t>(kSizes, 2)) {
    attention_.mask = TestTensor<int32_t>({1}, {4});
    attention_.output.data.assign(attention_.output.data.size(), -7.0F);
    qattention_.output.data.assign(qattention_.output.data.size(), -7.0F);
  }

  static bool Untouched(const TestTensor<float>& tensor) {
    return std::ranges::all_of(tensor.data, [](float x) { return x == -7.0F; });
  }

  AttentionCase attention_;
  QAttentionCase<int8_t, int8_t> qattention_;
};

TEST_F(OutOfMemoryTest, TheOperatorsSaySo) {
  EXPECT_TRUE(WithEverMoreMemory([&] { return attention_.Run(); },
                                 [&] { return Untouched(attention_.output); })
                  .ok());
  EXPECT_TRUE(WithEverMoreMemory([&] { return qattention_.Run(); },
                                 [&] { return Untouched(qattention_.output); })
                  .ok());
  const CoreCase core = MakeCore({1, 2, 3, 5, 4, 4}, 3);
  std::vector<float> output;
  output.reserve(24);
  const auto untouched = [&] {
    return std::ranges::all_of(output, [](float x) { return x == -77.0F; });
  };
  EXPECT_TRUE(WithEverMoreMemory([&] { return RunCore(core, output); }, untouched).ok());
}

// A refusal has a text, for which there may be no memory either.
TEST_F(OutOfMemoryTest, RefusalsSaySo) {
  attention_.mask = TestTensor<int32_t>({1, 1, 1, 1, 1}, {1});
  const Status status = WithEverMoreMemory([&] { return attention_.Run(); },
                                           [&] { return Untouched(attention_.output); });
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  PackedAttentionWeights packed;
  const auto pack = [&] { return PackAttentionWeights(attention_.bias->view(), {}, packed); };
  EXPECT_EQ(WithEverMoreMemory(pack, [&] { return packed.empty(); }).code(),
            StatusCode::kInvalidArgument);
}

TEST_F(OutOfMemoryTest, PackingSaysSo) {
  PackedAttentionWeights packed;
  EXPECT_TRUE(WithEverMoreMemory(
                  [&] { return PackAttentionWeights(attention_.weights.view(), {}, packed); },
                  [&] { return packed.empty(); })
                  .ok());
  PackedQAttentionWeights qpacked;
  EXPECT_TRUE(
      WithEverMoreMemory(
          [&] { return PackQAttentionWeights(qattention_.weights.quantized(), {}, {}, qpacked); },
          [&] { return qpacked.empty(); })
          .ok());
}

// The text is written over whatever was there.
TEST_F(OutOfMemoryTest, TheCFunctionsSaySo) {
  const maskproof_tensor weights{attention_.weights.data.data(), attention_.weights.dims.data(), 2,
                                 MASKPROOF_FLOAT32};
  std::array<char, 32> message{};
  maskproof_packed_weights* packed = nullptr;
  const auto pack = [&] {
    message.fill('#');
    const maskproof_code code = maskproof_pack_attention_weights(&weights, nullptr, &packed,
                                                                 message.data(), message.size());
    most_allocations = std::numeric_limits<int64_t>::max();  // for the text of this status
    return code == MASKPROOF_OK ? Status() : Status(static_cast<StatusCode>(code), message.data());
  };
  EXPECT_TRUE(WithEverMoreMemory(pack, [&] { return packed == nullptr; }).ok());
  maskproof_packed_weights_destroy(packed);
}

}  // namespace
}  // namespace maskproof::kernels
