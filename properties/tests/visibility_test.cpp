#include "properties/case/visibility.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace maskproof {
namespace {

constexpr double kMinusInfinity = -std::numeric_limits<double>::infinity();

Case CoreCase(int64_t batch, int64_t heads, int64_t sequence, int64_t total) {
  Case c;
  c.op = Op::kCore;
  c[TensorId::kQuery] = Tensor(ElementType::kFloat32, {batch, heads, sequence, 1});
  c[TensorId::kKey] = Tensor(ElementType::kFloat32, {batch, heads, total, 1});
  c[TensorId::kValue] = Tensor(ElementType::kFloat32, {batch, heads, total, 1});
  return c;
}

void SetMask(Case& c, const Dims& dims, const std::vector<int>& values) {
  Tensor mask(ElementType::kInt32, dims);
  for (size_t i = 0; i < values.size(); ++i) mask.Set(static_cast<int64_t>(i), values[i]);
  c[TensorId::kMaskIndex] = mask;
}

// The keys that a row sees, as "10110".
std::string Row(const Case& c, int64_t batch, int64_t query, int64_t head = 0) {
  const Visibility visibility(c);
  std::string row;
  for (int64_t t = 0; t < GeometryOf(c).total; ++t) {
    row += visibility.Sees(batch, head, query, t) ? '1' : '0';
  }
  return row;
}

TEST(Visibility, EverythingWithoutAMask) {
  const Case c = CoreCase(1, 1, 2, 4);
  EXPECT_EQ(Row(c, 0, 0), "1111");
  EXPECT_FALSE(Visibility(c).AnyFullyMasked());
}

TEST(Visibility, CausalCountsThePast) {
  Case c = CoreCase(1, 1, 2, 4);
  c.attributes.unidirectional = 1;
  EXPECT_EQ(Row(c, 0, 0), "1110");
  EXPECT_EQ(Row(c, 0, 1), "1111");
  // Only exactly 1 is causal.
  for (const int64_t value : {-1, 2}) {
    c.attributes.unidirectional = value;
    EXPECT_EQ(Row(c, 0, 0), "1111");
  }
}

TEST(Visibility, LengthsAreComparedWithTheTotal) {
  Case c = CoreCase(3, 1, 1, 4);
  SetMask(c, {3}, {0, 3, 9});
  EXPECT_EQ(Row(c, 0, 0), "0000");
  EXPECT_EQ(Row(c, 1, 0), "1110");
  EXPECT_EQ(Row(c, 2, 0), "1111");
  const Visibility visibility(c);
  EXPECT_TRUE(visibility.FullyMasked(0, 0, 0));
  EXPECT_FALSE(visibility.FullyMasked(1, 0, 0));
  EXPECT_TRUE(visibility.AnyFullyMasked());
}

TEST(Visibility, EndsComeFirstThenStarts) {
  Case c = CoreCase(4, 1, 1, 5);
  SetMask(c, {8}, {3, 5, 2, 9, 1, -4, 2, 7});
  EXPECT_EQ(Row(c, 0, 0), "01100");
  EXPECT_EQ(Row(c, 1, 0), "11111");
  EXPECT_EQ(Row(c, 2, 0), "00000");
  EXPECT_EQ(Row(c, 3, 0), "00000");
}

TEST(Visibility, OfTheCumulativeFormOnlyTheLengthsCount) {
  Case c = CoreCase(2, 1, 1, 3);
  SetMask(c, {8}, {1, 2, 0, 1, 2, 0, 1, 3});
  EXPECT_EQ(Row(c, 0, 0), "100");
  EXPECT_EQ(Row(c, 1, 0), "110");
}

TEST(Visibility, RawMaskKeepsPositiveValues) {
  Case c = CoreCase(2, 1, 2, 3);
  SetMask(c, {2, 3}, {1, 0, 7, -1, 2, 0});
  EXPECT_EQ(Row(c, 0, 0), "101");
  EXPECT_EQ(Row(c, 0, 1), "101");
  EXPECT_EQ(Row(c, 1, 0), "010");
}

TEST(Visibility, RawMaskByQuery) {
  Case c = CoreCase(1, 1, 2, 3);
  SetMask(c, {1, 2, 3}, {1, 0, 0, 0, 1, 1});
  EXPECT_EQ(Row(c, 0, 0), "100");
  EXPECT_EQ(Row(c, 0, 1), "011");
}

TEST(Visibility, DummyMaskIsIgnoredUnlessItIsARawMask) {
  Case c = CoreCase(2, 1, 1, 3);
  SetMask(c, {2, 1}, {0, 0});
  EXPECT_EQ(Row(c, 0, 0), "111");
  SetMask(c, {1, 1}, {0});
  EXPECT_EQ(Row(c, 1, 0), "111");
  // With T = 1, (B,1) is (B,T).
  c = CoreCase(2, 1, 1, 1);
  SetMask(c, {2, 1}, {0, 1});
  EXPECT_EQ(Row(c, 0, 0), "0");
  EXPECT_EQ(Row(c, 1, 0), "1");
}

TEST(Visibility, MinusInfinityInABiasMasks) {
  Case c = CoreCase(2, 2, 1, 2);
  Tensor bias(ElementType::kFloat32, {1, 2, 1, 2});
  bias.Set(1, kMinusInfinity);
  c[TensorId::kAttentionBias] = bias;
  for (int64_t b = 0; b < 2; ++b) {
    EXPECT_EQ(Row(c, b, 0, 0), "10");
    EXPECT_EQ(Row(c, b, 0, 1), "11");
  }
  bias = Tensor(ElementType::kFloat32, {2, 1, 1, 2});
  bias.Set(2, kMinusInfinity);
  c[TensorId::kAttentionBias] = bias;
  for (int64_t n = 0; n < 2; ++n) {
    EXPECT_EQ(Row(c, 0, 0, n), "11");
    EXPECT_EQ(Row(c, 1, 0, n), "01");
  }
}

TEST(Visibility, OtherBiasValuesDoNotMask) {
  Case c = CoreCase(1, 1, 1, 4);
  Tensor bias(ElementType::kFloat32, {1, 1, 1, 4});
  bias.Set(0, -std::numeric_limits<float>::max());
  bias.Set(1, -1e4);
  bias.Set(2, std::numeric_limits<double>::quiet_NaN());
  bias.Set(3, std::numeric_limits<double>::infinity());
  c[TensorId::kAttentionBias] = bias;
  EXPECT_EQ(Row(c, 0, 0), "1111");
}

TEST(Visibility, AllReasonsTogether) {
  Case c = CoreCase(1, 1, 3, 4);
  c.attributes.unidirectional = 1;
  SetMask(c, {1, 4}, {0, 1, 1, 1});
  Tensor bias(ElementType::kFloat32, {1, 1, 3, 4});
  bias.Set(1, kMinusInfinity);
  c[TensorId::kAttentionBias] = bias;
  EXPECT_EQ(Row(c, 0, 0), "0000");
  EXPECT_EQ(Row(c, 0, 1), "0110");
  EXPECT_EQ(Row(c, 0, 2), "0111");
  EXPECT_TRUE(Visibility(c).AnyFullyMasked());
  EXPECT_TRUE(Visibility(c).FullyMasked(0, 0, 0));
}

TEST(Visibility, EmptyCases) {
  EXPECT_FALSE(Visibility(CoreCase(0, 1, 1, 1)).AnyFullyMasked());
  EXPECT_FALSE(Visibility(CoreCase(2, 1, 0, 0)).AnyFullyMasked());
  EXPECT_FALSE(Visibility(CoreCase(2, 1, 0, 3)).AnyFullyMasked());
}

}  // namespace
}  // namespace maskproof
