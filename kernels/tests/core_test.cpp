// The attention core on every SIMD target: values, tails, masks, and the promised bits.
#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "helpers.h"

namespace maskproof::kernels {
namespace {

class CoreTest : public CoreTargetTest {
 protected:
  static void ExpectNear(const CoreCase& c, const std::vector<float>& output) {
    ExpectWithin(Bound(c.shape, 0.0), output, ReferenceCore(c));
  }
};
MASKPROOF_INSTANTIATE_TARGETS(CoreTest);

TestTensor<int32_t> RandomMask(const Dims& dims, uint64_t seed, int64_t one_in) {
  Random random(seed);
  TestTensor<int32_t> mask(dims);
  for (int32_t& value : mask.data) {
    value = random.Below(one_in) == 0 ? static_cast<int32_t>(random.Below(3)) + 1
                                      : -static_cast<int32_t>(random.Below(2));
  }
  return mask;
}

TEST_P(CoreTest, MatchesTheReferenceForEverySizeAroundTheVectors) {
  for (int64_t size = 1; size <= 40; ++size) {
    const CoreShape shapes[] = {
        {1, 1, size, size, 5, 3}, {1, 2, 2, size + 1, 3, size}, {2, 1, 3, 3 + size, size, 2}};
    for (const CoreShape& shape : shapes) {
      for (const bool causal : {false, true}) {
        CoreCase c = MakeCore(shape, static_cast<uint64_t>(size));
        c.causal = causal;
        ExpectNear(c, Run(c));
      }
    }
  }
}

TEST_P(CoreTest, MatchesTheReferenceBeyondOneTileAndOneWord) {
  CoreCase c = MakeCore({2, 3, 70, 200, 37, 29}, 1);
  ExpectNear(c, Run(c));
  c.causal = true;
  ExpectNear(c, Run(c));
  c.mask = RandomMask({2, 200}, 2, 3);
  ExpectNear(c, Run(c));
  c.mask = RandomMask({2, 70, 200}, 3, 2);
  ExpectNear(c, Run(c));
  c.causal = false;
  c.bias = Random(4).Tensor({2, 1, 70, 200});
  for (size_t i = 0; i < c.bias->data.size(); i += 7) c.bias->data[i] = -kInfinity;
  ExpectNear(c, Run(c));
  c.bias = Random(5).Tensor({1, 3, 70, 200});
  ExpectNear(c, Run(c));
}

TEST_P(CoreTest, LengthsAreRightAndLeftPadding) {
  CoreCase c = MakeCore({3, 2, 5, 9, 4, 4}, 6);
  c.mask = TestTensor<int32_t>({3}, {9, 4, 100});
  ExpectNear(c, Run(c));
  c.mask = TestTensor<int32_t>({6}, {9, 7, 3, 2, -4, 1});
  ExpectNear(c, Run(c));
  // Starts at or after the ends: nothing is visible, which is valid.
  c.mask = TestTensor<int32_t>({6}, {3, 7, 0, 3, 8, 100});
  ExpectNear(c, Run(c));
}

TEST_P(CoreTest, EqualMasksGiveEqualBits) {
  CoreCase c = MakeCore({2, 2, 33, 150, 8, 8}, 7);
  c.mask = TestTensor<int32_t>({4}, {149, 70, 3, 69});
  const std::vector<float> expected = Run(c);

  TestTensor<int32_t> padding({2, 150});
  TestTensor<int32_t> full({2, 33, 150});
  TestTensor<float> bias({2, 1, 33, 150});
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t s = 0; s < 33; ++s)
      for (int64_t t = 0; t < 150; ++t) {
        const bool kept = Sees(c, b, s, t);
        padding[b * 150 + t] = kept ? 1 : 0;
        full[(b * 33 + s) * 150 + t] = kept ? 7 : -1;
        bias[(b * 33 + s) * 150 + t] = kept ? 0.0F : -kInfinity;
      }
  c.mask = padding;
  EXPECT_TRUE(SameBits(Run(c), expected));
  c.mask = full;
  EXPECT_TRUE(SameBits(Run(c), expected));
  c.mask.reset();
  c.bias = bias;
  EXPECT_TRUE(SameBits(Run(c), expected));
}

TEST_P(CoreTest, MaskedKeysAndValuesAreNotTouched) {
  CoreCase c = MakeCore({2, 2, 20, 90, 9, 11}, 8);
  c.mask = RandomMask({2, 90}, 9, 2);
  c.mask->data[0] = 1;
  c.mask->data[90] = 1;
  const std::vector<float> expected = Run(c);
  for (const float poison : {kNaN, kInfinity, -kInfinity, 3e38F}) {
    for (int64_t b = 0; b < 2; ++b)
      for (int64_t n = 0; n < 2; ++n)
        for (int64_t t = 0; t < 90; ++t) {
          if ((*c.mask)[b * 90 + t] > 0) continue;
          const int64_t row = (b * 2 + n) * 90 + t;
          std::fill_n(&c.key[row * 9], 9, poison);
          std::fill_n(&c.value[row * 11], 11, poison);
        }
    EXPECT_TRUE(SameBits(Run(c), expected));
  }
}

TEST_P(CoreTest, KeysAppendedUnderTheMaskChangeNoBit) {
  for (const int64_t more : {1, 3, 17, 64, 100}) {
    const CoreCase c = MakeCore({1, 1, 7, 45, 6, 6}, 10);
    CoreCase longer = MakeCore({1, 1, 7, 45 + more, 6, 6}, 11);
    longer.query = c.query;
    std::copy(c.key.data.begin(), c.key.data.end(), longer.key.data.begin());
    std::copy(c.value.data.begin(), c.value.data.end(), longer.value.data.begin());
    longer.mask = TestTensor<int32_t>({1}, {45});
    EXPECT_TRUE(SameBits(Run(longer), Run(c))) << more;
  }
}

TEST_P(CoreTest, CausalRowsAreThoseOfThePrefix) {
  CoreCase whole = MakeCore({1, 1, 75, 75, 8, 8}, 12);
  whole.causal = true;
  const std::vector<float> expected = Run(whole);
  for (const int64_t length : {1, 2, 5, 16, 33, 64, 74}) {
    CoreCase prefix = MakeCore({1, 1, length, length, 8, 8}, 12);
    prefix.causal = true;
    const auto elements = static_cast<ptrdiff_t>(length * 8);
    prefix.query.data.assign(whole.query.data.begin(), whole.query.data.begin() + elements);
    prefix.key.data.assign(whole.key.data.begin(), whole.key.data.begin() + elements);
    prefix.value.data.assign(whole.value.data.begin(), whole.value.data.begin() + elements);
    EXPECT_TRUE(SameBits(Run(prefix), {expected.begin(), expected.begin() + elements})) << length;
  }
}

TEST_P(CoreTest, BatchAndHeadsAndThreadsChangeNoBit) {
  CoreCase c = MakeCore({3, 2, 37, 41, 5, 7}, 13);
  c.mask = RandomMask({3, 37, 41}, 14, 3);
  const std::vector<float> expected = Run(c);
  const std::unique_ptr<ParallelFor> pool = MakeThreadPool(3);
  EXPECT_TRUE(SameBits(Run(c, pool.get()), expected));
  CoreCase alone = MakeCore({1, 1, 37, 41, 5, 7}, 13);
  for (int64_t b = 0; b < 3; ++b)
    for (int64_t n = 0; n < 2; ++n) {
      const int64_t head = b * 2 + n;
      std::copy_n(&c.query[head * 37 * 5], 37 * 5, alone.query.data.begin());
      std::copy_n(&c.key[head * 41 * 5], 41 * 5, alone.key.data.begin());
      std::copy_n(&c.value[head * 41 * 7], 41 * 7, alone.value.data.begin());
      alone.mask = TestTensor<int32_t>({1, 37, 41});
      std::copy_n(&(*c.mask)[b * 37 * 41], 37 * 41, alone.mask->data.begin());
      const auto first = expected.begin() + head * 37 * 7;
      EXPECT_TRUE(SameBits(Run(alone), {first, first + 37 * 7}));
    }
}

TEST_P(CoreTest, FullyMaskedRowsFollowThePolicy) {
  CoreCase c = MakeCore({1, 1, 6, 6, 3, 19}, 15);
  c.causal = true;
  c.mask = TestTensor<int32_t>({1, 6}, {0, 0, 1, 1, 0, 1});
  ExpectNear(c, Run(c));
  c.fully_masked = FullyMaskedPolicy::kZero;
  const std::vector<float> zero = Run(c);
  ExpectNear(c, zero);
  for (size_t i = 0; i < size_t{2} * 19; ++i) EXPECT_EQ(std::bit_cast<uint32_t>(zero[i]), 0U);

  // The mean must not overflow where the values do not.
  c.fully_masked = FullyMaskedPolicy::kUniform;
  std::fill(c.value.data.begin(), c.value.data.end(), 3e38F);
  EXPECT_EQ(Run(c)[0], 3e38F);
}

// But for the sign of a zero: sums begin with +0.
TEST_P(CoreTest, ARowWithOneKeyIsItsValueToTheBit) {
  CoreCase c = MakeCore({1, 1, 5, 70, 3, 21}, 16);
  c.mask = TestTensor<int32_t>({1, 70});
  (*c.mask)[66] = 1;
  c.value[66 * 21 + 4] = -0.0F;
  c.value[66 * 21 + 5] = 3e38F;
  c.value[66 * 21 + 6] = 1e-42F;
  const std::vector<float> output = Run(c);
  c.value[66 * 21 + 4] = 0.0F;
  for (int64_t s = 0; s < 5; ++s) {
    EXPECT_EQ(std::memcmp(&output[static_cast<size_t>(s * 21)], &c.value[66 * 21], 84), 0);
  }
}

TEST_P(CoreTest, NonFiniteKeysReachExactlyTheRowsThatSeeThem) {
  for (const float poison : {kNaN, kInfinity, -kInfinity}) {
    CoreCase c = MakeCore({1, 1, 40, 40, 4, 4}, 17);
    c.causal = true;
    const std::vector<float> clean = Run(c);
    c.value[13 * 4 + 1] = poison;
    c.key[21 * 4 + 2] = kNaN;
    const std::vector<float> output = Run(c);
    for (int64_t s = 0; s < 40; ++s)
      for (int64_t column = 0; column < 4; ++column) {
        const auto i = static_cast<size_t>(s * 4 + column);
        const bool reached = s >= 21 || (s >= 13 && column == 1);
        EXPECT_EQ(std::isfinite(output[i]), !reached) << s << "," << column;
        if (reached) continue;
        EXPECT_EQ(output[i], clean[i]);
      }
  }
}

TEST_P(CoreTest, NonFiniteBiasIsDataUnlessItMasks) {
  for (const float poison : {kNaN, kInfinity}) {
    CoreCase c = MakeCore({1, 1, 3, 20, 4, 4}, 22);
    c.bias = TestTensor<float>({1, 1, 3, 20});
    (*c.bias)[20 + 5] = poison;
    (*c.bias)[20 + 6] = -kInfinity;
    const std::vector<float> output = Run(c);
    for (size_t i = 0; i < output.size(); ++i) {
      EXPECT_EQ(std::isnan(output[i]), i / 4 == 1) << i;
    }
  }
}

TEST_P(CoreTest, PowersOfTwoScaleExactly) {
  CoreCase c = MakeCore({1, 2, 9, 50, 6, 6}, 18);
  c.scale = 0.375F;
  const std::vector<float> expected = Run(c);
  for (float& value : c.query.data) value *= 16.0F;
  c.scale /= 16.0F;
  EXPECT_TRUE(SameBits(Run(c), expected));
  for (float& value : c.value.data) value *= 0x1p40F;
  std::vector<float> scaled = Run(c);
  for (float& value : scaled) value *= 0x1p-40F;
  EXPECT_TRUE(SameBits(scaled, expected));
}

TEST_P(CoreTest, LargeValuesDoNotOverflowInTheWeightedSum) {
  CoreCase c = MakeCore({1, 1, 3, 100, 4, 4}, 19);
  std::fill(c.value.data.begin(), c.value.data.end(), 0x1p127F);
  for (const float value : Run(c)) EXPECT_NEAR(value, 0x1p127F, 0x1p127F * 200 * 0x1p-24F);
}

// One row for all keys, queries, heads and batches: rows may be shared, wherever they are read.
TEST_P(CoreTest, AStrideOfZeroSharesARow) {
  for (const int64_t queries : {1, 5, 40, 200}) {
    const CoreShape shape{2, 2, queries, 210, 4, 64};
    CoreCase c = MakeCore(shape, 21);
    const auto share = [](TestTensor<float>& tensor) {
      const int64_t columns = tensor.dims[3];
      for (size_t i = 0; i < tensor.data.size(); ++i) {
        tensor.data[i] = tensor.data[i % static_cast<size_t>(columns)];
      }
    };
    share(c.query);
    share(c.key);
    share(c.value);
    const std::vector<float> expected = Run(c);
    std::vector<float> output(expected.size());
    // Of exactly one row, so that reading on is noticed.
    const auto row_of = [](const TestTensor<float>& tensor) {
      return std::vector<float>(tensor.data.begin(), tensor.data.begin() + tensor.dims[3]);
    };
    const std::vector<float> query = row_of(c.query);
    const std::vector<float> key = row_of(c.key);
    const std::vector<float> value = row_of(c.value);
    CoreArguments arguments;
    arguments.shape = shape;
    arguments.query = {query.data(), 0, 0, 0};
    arguments.key = {key.data(), 0, 0, 0};
    arguments.value = {value.data(), 0, 0, 0};
    arguments.output = Dense(output.data(), 2, queries, 64);
    ASSERT_TRUE(ScaledDotProductAttention(arguments, execution()).ok());
    EXPECT_TRUE(SameBits(output, expected)) << queries << " queries";
  }
}

TEST_P(CoreTest, StridesAreThoseOfTheCaller) {
  const CoreCase c = MakeCore({2, 3, 9, 12, 5, 6}, 20);
  const std::vector<float> expected = Run(c);
  // (B, rows, N, columns) with two unused columns after every row.
  const auto spread = [](const TestTensor<float>& from) {
    const int64_t rows = from.dims[2];
    const int64_t columns = from.dims[3];
    TestTensor<float> to({2, rows, 3, columns + 2});
    std::fill(to.data.begin(), to.data.end(), kNaN);
    for (int64_t b = 0; b < 2; ++b)
      for (int64_t n = 0; n < 3; ++n)
        for (int64_t r = 0; r < rows; ++r) {
          std::copy_n(&from[((b * 3 + n) * rows + r) * columns], columns,
                      &to[((b * rows + r) * 3 + n) * (columns + 2)]);
        }
    return to;
  };
  const auto strided = [](auto* data, int64_t rows, int64_t columns) {
    return StridedTensor<std::remove_pointer_t<decltype(data)>>{
        .data = data,
        .batch_stride = rows * 3 * (columns + 2),
        .head_stride = columns + 2,
        .row_stride = 3 * (columns + 2)};
  };
  const TestTensor<float> query = spread(c.query);
  const TestTensor<float> key = spread(c.key);
  const TestTensor<float> value = spread(c.value);
  TestTensor<float> output({2, 9, 3, 8});
  std::fill(output.data.begin(), output.data.end(), 5.0F);
  CoreArguments arguments;
  arguments.shape = c.shape;
  arguments.query = strided(query.data.data(), 9, 5);
  arguments.key = strided(key.data.data(), 12, 5);
  arguments.value = strided(value.data.data(), 12, 6);
  arguments.output = strided(output.data.data(), 9, 6);
  ASSERT_TRUE(ScaledDotProductAttention(arguments, execution()).ok());
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t n = 0; n < 3; ++n)
      for (int64_t s = 0; s < 9; ++s) {
        const float* const got = &output[((b * 9 + s) * 3 + n) * 8];
        EXPECT_EQ(std::memcmp(got, &expected[static_cast<size_t>(((b * 3 + n) * 9 + s) * 6)], 24),
                  0);
        EXPECT_EQ(got[6], 5.0F);
        EXPECT_EQ(got[7], 5.0F);
      }
}

TEST_P(CoreTest, ScoresThatOverflowStayInTheirRow) {
  CoreCase c = MakeCore({1, 1, 2, 30, 4, 4}, 21);
  for (const float huge : {3e38F, -3e38F}) {
    std::fill_n(c.query.data.begin(), 4, huge);
    for (int64_t t = 0; t < 30; ++t) std::fill_n(&c.key[t * 4], 4, 3.0F);
    const std::vector<float> output = Run(c);
    for (size_t i = 4; i < 8; ++i) EXPECT_TRUE(std::isfinite(output[i]));
  }
}

}  // namespace
}  // namespace maskproof::kernels
