// Attention and QAttention as wholes: projection, layouts, past and present, empty tensors.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "helpers.h"
#include "operator_cases.h"

namespace maskproof::kernels {
namespace {

class OperatorTest : public TargetTest {};
MASKPROOF_INSTANTIATE_TARGETS(OperatorTest);

// Column `column` of token `token`, in double.
double ProjectedAt(const AttentionCase& c, int64_t token, int64_t column) {
  const int64_t depth = c.input.dims[2];
  const int64_t columns = c.weights.dims[1];
  double total = c.bias ? static_cast<double>((*c.bias)[column]) : 0.0;
  for (int64_t k = 0; k < depth; ++k) {
    total += static_cast<double>(c.input[token * depth + k]) *
             static_cast<double>(c.weights[k * columns + column]);
  }
  return total;
}

TEST_P(OperatorTest, AttentionIsTheCoreOnItsProjection) {
  const Sizes shapes[] = {{.batch = 2,
                           .queries = 7,
                           .heads = 3,
                           .head_size = 5,
                           .value_head_size = 4,
                           .input_width = 9},
                          {.batch = 1,
                           .queries = 50,
                           .heads = 2,
                           .head_size = 37,
                           .value_head_size = 37,
                           .input_width = 300},
                          // More rows and more depth than are multiplied in one go.
                          {.batch = 1,
                           .queries = 130,
                           .heads = 2,
                           .head_size = 3,
                           .value_head_size = 5,
                           .input_width = 2060},
                          {.batch = 3,
                           .queries = 2,
                           .heads = 1,
                           .head_size = 1,
                           .value_head_size = 70,
                           .input_width = 1},
                          {.batch = 1,
                           .queries = 3,
                           .heads = 2,
                           .head_size = 4,
                           .value_head_size = 2,
                           .input_width = 0}};
  for (const Sizes& s : shapes) {
    AttentionCase c = MakeAttention(s, 1);
    c.attributes.unidirectional = 1;
    // Scores of a few units at most, whatever the width.
    c.attributes.scale = 1.0F / static_cast<float>((s.input_width + 1) * s.head_size);
    ASSERT_TRUE(c.Run(execution()).ok());

    CoreCase core;
    core.shape = {s.batch, s.heads, s.queries, s.queries, s.head_size, s.value_head_size};
    core.causal = true;
    core.scale = c.attributes.scale;
    core.query = TestTensor<float>({s.batch, s.heads, s.queries, s.head_size});
    core.key = core.query;
    core.value = TestTensor<float>({s.batch, s.heads, s.queries, s.value_head_size});
    const auto project = [&](TestTensor<float>& to, int64_t first_column, int64_t size) {
      int64_t i = 0;
      for (int64_t b = 0; b < s.batch; ++b)
        for (int64_t n = 0; n < s.heads; ++n)
          for (int64_t q = 0; q < s.queries; ++q)
            for (int64_t k = 0; k < size; ++k) {
              to[i++] = static_cast<float>(
                  ProjectedAt(c, b * s.queries + q, first_column + n * size + k));
            }
    };
    project(core.query, 0, s.head_size);
    project(core.key, s.heads * s.head_size, s.head_size);
    project(core.value, 2 * s.heads * s.head_size, s.value_head_size);
    const std::vector<double> expected = ReferenceCore(core);
    // Entries are below W = Di + 1 in size and off by at most (W + 1) W u; a score, scaled to size
    // W, moves by 2 (W + 1) W u + (H + 2) W u, an output by twice that times its size W.
    const double width = static_cast<double>(s.input_width) + 1.0;
    const double bound = 2.0 * width * width *
                         (2.0 * width + static_cast<double>(s.head_size + s.queries) + 16.0) *
                         0x1p-24;
    int64_t i = 0;
    for (int64_t b = 0; b < s.batch; ++b)
      for (int64_t n = 0; n < s.heads; ++n)
        for (int64_t q = 0; q < s.queries; ++q)
          for (int64_t k = 0; k < s.value_head_size; ++k) {
            const float got = c.output[((b * s.queries + q) * s.heads + n) * s.value_head_size + k];
            ASSERT_LE(std::abs(static_cast<double>(got) - expected[static_cast<size_t>(i++)]),
                      bound);
          }
  }
}

TEST_P(OperatorTest, AbsentBiasIsZeros) {
  AttentionCase c = MakeAttention({.batch = 1,
                                   .queries = 4,
                                   .heads = 2,
                                   .head_size = 3,
                                   .value_head_size = 3,
                                   .input_width = 5},
                                  2);
  c.bias = TestTensor<float>({18});
  ASSERT_TRUE(c.Run(execution()).ok());
  const TestTensor<float> expected = c.output;
  c.bias.reset();
  ASSERT_TRUE(c.Run(execution()).ok());
  EXPECT_TRUE(SameBits(c.output, expected));
}

TEST_P(OperatorTest, PastIsWhatTheWholeSequenceHasBefore) {
  const Sizes sizes{.batch = 2,
                    .queries = 9,
                    .past = 0,
                    .heads = 2,
                    .head_size = 5,
                    .value_head_size = 5,
                    .input_width = 6};
  AttentionCase whole = MakeAttention(sizes, 3);
  whole.attributes.unidirectional = 1;
  ASSERT_TRUE(whole.Run(execution()).ok());

  // The first 6 tokens, then the last 3 with the present of the first as past.
  const auto part = [&](int64_t first, int64_t count) {
    AttentionCase c = whole;
    c.input = TestTensor<float>({2, count, 6});
    for (int64_t b = 0; b < 2; ++b) {
      std::copy_n(&whole.input[(b * 9 + first) * 6], count * 6, &c.input[b * count * 6]);
    }
    c.output = TestTensor<float>({2, count, 10});
    c.present = TestTensor<float>({2, 2, 2, first + count, 5});
    return c;
  };
  AttentionCase head = part(0, 6);
  ASSERT_TRUE(head.Run(execution()).ok());
  AttentionCase tail = part(6, 3);
  tail.past = head.present;
  ASSERT_TRUE(tail.Run(execution()).ok());
  EXPECT_TRUE(SameBits(*tail.present, *whole.present));
  for (int64_t b = 0; b < 2; ++b) {
    EXPECT_EQ(std::memcmp(&head.output[b * 60], &whole.output[b * 90], 240), 0);
    EXPECT_EQ(std::memcmp(&tail.output[b * 30], &whole.output[b * 90 + 60], 120), 0);
  }
}

TEST_P(OperatorTest, PastBytesAreCopiedAsTheyAre) {
  AttentionCase c = MakeAttention({.batch = 1,
                                   .queries = 1,
                                   .past = 3,
                                   .heads = 1,
                                   .head_size = 2,
                                   .value_head_size = 2,
                                   .input_width = 2},
                                  4);
  const uint32_t signalling = 0xFFA00001U;
  std::memcpy(&(*c.past)[1], &signalling, 4);
  (*c.past)[2] = -0.0F;
  (*c.past)[9] = 1e-44F;
  ASSERT_TRUE(c.Run(execution()).ok());
  EXPECT_EQ(std::memcmp(&(*c.present)[0], &(*c.past)[0], 24), 0);
  EXPECT_EQ(std::memcmp(&(*c.present)[8], &(*c.past)[6], 24), 0);
}

TEST_P(OperatorTest, ThreadsAndBatchChangeNoBit) {
  AttentionCase c = MakeAttention({.batch = 3,
                                   .queries = 100,
                                   .heads = 2,
                                   .head_size = 20,
                                   .value_head_size = 11,
                                   .input_width = 33},
                                  5);
  c.mask = TestTensor<int32_t>({3}, {100, 3, 0});
  ASSERT_TRUE(c.Run(execution()).ok());
  const TestTensor<float> expected = c.output;
  const std::unique_ptr<ParallelFor> pool = MakeThreadPool(3);
  ASSERT_TRUE(c.Run({.target = GetParam().id, .parallel = pool.get()}).ok());
  EXPECT_TRUE(SameBits(c.output, expected));

  for (int64_t b = 0; b < 3; ++b) {
    AttentionCase alone = c;
    alone.input = TestTensor<float>({1, 100, 33});
    std::copy_n(&c.input[b * 3300], 3300, alone.input.data.begin());
    alone.mask = TestTensor<int32_t>({1}, {(*c.mask)[b]});
    alone.output = TestTensor<float>({1, 100, 22});
    ASSERT_TRUE(alone.Run(execution()).ok());
    EXPECT_EQ(std::memcmp(&alone.output[0], &expected[b * 2200], 8800), 0);
  }
}

// Batch b of a tensor of batches.
template <typename T>
TestTensor<T> BatchOf(const TestTensor<T>& whole, int64_t batch, std::vector<int64_t> dims) {
  TestTensor<T> part(std::move(dims));
  const auto size = static_cast<int64_t>(part.data.size());
  std::copy_n(&whole[batch * size], size, part.data.begin());
  return part;
}

// Each batch is to come out as it does alone.
void ExpectBatchesAreIndependent(const Sizes& sizes, const Execution& execution) {
  AttentionCase c = MakeAttention(sizes, 9);
  auto q = MakeQAttention<uint8_t, int8_t>(sizes, 10);
  ASSERT_TRUE(c.Run(execution).ok());
  ASSERT_TRUE(q.Run(execution).ok());
  const std::vector<int64_t> input_dims = {1, sizes.queries, sizes.input_width};
  const std::vector<int64_t> output_dims = {1, sizes.queries, sizes.heads * sizes.head_size};
  const std::vector<int64_t> past_dims = {1, sizes.heads, sizes.past, sizes.head_size};
  const std::vector<int64_t> present_dims = {1, sizes.heads, sizes.past + sizes.queries,
                                             sizes.head_size};
  const auto both = [](std::vector<int64_t> dims) {
    dims.insert(dims.begin(), 2);
    return dims;
  };
  for (int64_t b = 0; b < sizes.batch; ++b) {
    AttentionCase alone = c;
    auto q_alone = q;
    alone.input = BatchOf(c.input, b, input_dims);
    q_alone.input = BatchOf(q.input, b, input_dims);
    alone.output = q_alone.output = TestTensor<float>(output_dims);
    alone.past = q_alone.past = TestTensor<float>(both(past_dims));
    alone.present = q_alone.present = TestTensor<float>(both(present_dims));
    const int64_t past_size = sizes.heads * sizes.past * sizes.head_size;
    for (int64_t half = 0; half < 2; ++half) {
      const int64_t from = (half * sizes.batch + b) * past_size;
      std::copy_n(&(*c.past)[from], past_size, &(*alone.past)[half * past_size]);
      std::copy_n(&(*q.past)[from], past_size, &(*q_alone.past)[half * past_size]);
    }
    ASSERT_TRUE(alone.Run(execution).ok());
    ASSERT_TRUE(q_alone.Run(execution).ok());
    EXPECT_TRUE(SameBits(alone.output, BatchOf(c.output, b, output_dims))) << b;
    EXPECT_TRUE(SameBits(q_alone.output, BatchOf(q.output, b, output_dims))) << b;
    for (int64_t half = 0; half < 2; ++half) {
      const int64_t from = half * sizes.batch + b;
      EXPECT_TRUE(SameBits(BatchOf(*alone.present, half, present_dims),
                           BatchOf(*c.present, from, present_dims)))
          << b;
      EXPECT_TRUE(SameBits(BatchOf(*q_alone.present, half, present_dims),
                           BatchOf(*q.present, from, present_dims)))
          << b;
    }
  }
}

// Rows are projected some batches at a time: of these 2, 2 and 1, or 18 and 7.
TEST_P(OperatorTest, BatchesThatAreDoneTogetherChangeNoBit) {
  Sizes sizes{.batch = 5,
              .queries = 60,
              .past = 2,
              .heads = 2,
              .head_size = 3,
              .value_head_size = 3,
              .input_width = 7};
  ExpectBatchesAreIndependent(sizes, execution());
  sizes.batch = 25;
  sizes.queries = 7;
  sizes.input_width = 300;
  ExpectBatchesAreIndependent(sizes, execution());
}

// Two workers pack eight heads at a time: of 18 heads, or of the nine of one batch.
TEST_P(OperatorTest, HeadsThatAreDoneTogetherChangeNoBit) {
  const Sizes sizes{.batch = 2,
                    .queries = 60,
                    .past = 2,
                    .heads = 9,
                    .head_size = 3,
                    .value_head_size = 3,
                    .input_width = 7};
  const std::unique_ptr<ParallelFor> pool = MakeThreadPool(2);
  const Execution two_workers{.target = GetParam().id, .parallel = pool.get()};
  ExpectBatchesAreIndependent(sizes, two_workers);
  AttentionCase c = MakeAttention(sizes, 11);
  ASSERT_TRUE(c.Run(execution()).ok());
  const TestTensor<float> output = c.output;
  const TestTensor<float> present = *c.present;
  ASSERT_TRUE(c.Run(two_workers).ok());
  EXPECT_TRUE(SameBits(c.output, output));
  EXPECT_TRUE(SameBits(*c.present, present));
}

TEST_P(OperatorTest, EmptyTensorsAreValid) {
  for (const Sizes& s : {Sizes{.batch = 0,
                               .queries = 3,
                               .heads = 2,
                               .head_size = 2,
                               .value_head_size = 2,
                               .input_width = 4},
                         Sizes{.batch = 2,
                               .queries = 0,
                               .heads = 2,
                               .head_size = 2,
                               .value_head_size = 2,
                               .input_width = 4},
                         Sizes{.batch = 2,
                               .queries = 0,
                               .past = 3,
                               .heads = 2,
                               .head_size = 2,
                               .value_head_size = 2,
                               .input_width = 4}}) {
    AttentionCase c = MakeAttention(s, 6);
    c.mask = TestTensor<int32_t>({s.batch});
    const Status status = c.Run(execution());
    ASSERT_TRUE(status.ok()) << status.message();
    if (c.present) {
      EXPECT_TRUE(SameBits(*c.present, *c.past));
    }
  }
}

TEST_P(OperatorTest, QAttentionTakesEveryMaskAndPast) {
  const Sizes sizes{.batch = 2,
                    .queries = 4,
                    .past = 3,
                    .heads = 2,
                    .head_size = 3,
                    .value_head_size = 3,
                    .input_width = 5};
  auto c = MakeQAttention<uint8_t, int8_t>(sizes, 7);
  c.mask = TestTensor<int32_t>({4}, {7, 5, 0, 2});
  ASSERT_TRUE(c.Run(execution()).ok());
  const TestTensor<float> expected = c.output;
  TestTensor<int32_t> padding({2, 7}, {1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0});
  c.mask = padding;
  ASSERT_TRUE(c.Run(execution()).ok());
  EXPECT_TRUE(SameBits(c.output, expected));
}

TEST_P(OperatorTest, AnUnknownTargetIsRefused) {
  AttentionCase c = MakeAttention({}, 8);
  EXPECT_EQ(c.Run({.target = int64_t{1} << 40, .parallel = nullptr}).code(),
            StatusCode::kNotSupported);
}

}  // namespace
}  // namespace maskproof::kernels
