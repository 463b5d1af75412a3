// The attention core with rows, keys and lanes enough for tile registers (AMX_BF16), on all
// targets: sizes around those of a register, and rows of which not all numbers have parts.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

#include "core_kernels.h"
#include "helpers.h"

namespace maskproof::kernels {
namespace {

class CoreMatrixTest : public CoreTargetTest {
 protected:
  // Each tile more rescales once, as in core_tiles_test.cpp; two roundings more of every score and
  // of every sum stand for products from parts (docs/oracle.md (28)).
  void ExpectNear(const CoreCase& c, const std::vector<double>& expected,
                  double factor = 1.0) const {
    const double tiles = static_cast<double>(c.shape.total_length) / kTileKeys + 1.0;
    ExpectWithin(Bound(c.shape, 4.0 * tiles + 4.0), Run(c), expected, factor);
  }
};
MASKPROOF_INSTANTIATE_TARGETS(CoreMatrixTest);

TEST_P(CoreMatrixTest, SizesAroundThoseOfRegisters) {
  uint64_t seed = 0;
  for (const int64_t rows : {15, 16, 17, 31, 32, 33, 65}) {
    for (const int64_t keys : {16, 31, 33, 130, 513}) {
      for (const int64_t head_size : {24, 31, 33, 64, 65}) {
        if (keys < rows || (keys > 500 && head_size > 33)) continue;
        ++seed;
        const int64_t columns = seed % 3 == 0 ? 24 : 20 + head_size;
        CoreCase c = MakeCore({1, 2, rows, keys, head_size, columns}, seed);
        if (seed % 2 == 0) c.mask = TestTensor<int32_t>({1}, {static_cast<int32_t>(keys - 3)});
        c.causal = seed % 5 == 0;
        ExpectNear(c, ReferenceCore(c));
      }
    }
  }
}

// Row i times factor i, and so on from the first.
void ScaleRows(TestTensor<float>& tensor, int64_t columns, const std::vector<float>& factors) {
  for (int64_t i = 0; i < static_cast<int64_t>(tensor.data.size()); ++i) {
    tensor[i] *= factors[static_cast<size_t>((i / columns) % static_cast<int64_t>(factors.size()))];
  }
}

TEST_P(CoreMatrixTest, NumbersWithoutParts) {
  const int64_t keys = kTileKeys + 40;
  for (const int64_t rows : {20, 40}) {
    const CoreCase plain = MakeCore({1, 1, rows, keys, 40, 36}, 21);
    const std::vector<double> expected = ReferenceCore(plain);
    // All queries, so small that tiles would take them for zeros, and the scale the other way.
    CoreCase queries = plain;
    ScaleRows(queries.query, 40, {0x1p-127F});
    queries.scale = 0x1p127F / std::sqrt(40.0F);
    ExpectNear(queries, expected);
    CoreCase values = plain;
    ScaleRows(values.value, 36, {0x1p70F});
    ExpectNear(values, expected, 0x1p-70);
    // Some keys and values, to nothing or to much.
    CoreCase mixed = plain;
    ScaleRows(mixed.key, 40, {1.0F, 0x1p-70F, 1.0F, 1.0F, 0x1p-66F});
    ScaleRows(mixed.value, 36, {0x1p-70F, 1.0F, 1.0F, 0.0F});
    ExpectNear(mixed, ReferenceCore(mixed));
    CoreCase some = plain;
    ScaleRows(some.query, 40, {1.0F, 0x1p-70F, 1.0F});
    ExpectNear(some, ReferenceCore(some));
  }
}

TEST_P(CoreMatrixTest, MaskedRowsLeaveNoTrace) {
  const int64_t keys = kTileKeys + 64;
  const int64_t rows = 45;
  for (const float poison : {kNaN, kInfinity, -kInfinity, 0x1p100F, 0x1p-100F}) {
    CoreCase c = MakeCore({1, 1, rows, keys, 32, 48}, 22);
    c.causal = true;
    c.mask = TestTensor<int32_t>({1, keys});
    for (int64_t t = 0; t < keys; ++t) (*c.mask)[t] = t % 3 != 1 ? 1 : 0;
    const std::vector<float> clean = Run(c);
    for (int64_t t = 1; t < keys; t += 3) {
      c.value[t * 48 + t % 48] = poison;
      c.key[t * 32 + t % 32] = poison;
    }
    EXPECT_TRUE(SameBits(Run(c), clean)) << poison;
    // What some rows see, the others do not notice.
    const int64_t seen = keys - 6;
    ASSERT_NE((*c.mask)[seen], 0);
    c.value[seen * 48 + 7] = poison;
    c.key[seen * 32 + 9] = poison;
    const std::vector<float> output = Run(c);
    const auto unreached = static_cast<size_t>((seen - (keys - rows)) * 48);
    EXPECT_EQ(std::memcmp(output.data(), clean.data(), unreached * sizeof(float)), 0) << poison;
  }
}

// A query that is not a number is a matter of its own row.
TEST_P(CoreMatrixTest, QueriesThatAreNotNumbersKeepToTheirRows) {
  CoreCase c = MakeCore({1, 1, 40, 70, 32, 32}, 23);
  const std::vector<float> clean = Run(c);
  for (const int64_t row : {3, 16, 37}) c.query[row * 32 + 5] = kNaN;
  const std::vector<float> output = Run(c);
  for (int64_t i = 0; i < 40 * 32; ++i) {
    const int64_t row = i / 32;
    const auto at = static_cast<size_t>(i);
    if (row == 3 || row == 16 || row == 37) {
      EXPECT_TRUE(std::isnan(output[at])) << i;
    } else {
      EXPECT_EQ(output[at], clean[at]) << i;
    }
  }
}

}  // namespace
}  // namespace maskproof::kernels
