// The attention core where a row's keys span several tiles: rescaled sums, tiles that a row does
// not see, values that are not numbers, and tasks that pack for themselves.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "core_kernels.h"
#include "helpers.h"

namespace maskproof::kernels {
namespace {

class CoreTilesTest : public CoreTargetTest {
 protected:
  // Each tile more rescales once (4 roundings, exp included).
  void ExpectNear(const CoreCase& c) const {
    const double tiles = static_cast<double>(c.shape.total_length) / kTileKeys + 1.0;
    ExpectWithin(Bound(c.shape, 4.0 * tiles), Run(c), ReferenceCore(c));
  }
};
MASKPROOF_INSTANTIATE_TARGETS(CoreTilesTest);

// Scores that grow with the key, so that every tile raises the maximum, or shrink, so that none
// does after the first.
void OrderScores(CoreCase& c, bool growing) {
  const CoreShape& g = c.shape;
  for (float& q : c.query.data) q = 1.0F;
  for (int64_t i = 0; i < g.batch * g.heads * g.total_length; ++i) {
    const auto t = static_cast<float>(i % g.total_length) / static_cast<float>(g.total_length);
    for (int64_t k = 0; k < g.head_size; ++k) c.key[i * g.head_size + k] = growing ? t : -t;
  }
}

TEST_P(CoreTilesTest, LengthsAroundTheTile) {
  for (const int64_t keys : {kTileKeys - 1, kTileKeys, kTileKeys + 1, 2 * kTileKeys + 70}) {
    for (const int64_t queries : {1, 15, 101}) {  // one block, two, and more than one task
      // Where this is emulated, many rows take long.
      if (queries > 15 && keys != kTileKeys + 1) continue;
      CoreCase c = MakeCore({1, 2, queries, keys, 5, 19}, static_cast<uint64_t>(keys));
      ExpectNear(c);
      c.causal = true;
      ExpectNear(c);
      for (const bool growing : {false, true}) {
        OrderScores(c, growing);
        ExpectNear(c);
      }
    }
  }
}

TEST_P(CoreTilesTest, MasksThatLeaveOutTiles) {
  const int64_t keys = 3 * kTileKeys + 9;
  CoreCase c = MakeCore({2, 1, 20, keys, 4, 6}, 5);
  const auto end = static_cast<int32_t>(keys);
  const auto tile = static_cast<int32_t>(kTileKeys);
  c.mask = TestTensor<int32_t>({4}, {end, tile, tile + 3, tile - 1});
  ExpectNear(c);
  Random random(6);
  c.mask = TestTensor<int32_t>({2, 20, keys});
  for (int64_t i = 0; i < 2 * 20 * keys; ++i) {
    // Each row sees a few keys of one or two tiles.
    const int64_t row = i / keys;
    const bool in_reach = (i % keys) / kTileKeys == row % 4 || row % 5 == 0;
    (*c.mask)[i] = in_reach && random.Below(40) == 0 ? 1 : 0;
  }
  ExpectNear(c);
  c.mask.reset();
  c.bias = Random(7).Tensor({1, 1, 20, keys});
  for (int64_t i = 0; i < 20 * keys; ++i) {
    if ((i / 64) % 3 != 0) (*c.bias)[i] = -kInfinity;
  }
  ExpectNear(c);
}

// Values that are not numbers in keys that a row does not see leave every bit of it as it is.
TEST_P(CoreTilesTest, MaskedValuesLeaveNoTrace) {
  const int64_t keys = 2 * kTileKeys;
  const int64_t rows = 101;
  const int64_t columns = 21;
  for (const float poison : {kNaN, kInfinity, -kInfinity}) {
    CoreCase c = MakeCore({1, 1, rows, keys, 3, columns}, 8);
    c.causal = true;
    c.mask = TestTensor<int32_t>({1, keys});
    for (int64_t t = 0; t < keys; ++t) (*c.mask)[t] = t % 3 != 1 ? 1 : 0;
    const std::vector<float> clean = Run(c);
    for (int64_t t = 1; t < keys; t += 3) {
      c.value[t * columns + t % columns] = poison;
      c.key[t * 3] = poison;
    }
    // Seen by the last rows only.
    const int64_t seen = keys - 5;
    c.value[seen * columns + 20] = poison;
    ASSERT_NE((*c.mask)[seen], 0);
    const std::vector<float> output = Run(c);
    for (int64_t i = 0; i < rows * columns; ++i) {
      const bool reached = keys - rows + i / columns >= seen && i % columns == 20;
      const auto at = static_cast<size_t>(i);
      EXPECT_EQ(std::isfinite(output[at]), !reached) << i;
      if (!reached) {
        EXPECT_EQ(output[at], clean[at]) << i;
      }
    }
  }
}

// `copies` of a row, alone.
CoreCase RowOf(const CoreCase& c, int64_t row, int64_t copies) {
  CoreCase alone = c;
  alone.shape.query_length = copies;
  alone.query = TestTensor<float>({1, 1, copies, c.shape.head_size});
  for (int64_t i = 0; i < copies * c.shape.head_size; ++i) {
    alone.query[i] = c.query[row * c.shape.head_size + i % c.shape.head_size];
  }
  return alone;
}

// A row alone is packed by its own task, among many by tasks before; values of some rows may stay
// in place, and those of more are packed: the bits are the same. On AMX_BF16 that is promised to
// numbers of rows on the same side of 16 (docs/operators.md).
TEST_P(CoreTilesTest, RowsAloneHaveTheBitsOfRowsAmongOthers) {
  for (const int64_t rows : {13, 128, 129}) {
    for (const int64_t columns : {40, 48}) {
      const CoreCase c = MakeCore({1, 1, rows, kTileKeys + 100, 24, columns}, 9);
      const std::vector<float> all = Run(c);
      const int64_t copies = GetParam().name == "AMX_BF16" && rows >= 16 ? 16 : 1;
      for (const int64_t row : {int64_t{0}, int64_t{12}, rows - 1}) {
        const std::vector<float> alone = Run(RowOf(c, row, copies));
        for (int64_t copy = 0; copy < copies; ++copy) {
          EXPECT_EQ(std::memcmp(&alone[static_cast<size_t>(copy * columns)],
                                &all[static_cast<size_t>(row * columns)],
                                static_cast<size_t>(columns) * sizeof(float)),
                    0)
              << row << " of " << rows << ", " << columns;
        }
      }
    }
  }
}

// The same of a key that only the last row sees, in any column. Without a mask nothing else makes
// the core look whether values are finite.
TEST_P(CoreTilesTest, ValuesThatTheLastRowSeesLeaveNoTrace) {
  const int64_t columns = 32;
  for (const int64_t rows : {5, 101}) {
    for (const int64_t column : {9, 20}) {
      const int64_t keys = kTileKeys + rows;
      const int64_t seen = keys - 1;
      CoreCase c = MakeCore({1, 1, rows, keys, 3, columns}, 12);
      c.causal = true;
      const std::vector<float> clean = Run(c);
      c.value[seen * columns + column] = kInfinity;
      const std::vector<float> output = Run(c);
      for (int64_t i = 0; i < rows * columns; ++i) {
        const auto at = static_cast<size_t>(i);
        const bool reached = keys - rows + i / columns >= seen && i % columns == column;
        EXPECT_EQ(output[at] == clean[at], !reached) << i;
      }
    }
  }
}

// One worker packs one head at a time, two pack four.
TEST_P(CoreTilesTest, HeadsThatArePackedTogetherHaveTheSameBits) {
  CoreCase c = MakeCore({2, 5, 101, kTileKeys + 5, 3, 4}, 11);
  c.causal = true;
  ExpectNear(c);
  const std::vector<float> expected = Run(c);
  const std::unique_ptr<ParallelFor> pool = MakeThreadPool(2);
  std::vector<float> output;
  ASSERT_TRUE(RunCore(c, output, {.target = GetParam().id, .parallel = pool.get()}).ok());
  EXPECT_TRUE(SameBits(output, expected));
}

// Overflow of every score of a tile to -infinity gives that tile no weight, and no NaN.
TEST_P(CoreTilesTest, ATileWithoutAFiniteScoreIsPassedOver) {
  CoreCase c = MakeCore({1, 1, 2, 2 * kTileKeys, 1, 2}, 10);
  for (float& q : c.query.data) q = 1e30F;
  for (int64_t t = 0; t < 2 * kTileKeys; ++t) c.key[t] = t < kTileKeys ? -1e30F : 0.0F;
  const std::vector<float> output = Run(c);
  double mean = 0.0;
  for (int64_t t = kTileKeys; t < 2 * kTileKeys; ++t) mean += static_cast<double>(c.value[t * 2]);
  // 512 equal weights: their sum is exact, that of the values rounds up to 512 times.
  EXPECT_NEAR(static_cast<double>(output[0]), mean / kTileKeys, 512 * 0x1p-24);
}

}  // namespace
}  // namespace maskproof::kernels
