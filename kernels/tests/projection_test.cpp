// The float32 projection on all targets: sizes around those of registers, numbers that AMX_BF16
// multiplies another way, and rows that are left out.
#include "projection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "helpers.h"
#include "scratch.h"
#include "workspace.h"

namespace maskproof::kernels {
namespace {

struct ProjectionCase {
  int64_t rows = 0;
  int64_t depth = 0;
  int64_t columns = 0;
  TestTensor<float> input;
  TestTensor<float> weights;
  TestTensor<float> bias;
  int64_t tokens = 0;  // as many as rows unless said

  float& Input(int64_t row, int64_t k) { return input[row * depth + k]; }
  float& Weight(int64_t k, int64_t column) { return weights[k * columns + column]; }
};

ProjectionCase MakeProjection(int64_t rows, int64_t depth, int64_t columns, uint64_t seed) {
  Random random(seed);
  return {.rows = rows,
          .depth = depth,
          .columns = columns,
          .input = random.Tensor({rows, depth}),
          .weights = random.Tensor({depth, columns}),
          .bias = random.Tensor({columns}),
          .tokens = rows};
}

class ProjectionTest : public TargetTest {
 protected:
  // Rows of as many columns as the case has.
  static std::vector<float> Project(const ProjectionCase& c, ParallelFor* parallel = nullptr,
                                    const WantedRows& wanted = {}) {
    const ProjectionProblem problem{.tokens = c.tokens,
                                    .depth = c.depth,
                                    .columns = c.columns,
                                    .input = c.input.data.data(),
                                    .weights = c.weights.data.data(),
                                    .bias = c.bias.data.data()};
    ProjectionRun run(problem, GetParam().id, parallel);
    Workspace workspace;
    float* projected = nullptr;
    const int64_t stride = RoundUp(c.columns, kProjectionAlignment);
    EXPECT_TRUE(workspace
                    .Provide({},
                             [&](Arena& arena) {
                               return PlaceAt(projected, arena, {c.rows, stride}) &&
                                      run.Reserve(arena, c.rows);
                             })
                    .ok());
    run.Prepare();
    run.Run(0, c.rows, projected, stride, wanted);
    std::vector<float> result;
    for (int64_t r = 0; r < c.rows; ++r) {
      result.insert(result.end(), projected + r * stride, projected + r * stride + c.columns);
    }
    return result;
  }

  // docs/oracle.md (6) and (28), with a bias and no weight that is zero.
  static void ExpectNear(const ProjectionCase& c, const std::vector<float>& actual) {
    const double steps = std::ceil(static_cast<double>(c.depth) / 32.0);
    const double roundings = std::max(static_cast<double>(c.depth) + 1.0, 17.0 + 6.0 * steps) + 2.0;
    for (int64_t r = 0; r < c.rows; ++r) {
      for (int64_t column = 0; column < c.columns; ++column) {
        double sum = c.bias[column];
        double magnitude = std::abs(sum);
        for (int64_t k = 0; k < c.depth; ++k) {
          const double product = static_cast<double>(c.input[r * c.depth + k]) *
                                 static_cast<double>(c.weights[k * c.columns + column]);
          sum += product;
          magnitude += std::abs(product);
        }
        const double bound = 1.001 * roundings * 0x1p-24 * magnitude;
        ASSERT_NEAR(actual[static_cast<size_t>(r * c.columns + column)], sum, bound)
            << c.rows << " x " << c.depth << " x " << c.columns << " at " << r << ", " << column;
      }
    }
  }

  // By multiply-adds, on every target.
  static std::vector<float> ProjectWhole(ProjectionCase c) {
    c.tokens = 1;
    return Project(c);
  }
};
MASKPROOF_INSTANTIATE_TARGETS(ProjectionTest);

TEST_P(ProjectionTest, SizesAroundThoseOfRegisters) {
  uint64_t seed = 0;
  for (const int64_t rows : {1, 15, 16, 17, 33, 65}) {
    for (const int64_t depth : {1, 23, 24, 31, 32, 33, 130, 1100}) {
      for (const int64_t columns : {1, 31, 33, 96}) {
        if (depth > 1000 && (rows < 33 || columns > 33)) continue;
        const ProjectionCase c = MakeProjection(rows, depth, columns, ++seed);
        ExpectNear(c, Project(c));
      }
    }
  }
  for (const int64_t rows : {256, 257, 300}) {
    const ProjectionCase c = MakeProjection(rows, 70, 40, ++seed);
    ExpectNear(c, Project(c));
  }
}

TEST_P(ProjectionTest, ThreadsDoNotChangeABit) {
  const std::unique_ptr<ParallelFor> pool = MakeThreadPool(3);
  for (const int64_t rows : {40, 290}) {
    const ProjectionCase plain = MakeProjection(rows, 100, 192, 31);
    // The first row, one further on, columns of several panels: what is done over again for them
    // must not stay where the next panels look for packed rows.
    for (const int64_t row : {-1, 0, 7}) {
      for (const bool in_columns : {false, true}) {
        ProjectionCase c = plain;
        if (row >= 0) c.Input(row, 3) = 0x1p-80F;
        for (int64_t column = 0; in_columns && column < 192; column += 40) {
          c.Weight(50, column) = 0x1p-90F;
        }
        EXPECT_TRUE(SameBits(Project(c), Project(c, pool.get()))) << row << ", " << in_columns;
      }
    }
  }
}

// Too small or too large for parts, or no numbers.
const std::vector<float> kWithoutParts = {0x1p-61F, -0x1p-149F, 0x1.8p60F, kInfinity, kNaN};

TEST_P(ProjectionTest, ARowWithoutPartsChangesNoOther) {
  const ProjectionCase plain = MakeProjection(290, 1100, 33, 32);
  const std::vector<float> before = Project(plain);
  for (const float number : kWithoutParts) {
    ProjectionCase c = plain;
    // Alone, beside each other, in another task, in the last part of the depth, and the last one.
    for (const int64_t row : {3, 40, 41, 42, 200}) c.Input(row, row) = number;
    c.Input(289, 1090) = number;
    const std::vector<float> after = Project(c);
    const std::vector<float> whole = ProjectWhole(c);
    for (int64_t row = 0; row < c.rows; ++row) {
      const bool odd = row == 3 || (row >= 40 && row <= 42) || row == 200 || row == 289;
      const std::vector<float>& expected = odd ? whole : before;
      EXPECT_EQ(std::memcmp(after.data() + row * 33, expected.data() + row * 33, 33 * 4), 0)
          << "row " << row << " with " << number;
    }
  }
}

TEST_P(ProjectionTest, AColumnWithoutPartsChangesNoOther) {
  const ProjectionCase plain = MakeProjection(70, 1100, 100, 33);
  const std::vector<float> before = Project(plain);
  for (const float number : kWithoutParts) {
    ProjectionCase c = plain;
    for (const int64_t column : {0, 17, 31, 66, 99}) c.Weight(column * 11, column) = number;
    const std::vector<float> after = Project(c);
    const std::vector<float> whole = ProjectWhole(c);
    for (int64_t i = 0; i < c.rows * 100; ++i) {
      const int64_t column = i % 100;
      const bool odd = column == 0 || column == 17 || column == 31 || column == 66 || column == 99;
      const auto at = static_cast<size_t>(i);
      EXPECT_EQ(std::memcmp(&after[at], odd ? &whole[at] : &before[at], 4), 0)
          << "column " << column << " with " << number;
    }
  }
}

TEST_P(ProjectionTest, EveryNaNIsTheSame) {
  ProjectionCase c = MakeProjection(20, 64, 40, 34);
  uint32_t payload = 0xFFC12345;
  std::memcpy(&c.bias[5], &payload, 4);
  c.Input(2, 1) = kNaN;
  size_t nans = 0;
  for (const float x : Project(c)) {
    if (x == x) continue;
    ++nans;
    uint32_t bits = 0;
    std::memcpy(&bits, &x, 4);
    EXPECT_EQ(bits, 0x7FC00000U);
  }
  EXPECT_GE(nans, 20U + 39U);
}

TEST_P(ProjectionTest, RowsThatAreNotWantedChangeNoBit) {
  const ProjectionCase c = MakeProjection(150, 90, 192, 35);
  std::vector<int64_t> rows;
  for (int64_t r = 0; r < 150; r += 1 + r % 7) rows.push_back(r);
  const WantedRows wanted{
      .rows = rows.data(), .count = static_cast<int64_t>(rows.size()), .first_column = 64};
  const std::vector<float> all = Project(c);
  const std::vector<float> some = Project(c, nullptr, wanted);
  for (int64_t r = 0; r < c.rows; ++r) {
    const bool is_wanted = std::find(rows.begin(), rows.end(), r) != rows.end();
    for (int64_t column = 0; column < 192; ++column) {
      const auto at = static_cast<size_t>(r * 192 + column);
      if (is_wanted || column < 64) {
        EXPECT_EQ(std::memcmp(&some[at], &all[at], 4), 0) << r << ", " << column;
      } else if (column >= 96) {
        EXPECT_EQ(some[at], 0.0F) << r << ", " << column;
      }
    }
  }
}

}  // namespace
}  // namespace maskproof::kernels
