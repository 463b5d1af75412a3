// What packed weights are refused for, and that they can be handed around.
#include "maskproof/kernels/packed_qattention_weights.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "helpers.h"
#include "operator_cases.h"

namespace maskproof::kernels {
namespace {

using Case = QAttentionCase<uint8_t, int8_t>;

class PackedQAttentionWeightsTest : public testing::Test {
 protected:
  static Case MakeCase() {
    return MakeQAttention<uint8_t, int8_t>(
        {.batch = 1, .queries = 3, .heads = 2, .head_size = 5, .input_width = 7}, 1);
  }

  static PackedQAttentionWeights Pack(const Case& c, const Execution& execution = {}) {
    const QAttentionInputs inputs = c.Inputs();
    PackedQAttentionWeights packed;
    const Status status =
        PackQAttentionWeights(inputs.weights, inputs.weight_zero_point, execution, packed);
    EXPECT_TRUE(status.ok()) << status.message();
    EXPECT_FALSE(packed.empty());
    return packed;
  }

  // The call is refused with this message and without a byte written.
  static void ExpectRefused(Case& c, const PackedQAttentionWeights& packed,
                            const std::string& message, const Execution& execution = {}) {
    QAttentionInputs inputs = c.Inputs();
    inputs.packed_weights = &packed;
    ExpectRefused(c, inputs, message, execution);
  }

  static void ExpectRefused(Case& c, const QAttentionInputs& inputs, const std::string& message,
                            const Execution& execution = {}) {
    std::fill(c.output.data.begin(), c.output.data.end(), -77.0F);
    const Status status = c.RunWith(inputs, execution);
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
    EXPECT_EQ(status.message(), message);
    for (const float value : c.output.data) EXPECT_EQ(value, -77.0F);
  }

  static void ExpectNotPacked(const QAttentionInputs& inputs, StatusCode code,
                              const std::string& message, const Execution& execution = {}) {
    PackedQAttentionWeights packed = Pack(MakeCase());
    const QuantizedWeights* const before = packed.contents();
    const Status status =
        PackQAttentionWeights(inputs.weights, inputs.weight_zero_point, execution, packed);
    EXPECT_EQ(status.code(), code);
    EXPECT_EQ(status.message(), message);
    EXPECT_EQ(packed.contents(), before);
  }
};

TEST_F(PackedQAttentionWeightsTest, OutliveTheirTensorsAndMove) {
  Case c = MakeCase();
  ASSERT_TRUE(c.Run().ok());
  const std::vector<float> expected = c.output.data;
  PackedQAttentionWeights first = Pack(c);
  PackedQAttentionWeights second(std::move(first));
  PackedQAttentionWeights third = Pack(MakeCase());
  third = std::move(second);
  std::fill(c.weights.data.begin(), c.weights.data.end(), int8_t{1});
  QAttentionInputs inputs = c.Inputs();
  inputs.packed_weights = &third;
  ASSERT_TRUE(c.RunWith(inputs).ok());
  EXPECT_EQ(c.output.data, expected);
}

TEST_F(PackedQAttentionWeightsTest, NothingPacked) {
  Case c = MakeCase();
  ExpectRefused(c, PackedQAttentionWeights(),
                "packed_weights: expected weights, got nothing packed");
}

TEST_F(PackedQAttentionWeightsTest, AnotherTarget) {
  const std::vector<Target>& targets = SupportedTargets();
  if (targets.size() < 2) GTEST_SKIP() << "one target only";
  Case c = MakeCase();
  const PackedQAttentionWeights packed = Pack(c, {.target = targets[1].id, .parallel = nullptr});
  ExpectRefused(c, packed,
                "packed_weights: expected weights packed for target " +
                    std::string(targets[0].name) + ", got " + std::string(targets[1].name));
  QAttentionInputs inputs = c.Inputs();
  inputs.packed_weights = &packed;
  EXPECT_TRUE(c.RunWith(inputs, {.target = targets[1].id, .parallel = nullptr}).ok());
}

TEST_F(PackedQAttentionWeightsTest, AnotherShape) {
  Case c = MakeCase();
  const PackedQAttentionWeights deeper = Pack(MakeQAttention<uint8_t, int8_t>(
      {.batch = 1, .queries = 3, .heads = 2, .head_size = 5, .input_width = 8}, 1));
  ExpectRefused(c, deeper, "packed_weights: expected shape (7,30), got shape (8,30)");
  const PackedQAttentionWeights wider = Pack(MakeQAttention<uint8_t, int8_t>(
      {.batch = 1, .queries = 3, .heads = 2, .head_size = 6, .input_width = 7}, 1));
  ExpectRefused(c, wider, "packed_weights: expected shape (7,30), got shape (7,36)");
}

TEST_F(PackedQAttentionWeightsTest, AnotherSignedness) {
  Case c = MakeCase();
  const PackedQAttentionWeights packed = Pack(c);
  QAttentionInputs inputs = c.Inputs();
  inputs.weights.is_signed = false;
  inputs.packed_weights = &packed;
  ExpectRefused(c, inputs, "packed_weights: expected uint8, got int8");
}

TEST_F(PackedQAttentionWeightsTest, OtherZeroPoints) {
  Case c = MakeCase();
  c.weight_zero_point = TestTensor<int8_t>({30});
  (*c.weight_zero_point)[29] = -3;
  const PackedQAttentionWeights packed = Pack(c);
  c.weight_zero_point.reset();
  ExpectRefused(c, packed, "packed_weights: expected weight_zero_point 0 in column 29, got -3");
  c.weight_zero_point = TestTensor<int8_t>({}, {-3});
  ExpectRefused(c, packed, "packed_weights: expected weight_zero_point -3 in column 0, got 0");
}

TEST_F(PackedQAttentionWeightsTest, RulesOfTheCallHoldWithThem) {
  Case c = MakeCase();
  const PackedQAttentionWeights packed = Pack(c);
  c.bias = TestTensor<float>({31});
  ExpectRefused(c, packed, "bias: expected shape (30), got shape (31)");
}

TEST_F(PackedQAttentionWeightsTest, WeightsThatCannotBePacked) {
  Case c = MakeCase();
  QAttentionInputs inputs = c.Inputs();
  inputs.weights.data = nullptr;
  ExpectNotPacked(inputs, StatusCode::kInvalidArgument,
                  "weights: expected data, got a null pointer");

  c.weights.dims = {7, 30, 1};
  ExpectNotPacked(c.Inputs(), StatusCode::kInvalidArgument,
                  "weights: expected 2 dimensions, got shape (7,30,1)");
  c.weights.dims = {7, 30};

  c.weight_zero_point = TestTensor<int8_t>({2});
  ExpectNotPacked(c.Inputs(), StatusCode::kInvalidArgument,
                  "weight_zero_point: expected a scalar, (1) or (30), got shape (2)");

  inputs = c.Inputs();
  inputs.weight_zero_point->data = nullptr;
  ExpectNotPacked(inputs, StatusCode::kInvalidArgument,
                  "weight_zero_point: expected data, got a null pointer");

  inputs = c.Inputs();
  inputs.weight_zero_point->is_signed = false;
  ExpectNotPacked(inputs, StatusCode::kInvalidArgument,
                  "weight_zero_point: expected int8, got uint8");

  c.weight_zero_point.reset();
  ExpectNotPacked(c.Inputs(), StatusCode::kNotSupported, "target: not one of SupportedTargets()",
                  {.target = 3, .parallel = nullptr});
}

TEST_F(PackedQAttentionWeightsTest, MoreWeightsThanMemory) {
  // Countable, but more bytes than an int64 can count once they are packed: nothing is read.
  const std::vector<int64_t> dims = {int64_t{1} << 31, (int64_t{1} << 32) - 1};
  const int8_t weight = 0;
  PackedQAttentionWeights packed;
  const Status status =
      PackQAttentionWeights({.data = &weight, .dims = dims, .is_signed = true}, {}, {}, packed);
  EXPECT_EQ(status.code(), StatusCode::kOutOfMemory);
  EXPECT_TRUE(packed.empty());
}

}  // namespace
}  // namespace maskproof::kernels
