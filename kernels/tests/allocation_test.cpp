// With a workspace and packed weights, a call allocates nothing. A program of its own, since it
// replaces operator new.
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#include "helpers.h"
#include "operator_cases.h"

namespace {
std::atomic<int64_t> allocations{0};

void* Allocate(size_t size, size_t alignment) noexcept {
  ++allocations;
  void* memory = nullptr;
  if (posix_memalign(&memory, alignment < sizeof(void*) ? sizeof(void*) : alignment,
                     size == 0 ? 1 : size) != 0) {
    return nullptr;
  }
  return memory;
}
}  // namespace

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
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }

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

}  // namespace
}  // namespace maskproof::kernels
