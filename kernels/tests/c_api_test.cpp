// The C functions: the same results as in C++, and refusals of what C++ cannot even express.
#include "maskproof/kernels/c_api.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "helpers.h"
#include "operator_cases.h"

namespace maskproof::kernels {
namespace {

template <typename T>
maskproof_tensor Of(const TestTensor<T>& tensor, maskproof_type type) {
  return {tensor.data.data(), tensor.dims.data(), tensor.dims.size(), type};
}

maskproof_output OutputOf(TestTensor<float>& tensor) {
  return {tensor.data.data(), tensor.dims.data(), tensor.dims.size()};
}

class CApiTest : public testing::Test {
 protected:
  CApiTest()
      : c_(MakeAttention({.batch = 2,
                          .queries = 5,
                          .past = 3,
                          .heads = 2,
                          .head_size = 4,
                          .value_head_size = 4,
                          .input_width = 6},
                         1)) {
    c_.mask = TestTensor<int32_t>({2}, {8, 5});
    bias_ = Of(*c_.bias, MASKPROOF_FLOAT32);
    mask_ = Of(*c_.mask, MASKPROOF_INT32);
    past_ = Of(*c_.past, MASKPROOF_FLOAT32);
    present_ = OutputOf(*c_.present);
    call_.size = sizeof(call_);
    call_.attributes.size = sizeof(call_.attributes);
    call_.attributes.num_heads = 2;
    call_.attributes.unidirectional = 1;
    call_.input = Of(c_.input, MASKPROOF_FLOAT32);
    call_.weights = Of(c_.weights, MASKPROOF_FLOAT32);
    call_.bias = &bias_;
    call_.mask_index = &mask_;
    call_.past = &past_;
    call_.output = OutputOf(c_.output);
    call_.present = &present_;
  }

  std::vector<float> Expected() {
    c_.attributes.unidirectional = 1;
    EXPECT_TRUE(c_.Run().ok());
    std::vector<float> expected = c_.output.data;
    c_.output.data.assign(c_.output.data.size(), -7.0F);
    return expected;
  }

  maskproof_code Run(const maskproof_execution* execution = nullptr) {
    return maskproof_attention(&call_, execution, message_.data(), message_.size());
  }

  AttentionCase c_;
  maskproof_tensor bias_{};
  maskproof_tensor mask_{};
  maskproof_tensor past_{};
  maskproof_output present_{};
  maskproof_attention_call call_{};
  std::array<char, 200> message_{};
};

TEST_F(CApiTest, AttentionGivesTheBitsOfTheCppFunction) {
  const std::vector<float> expected = Expected();
  ASSERT_EQ(Run(), MASKPROOF_OK) << message_.data();
  EXPECT_EQ(c_.output.data, expected);
}

TEST_F(CApiTest, PackedWeightsWorkspaceAndPool) {
  const std::vector<float> expected = Expected();
  maskproof_execution execution{};
  execution.size = sizeof(execution);
  execution.pool = maskproof_thread_pool_create(2);
  ASSERT_NE(execution.pool, nullptr);
  maskproof_packed_weights* packed = nullptr;
  ASSERT_EQ(maskproof_pack_attention_weights(&call_.weights, &execution, &packed, nullptr, 0),
            MASKPROOF_OK);
  call_.weights.data = nullptr;
  call_.packed_weights = packed;
  size_t bytes = 0;
  ASSERT_EQ(maskproof_attention_workspace_size(&call_, &execution, &bytes, nullptr, 0),
            MASKPROOF_OK);
  AlignedBuffer memory;
  ASSERT_TRUE(memory.Allocate(static_cast<int64_t>(bytes)));
  execution.workspace = memory.data();
  execution.workspace_size = bytes;
  EXPECT_EQ(Run(&execution), MASKPROOF_OK) << message_.data();
  EXPECT_EQ(c_.output.data, expected);
  maskproof_packed_weights_destroy(packed);
  maskproof_thread_pool_destroy(execution.pool);
}

TEST_F(CApiTest, TheCallersThreadsDoTheWork) {
  const std::vector<float> expected = Expected();
  size_t tasks = 0;
  const maskproof_parallel_for parallel = {
      .state = &tasks,
      .concurrency = 2,
      .run = [](void* state, size_t count, void (*task)(void*, size_t), void* context) {
        *static_cast<size_t*>(state) += count;
        for (size_t i = 0; i < count; ++i) task(context, i);
      }};
  maskproof_execution execution{};
  execution.size = sizeof(execution);
  execution.parallel = &parallel;
  EXPECT_EQ(Run(&execution), MASKPROOF_OK) << message_.data();
  EXPECT_GT(tasks, 0U);
  EXPECT_EQ(c_.output.data, expected);
}

TEST_F(CApiTest, RefusalsNameTheTensorAndTouchNothing) {
  const std::vector<float> before = c_.output.data;
  mask_.type = MASKPROOF_FLOAT32;
  EXPECT_EQ(Run(), MASKPROOF_INVALID_ARGUMENT);
  EXPECT_STREQ(message_.data(), "mask_index: expected int32, got float32");
  mask_.type = MASKPROOF_INT32;
  (*c_.mask)[1] = -1;
  EXPECT_EQ(Run(), MASKPROOF_INVALID_ARGUMENT);
  EXPECT_STREQ(message_.data(), "mask_index: expected no negative length, got -1 at index 1");
  (*c_.mask)[1] = 1;
  EXPECT_EQ(maskproof_attention_workspace_size(&call_, nullptr, nullptr, message_.data(),
                                               message_.size()),
            MASKPROOF_INVALID_ARGUMENT);
  EXPECT_STREQ(message_.data(), "bytes: expected a pointer, got a null pointer");
  call_.bias = nullptr;
  call_.input.dims = nullptr;
  EXPECT_EQ(Run(), MASKPROOF_INVALID_ARGUMENT);
  EXPECT_STREQ(message_.data(), "input: expected dims, got a null pointer");
  call_.size = 8;
  EXPECT_EQ(Run(), MASKPROOF_INVALID_ARGUMENT);
  EXPECT_EQ(std::string(message_.data()).rfind("call: expected size of at least ", 0), 0U);
  EXPECT_EQ(maskproof_attention(nullptr, nullptr, message_.data(), message_.size()),
            MASKPROOF_INVALID_ARGUMENT);
  EXPECT_STREQ(message_.data(), "call: expected a struct, got a null pointer");
  EXPECT_EQ(c_.output.data, before);
}

TEST_F(CApiTest, MessagesFitTheirBuffer) {
  call_.size = 8;
  std::array<char, 8> small{};
  small.fill('x');
  EXPECT_EQ(maskproof_attention(&call_, nullptr, small.data(), 6), MASKPROOF_INVALID_ARGUMENT);
  EXPECT_STREQ(small.data(), "call:");
  EXPECT_EQ(small[6], 'x');
}

TEST_F(CApiTest, QAttentionGivesTheBitsOfTheCppFunction) {
  auto q = MakeQAttention<uint8_t, int8_t>({.batch = 1,
                                            .queries = 3,
                                            .heads = 2,
                                            .head_size = 4,
                                            .value_head_size = 4,
                                            .input_width = 9},
                                           2);
  ASSERT_TRUE(q.Run().ok());
  const std::vector<float> expected = q.output.data;
  q.output.data.assign(q.output.data.size(), -7.0F);
  maskproof_qattention_call call{};
  call.size = sizeof(call);
  call.attributes.size = sizeof(call.attributes);
  call.attributes.num_heads = 2;
  call.input = Of(q.input, MASKPROOF_UINT8);
  call.weights = Of(q.weights, MASKPROOF_INT8);
  call.bias = Of(q.bias, MASKPROOF_FLOAT32);
  call.input_scale = Of(q.input_scale, MASKPROOF_FLOAT32);
  call.weight_scale = Of(q.weight_scale, MASKPROOF_FLOAT32);
  maskproof_tensor input_zero{};
  maskproof_tensor weight_zero{};
  if (q.input_zero_point) {
    input_zero = Of(*q.input_zero_point, MASKPROOF_UINT8);
    call.input_zero_point = &input_zero;
  }
  if (q.weight_zero_point) {
    weight_zero = Of(*q.weight_zero_point, MASKPROOF_INT8);
    call.weight_zero_point = &weight_zero;
  }
  call.output = OutputOf(q.output);
  ASSERT_EQ(maskproof_qattention(&call, nullptr, message_.data(), message_.size()), MASKPROOF_OK)
      << message_.data();
  EXPECT_EQ(q.output.data, expected);

  maskproof_packed_qweights* packed = nullptr;
  ASSERT_EQ(maskproof_pack_qattention_weights(&call.weights, call.weight_zero_point, nullptr,
                                              &packed, message_.data(), message_.size()),
            MASKPROOF_OK)
      << message_.data();
  q.output.data.assign(q.output.data.size(), -7.0F);
  call.packed_weights = packed;
  call.weights.data = nullptr;
  EXPECT_EQ(maskproof_qattention(&call, nullptr, message_.data(), message_.size()), MASKPROOF_OK)
      << message_.data();
  EXPECT_EQ(q.output.data, expected);
  maskproof_packed_qweights_destroy(packed);
  call.packed_weights = nullptr;
  call.weights.data = q.weights.data.data();
  size_t bytes = 0;
  EXPECT_EQ(maskproof_qattention_workspace_size(&call, nullptr, &bytes, nullptr, 0), MASKPROOF_OK);
  EXPECT_GT(bytes, 0U);
  call.input.type = MASKPROOF_FLOAT32;
  EXPECT_EQ(maskproof_qattention(&call, nullptr, message_.data(), message_.size()),
            MASKPROOF_INVALID_ARGUMENT);
  EXPECT_STREQ(message_.data(), "input: expected int8 or uint8, got float32");
}

TEST_F(CApiTest, TargetsAreThoseOfTheLibrary) {
  ASSERT_EQ(maskproof_target_count(), SupportedTargets().size());
  for (size_t i = 0; i < maskproof_target_count(); ++i) {
    EXPECT_EQ(maskproof_target_name(i), SupportedTargets()[i].name);
    EXPECT_EQ(maskproof_target_id(i), SupportedTargets()[i].id);
  }
  EXPECT_EQ(maskproof_target_name(maskproof_target_count()), nullptr);
  EXPECT_EQ(maskproof_target_id(maskproof_target_count()), 0);
}

}  // namespace
}  // namespace maskproof::kernels
