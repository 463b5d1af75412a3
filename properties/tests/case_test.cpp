#include "properties/case/case.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

namespace maskproof {
namespace {

TEST(ElementCount, MultipliesAndKnowsScalars) {
  EXPECT_EQ(ElementCount(Dims{}), 1);
  EXPECT_EQ(ElementCount(Dims{2, 3, 4}), 24);
  EXPECT_EQ(ElementCount(Dims{2, 0, 4}), 0);
}

TEST(ElementCount, ReportsNegativeAndOverflow) {
  EXPECT_EQ(ElementCount(Dims{2, -1}), -1);
  EXPECT_EQ(ElementCount(Dims{0, -1}), -1);
  const int64_t big = int64_t{1} << 32;
  EXPECT_EQ(ElementCount(Dims{big, big}), -1);
  EXPECT_EQ(ElementCount(Dims{big, big, 0}), 0);
  EXPECT_EQ(ElementCount(Dims{std::numeric_limits<int64_t>::max(), 1}),
            std::numeric_limits<int64_t>::max());
}

TEST(Tensor, StartsAsZeros) {
  const Tensor t(ElementType::kInt32, {2, 2});
  EXPECT_EQ(t.bytes.size(), 16U);
  for (int64_t i = 0; i < 4; ++i) EXPECT_EQ(t.Get(i), 0.0);
}

TEST(Tensor, IntegersSaturate) {
  Tensor u8(ElementType::kUint8, {3});
  u8.Set(0, -5.0);
  u8.Set(1, 300.0);
  u8.Set(2, std::nan(""));
  EXPECT_EQ(u8.Get(0), 0.0);
  EXPECT_EQ(u8.Get(1), 255.0);
  EXPECT_EQ(u8.Get(2), 0.0);
  Tensor s8(ElementType::kInt8, {2});
  s8.Set(0, -1e9);
  s8.Set(1, 127.0);
  EXPECT_EQ(s8.Get(0), -128.0);
  EXPECT_EQ(s8.Get(1), 127.0);
  Tensor s32(ElementType::kInt32, {2});
  s32.Set(0, 1e300);
  s32.Set(1, -std::numeric_limits<double>::infinity());
  EXPECT_EQ(s32.Get(0), 2147483647.0);
  EXPECT_EQ(s32.Get(1), -2147483648.0);
}

TEST(Tensor, FloatsRoundAndOverflowAsTheHardwareDoes) {
  Tensor t(ElementType::kFloat32, {5});
  const double largest = std::numeric_limits<float>::max();
  t.Set(0, 1.0 / 3.0);
  t.Set(1, largest + 0x1p100);  // less than half a unit above: rounds down
  t.Set(2, -2.0 * largest);
  t.Set(3, std::nan(""));
  t.Set(4, std::numeric_limits<double>::infinity());
  EXPECT_EQ(t.Get(0), static_cast<double>(1.0F / 3.0F));
  EXPECT_EQ(t.Get(1), largest);
  EXPECT_EQ(t.Get(2), -std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(t.Get(3)));
  EXPECT_EQ(t.Get(4), std::numeric_limits<double>::infinity());
}

TEST(Tensor, ComparesBits) {
  Tensor a(ElementType::kFloat32, {1});
  Tensor b = a;
  EXPECT_EQ(a, b);
  b.Set(0, -0.0);
  EXPECT_NE(a, b);
  a.Set(0, std::nan(""));
  b = a;
  EXPECT_EQ(a, b);
}

TEST(Names, TensorNamesLeadBack) {
  for (size_t i = 0; i < kTensorCount; ++i) {
    const auto id = static_cast<TensorId>(i);
    EXPECT_EQ(TensorFromName(TensorName(id), std::strlen(TensorName(id))), id);
  }
  EXPECT_EQ(TensorFromName("input_", 6), std::nullopt);
  EXPECT_EQ(TensorFromName("inpu", 4), std::nullopt);
  EXPECT_EQ(TensorFromName("", 0), std::nullopt);
  EXPECT_STREQ(OpName(Op::kQAttention), "QAttention");
}

TEST(Attributes, FloatsCompareByBits) {
  Attributes a;
  Attributes b;
  a.scale = std::nanf("");
  EXPECT_NE(a, b);
  b.scale = a.scale;
  EXPECT_EQ(a, b);
  a.mask_filter_value = 0.0F;
  b.mask_filter_value = -0.0F;
  EXPECT_NE(a, b);
}

Case AttentionCase() {
  Case c;
  c.attributes.num_heads = 2;
  c[TensorId::kInput] = Tensor(ElementType::kFloat32, {3, 5, 7});
  c[TensorId::kWeights] = Tensor(ElementType::kFloat32, {7, 24});
  return c;
}

TEST(Geometry, OfAttention) {
  Case c = AttentionCase();
  c[TensorId::kPast] = Tensor(ElementType::kFloat32, {2, 3, 2, 6, 4});
  const Geometry g = GeometryOf(c);
  EXPECT_EQ(g.batch, 3);
  EXPECT_EQ(g.sequence, 5);
  EXPECT_EQ(g.past, 6);
  EXPECT_EQ(g.total, 11);
  EXPECT_EQ(g.heads, 2);
  EXPECT_EQ(g.head_size, 4);
  EXPECT_EQ(g.value_head_size, 4);
  EXPECT_EQ(g.input_width, 7);
  EXPECT_EQ(OutputDims(c), (Dims{3, 5, 8}));
  EXPECT_EQ(PresentDims(c), (Dims{2, 3, 2, 11, 4}));
}

TEST(Geometry, OfUnequalHeads) {
  Case c = AttentionCase();
  c.attributes.qkv_hidden_sizes = {{6, 6, 12}};
  const Geometry g = GeometryOf(c);
  EXPECT_EQ(g.head_size, 3);
  EXPECT_EQ(g.value_head_size, 6);
  EXPECT_EQ(OutputDims(c), (Dims{3, 5, 12}));
}

TEST(Geometry, OfCore) {
  Case c;
  c.op = Op::kCore;
  c[TensorId::kQuery] = Tensor(ElementType::kFloat32, {2, 3, 4, 5});
  c[TensorId::kKey] = Tensor(ElementType::kFloat32, {2, 3, 9, 5});
  c[TensorId::kValue] = Tensor(ElementType::kFloat32, {2, 3, 9, 6});
  const Geometry g = GeometryOf(c);
  EXPECT_EQ(g.past, 5);
  EXPECT_EQ(g.total, 9);
  EXPECT_EQ(OutputDims(c), (Dims{2, 3, 4, 6}));
}

TEST(Geometry, SurvivesCasesThatMakeNoSense) {
  Case c;
  EXPECT_EQ(ElementCount(OutputDims(c)), 0);
  c.attributes.num_heads = 0;
  EXPECT_GE(ElementCount(PresentDims(c)), 0);
  c.attributes.num_heads = std::numeric_limits<int64_t>::min();
  c.attributes.qkv_hidden_sizes = {{-5, 3}};
  c[TensorId::kInput] = Tensor(ElementType::kInt8, {4});
  c[TensorId::kWeights] = Tensor(ElementType::kFloat32, {});
  EXPECT_GE(ElementCount(OutputDims(c)), 0);
  // Sizes that nobody can make room for give one element.
  c = AttentionCase();
  c[TensorId::kInput] = Tensor(ElementType::kFloat32, {int64_t{1} << 40, int64_t{1} << 40, 0});
  EXPECT_EQ(OutputDims(c), (Dims{1}));
  c.attributes.qkv_hidden_sizes = {
      {std::numeric_limits<int64_t>::max(), 1, std::numeric_limits<int64_t>::max()}};
  EXPECT_EQ(OutputDims(c), (Dims{1}));
}

}  // namespace
}  // namespace maskproof
