// Exactness of QAttention's integer products, with weights packed in the call and beforehand.
// `present` without a past shows the projected keys and values themselves.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include "helpers.h"
#include "maskproof/kernels/packed_qattention_weights.h"
#include "operator_cases.h"

namespace maskproof::kernels {
namespace {

uint32_t Bits(float value) { return std::bit_cast<uint32_t>(value); }

class QuantizedTest : public TargetTest {
 protected:
  // Column c of the projection of token (b,s), as the specification has it.
  template <typename X, typename W>
  static float Expected(const QAttentionCase<X, W>& c, int64_t token, int64_t column) {
    const int64_t depth = c.input.dims[2];
    const int64_t columns = c.weights.dims[1];
    const int64_t zx = c.input_zero_point ? (*c.input_zero_point)[0] : 0;
    int64_t zw = 0;
    if (c.weight_zero_point) {
      zw = (*c.weight_zero_point)[c.weight_zero_point->data.size() > 1 ? column : 0];
    }
    int64_t total = 0;
    for (int64_t k = 0; k < depth; ++k) {
      total += (c.input[token * depth + k] - zx) * (c.weights[k * columns + column] - zw);
    }
    const float scale =
        c.input_scale[0] * c.weight_scale[c.weight_scale.data.size() > 1 ? column : 0];
    const float product = static_cast<float>(total) * scale;
    return product + c.bias[column];
  }

  template <typename X, typename W>
  void ExpectExact(QAttentionCase<X, W>& c) const {
    const int64_t batch = c.input.dims[0];
    const int64_t queries = c.input.dims[1];
    const int64_t heads = c.attributes.num_heads;
    const int64_t head_size = c.weights.dims[1] / 3 / heads;
    c.present = TestTensor<float>({2, batch, heads, queries, head_size});
    const Status status = c.Run(execution());
    ASSERT_TRUE(status.ok()) << status.message();
    int64_t i = 0;
    for (int64_t half = 0; half < 2; ++half)
      for (int64_t b = 0; b < batch; ++b)
        for (int64_t n = 0; n < heads; ++n)
          for (int64_t s = 0; s < queries; ++s)
            for (int64_t k = 0; k < head_size; ++k, ++i) {
              const int64_t column = ((half + 1) * heads + n) * head_size + k;
              ASSERT_EQ(Bits((*c.present)[i]), Bits(Expected(c, b * queries + s, column)))
                  << "column " << column << " token " << b * queries + s;
            }
    ExpectSamePacked(c);
  }

  // Runs again with weights that were packed before and are not to be looked at any more.
  template <typename X, typename W>
  void ExpectSamePacked(QAttentionCase<X, W>& c) const {
    const std::vector<float> output = c.output.data;
    const std::vector<float> present = c.present->data;
    QAttentionInputs inputs = c.Inputs();
    PackedQAttentionWeights packed;
    const Status packing =
        PackQAttentionWeights(inputs.weights, inputs.weight_zero_point, execution(), packed);
    ASSERT_TRUE(packing.ok()) << packing.message();
    inputs.packed_weights = &packed;
    inputs.weights.data = nullptr;
    std::fill(c.output.data.begin(), c.output.data.end(), -77.0F);
    std::fill(c.present->data.begin(), c.present->data.end(), -77.0F);
    const Status status = c.RunWith(inputs, execution());
    ASSERT_TRUE(status.ok()) << status.message();
    ASSERT_TRUE(std::ranges::equal(c.output.data, output, {}, Bits, Bits));
    ASSERT_TRUE(std::ranges::equal(c.present->data, present, {}, Bits, Bits));
  }

  template <typename X, typename W>
  void TestSizesAndZeroPoints() const {
    for (int64_t size = 1; size <= 40; ++size) {
      auto c = MakeQAttention<X, W>({.batch = 1,
                                     .queries = size * 7 % 31 + 1,
                                     .heads = 1,
                                     .head_size = size,
                                     .input_width = size},
                                    static_cast<uint64_t>(size));
      ExpectExact(c);
      if (testing::Test::HasFatalFailure()) return;
      c.input_zero_point = TestTensor<X>({1}, {std::numeric_limits<X>::max()});
      c.weight_zero_point = TestTensor<W>({}, {std::numeric_limits<W>::min()});
      ExpectExact(c);
    }
    auto c = MakeQAttention<X, W>(
        {.batch = 2, .queries = 35, .heads = 3, .head_size = 13, .input_width = 67}, 7);
    Random random(8);
    c.weight_zero_point = random.Bytes<W>({117});
    c.weight_scale = random.Tensor({117});
    c.input_zero_point = TestTensor<X>({}, {3});
    c.input_scale = TestTensor<float>({1}, {-0.03F});
    c.bias = random.Tensor({117});
    ExpectExact(c);
  }

  // All activations, weights and zero points at opposite ends, wide enough for a total beyond
  // int32, and for rounding to float to matter.
  template <typename X, typename W>
  void TestExtremes() const {
    for (const int64_t width : {2, 3, 16384, 16385, 32768, 32769, 33026, 70001}) {
      for (int corner = 0; corner < 16; ++corner) {
        const auto end = [&](auto type, int bit) {
          using T = decltype(type);
          return (corner >> bit & 1) != 0 ? std::numeric_limits<T>::max()
                                          : std::numeric_limits<T>::min();
        };
        // Where the total is to be beyond int32, values and zero points lie at opposite ends.
        if (width > 16385 && ((corner ^ corner >> 2) & 3) != 3) continue;
        auto c = MakeQAttention<X, W>(
            {.batch = 1, .queries = 2, .heads = 1, .head_size = 3, .input_width = width}, 9);
        std::fill(c.input.data.begin(), c.input.data.end(), end(X(), 0));
        std::fill(c.weights.data.begin(), c.weights.data.end(), end(W(), 1));
        c.weights[4] = 1;  // makes one total odd
        c.input_zero_point = TestTensor<X>({}, {end(X(), 2)});
        c.weight_zero_point = TestTensor<W>({}, {end(W(), 3)});
        ExpectExact(c);
      }
    }
  }
};
MASKPROOF_INSTANTIATE_TARGETS(QuantizedTest);

TEST_P(QuantizedTest, UnsignedUnsigned) { TestSizesAndZeroPoints<uint8_t, uint8_t>(); }
TEST_P(QuantizedTest, UnsignedSigned) { TestSizesAndZeroPoints<uint8_t, int8_t>(); }
TEST_P(QuantizedTest, SignedUnsigned) { TestSizesAndZeroPoints<int8_t, uint8_t>(); }
TEST_P(QuantizedTest, SignedSigned) { TestSizesAndZeroPoints<int8_t, int8_t>(); }
TEST_P(QuantizedTest, UnsignedUnsignedExtremes) { TestExtremes<uint8_t, uint8_t>(); }
TEST_P(QuantizedTest, UnsignedSignedExtremes) { TestExtremes<uint8_t, int8_t>(); }
TEST_P(QuantizedTest, SignedUnsignedExtremes) { TestExtremes<int8_t, uint8_t>(); }
TEST_P(QuantizedTest, SignedSignedExtremes) { TestExtremes<int8_t, int8_t>(); }

// Blocks of a long depth each have their own corrections for the zero points.
TEST_P(QuantizedTest, LongDepthWithZeroPointsPerColumn) {
  auto c = MakeQAttention<uint8_t, uint8_t>(
      {.batch = 1, .queries = 17, .heads = 1, .head_size = 5, .input_width = 66051}, 11);
  Random random(12);
  c.input_zero_point = TestTensor<uint8_t>({}, {77});
  c.weight_zero_point = random.Bytes<uint8_t>({15});
  c.weight_scale = random.Tensor({15});
  ExpectExact(c);
}

TEST_P(QuantizedTest, NoDepthGivesTheBias) {
  auto c = MakeQAttention<int8_t, uint8_t>(
      {.batch = 1, .queries = 3, .heads = 1, .head_size = 5, .input_width = 0}, 13);
  c.bias = Random(14).Tensor({15});
  ExpectExact(c);
}

// As many rows and columns as it takes for every worker to have tasks of more than one tile.
TEST_P(QuantizedTest, ThreadsChangeNoBit) {
  auto c = MakeQAttention<int8_t, uint8_t>(
      {.batch = 3, .queries = 101, .heads = 4, .head_size = 12, .input_width = 1031}, 15);
  c.input_zero_point = TestTensor<int8_t>({}, {-9});
  c.weight_zero_point = Random(16).Bytes<uint8_t>({144});
  ASSERT_TRUE(c.Run(execution()).ok());
  const std::vector<float> alone = c.output.data;
  for (const size_t threads : {size_t{2}, size_t{5}}) {
    const auto pool = MakeThreadPool(threads);
    std::fill(c.output.data.begin(), c.output.data.end(), -77.0F);
    ASSERT_TRUE(c.Run({.target = GetParam().id, .parallel = pool.get()}).ok());
    EXPECT_TRUE(std::ranges::equal(c.output.data, alone, {}, Bits, Bits)) << threads;
  }
}

TEST_P(QuantizedTest, NonFiniteScalesAreData) {
  auto c = MakeQAttention<uint8_t, int8_t>(
      {.batch = 1, .queries = 2, .heads = 1, .head_size = 2, .input_width = 3}, 1);
  c.weight_scale = TestTensor<float>({6}, {1, 1, 1, 1, kNaN, 1});
  ASSERT_TRUE(c.Run(execution()).ok());
  EXPECT_TRUE(std::isnan(c.output[0]));
  EXPECT_TRUE(std::isfinite(c.output[1]));
}

}  // namespace
}  // namespace maskproof::kernels
