// Inputs, and a reference that is too simple to be wrong, for the kernel tests.
#ifndef MASKPROOF_KERNELS_TESTS_HELPERS_H_
#define MASKPROOF_KERNELS_TESTS_HELPERS_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "maskproof/kernels/attention.h"

namespace maskproof::kernels {

using Dims = std::vector<int64_t>;

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

inline bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

template <typename T>
struct TestTensor {
  Dims dims;
  std::vector<T> data;

  TestTensor() = default;
  explicit TestTensor(Dims d) : dims(std::move(d)) {
    int64_t count = 1;
    for (const int64_t dim : dims) count *= dim;
    data.resize(static_cast<size_t>(count));
  }
  TestTensor(Dims d, std::vector<T> values) : dims(std::move(d)), data(std::move(values)) {}

  TensorView<const T> view() const { return {.data = data.data(), .dims = dims}; }
  TensorView<T> mutable_view() { return {.data = data.data(), .dims = dims}; }
  QuantizedView quantized() const {
    return {.data = data.data(), .dims = dims, .is_signed = std::is_signed_v<T>};
  }
  T& operator[](int64_t i) { return data[static_cast<size_t>(i)]; }
  const T& operator[](int64_t i) const { return data[static_cast<size_t>(i)]; }
};

inline bool SameBits(const TestTensor<float>& a, const TestTensor<float>& b) {
  return SameBits(a.data, b.data);
}

// xorshift: the same numbers everywhere.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15U + 1) {}

  uint64_t Next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_;
  }
  int64_t Below(int64_t n) {
    return static_cast<int64_t>((Next() >> 16) % static_cast<uint64_t>(n));
  }
  // In [-1, 1).
  float Float() { return static_cast<float>(Next() >> 40) * 0x1p-23F - 1.0F; }

  TestTensor<float> Tensor(Dims dims) {
    TestTensor<float> tensor(std::move(dims));
    for (float& value : tensor.data) value = Float();
    return tensor;
  }
  template <typename Byte>
  TestTensor<Byte> Bytes(Dims dims) {
    TestTensor<Byte> tensor(std::move(dims));
    for (Byte& value : tensor.data) value = static_cast<Byte>(Next() >> 24);
    return tensor;
  }

 private:
  uint64_t state_;
};

// A core call with dense (B,N,rows,columns) tensors.
struct CoreCase {
  CoreShape shape;
  TestTensor<float> query;
  TestTensor<float> key;
  TestTensor<float> value;
  std::optional<TestTensor<int32_t>> mask;
  std::optional<TestTensor<float>> bias;
  bool causal = false;
  float scale = 0.0F;
  FullyMaskedPolicy fully_masked = FullyMaskedPolicy::kUniform;
};

inline CoreCase MakeCore(const CoreShape& shape, uint64_t seed) {
  Random random(seed);
  CoreCase c;
  c.shape = shape;
  c.query = random.Tensor({shape.batch, shape.heads, shape.query_length, shape.head_size});
  c.key = random.Tensor({shape.batch, shape.heads, shape.total_length, shape.head_size});
  c.value = random.Tensor({shape.batch, shape.heads, shape.total_length, shape.value_head_size});
  return c;
}

template <typename T>
StridedTensor<T> Dense(T* data, int64_t heads, int64_t rows, int64_t columns) {
  return {.data = data,
          .batch_stride = heads * rows * columns,
          .head_stride = rows * columns,
          .row_stride = columns};
}

inline Status RunCore(const CoreCase& c, std::vector<float>& output,
                      const Execution& execution = {}) {
  const CoreShape& s = c.shape;
  output.assign(static_cast<size_t>(s.batch * s.heads * s.query_length * s.value_head_size),
                -77.0F);
  CoreArguments arguments;
  arguments.shape = s;
  arguments.query = Dense(c.query.data.data(), s.heads, s.query_length, s.head_size);
  arguments.key = Dense(c.key.data.data(), s.heads, s.total_length, s.head_size);
  arguments.value = Dense(c.value.data.data(), s.heads, s.total_length, s.value_head_size);
  if (c.mask) arguments.mask_index = c.mask->view();
  if (c.bias) arguments.attention_bias = c.bias->view();
  arguments.causal = c.causal;
  arguments.scale = c.scale;
  arguments.fully_masked = c.fully_masked;
  arguments.output = Dense(output.data(), s.heads, s.query_length, s.value_head_size);
  return ScaledDotProductAttention(arguments, execution);
}

// Does query s of batch b see key t, by mask and causality? Written per form, from the
// specification. Covers (B), (2B), (B,T) and (B,S,T).
inline bool Sees(const CoreCase& c, int64_t b, int64_t s, int64_t t) {
  const CoreShape& shape = c.shape;
  if (c.causal && t > shape.total_length - shape.query_length + s) return false;
  if (!c.mask) return true;
  const TestTensor<int32_t>& mask = *c.mask;
  if (mask.dims.size() == 1) {
    if (t >= mask[b]) return false;
    return mask.dims[0] == shape.batch || t >= mask[shape.batch + b];
  }
  const int64_t row = mask.dims.size() == 2 ? b : b * shape.query_length + s;
  return mask[row * shape.total_length + t] > 0;
}

// Expected output in double.
inline std::vector<double> ReferenceCore(const CoreCase& c) {
  const CoreShape& g = c.shape;
  const double scale = c.scale != 0.0F ? static_cast<double>(c.scale)
                                       : 1.0 / std::sqrt(static_cast<double>(g.head_size));
  std::vector<double> output;
  for (int64_t b = 0; b < g.batch; ++b)
    for (int64_t n = 0; n < g.heads; ++n)
      for (int64_t s = 0; s < g.query_length; ++s) {
        std::vector<double> weights(static_cast<size_t>(g.total_length), 0.0);
        double maximum = -std::numeric_limits<double>::infinity();
        std::vector<double> scores(weights.size(), maximum);
        for (int64_t t = 0; t < g.total_length; ++t) {
          double score = 0.0;
          for (int64_t k = 0; k < g.head_size; ++k) {
            score += static_cast<double>(
                         c.query[((b * g.heads + n) * g.query_length + s) * g.head_size + k]) *
                     static_cast<double>(
                         c.key[((b * g.heads + n) * g.total_length + t) * g.head_size + k]);
          }
          score *= scale;
          if (c.bias) {
            const int64_t bias_b = c.bias->dims[0] == 1 ? 0 : b;
            const int64_t bias_n = c.bias->dims[1] == 1 ? 0 : n;
            score += static_cast<double>(
                (*c.bias)[((bias_b * c.bias->dims[1] + bias_n) * g.query_length + s) *
                              g.total_length +
                          t]);
          }
          if (Sees(c, b, s, t)) scores[static_cast<size_t>(t)] = score;
          maximum = std::max(maximum, scores[static_cast<size_t>(t)]);
        }
        double sum = 0.0;
        for (size_t t = 0; t < weights.size(); ++t) {
          if (std::isinf(maximum)) {
            weights[t] = c.fully_masked == FullyMaskedPolicy::kUniform ? 1.0 : 0.0;
          } else {
            weights[t] = std::exp(scores[t] - maximum);
          }
          sum += weights[t];
        }
        for (int64_t column = 0; column < g.value_head_size; ++column) {
          double total = 0.0;
          for (int64_t t = 0; t < g.total_length; ++t) {
            const double weight = weights[static_cast<size_t>(t)];
            if (weight == 0.0) continue;
            total +=
                weight / sum *
                static_cast<double>(
                    c.value[((b * g.heads + n) * g.total_length + t) * g.value_head_size + column]);
          }
          output.push_back(total);
        }
      }
  return output;
}

inline void PrintTo(const Target& target, std::ostream* os) { *os << target.name; }

// Tests that run once per SIMD target of the machine.
class TargetTest : public testing::TestWithParam<Target> {
 protected:
  Execution execution() const { return {.target = GetParam().id, .parallel = nullptr}; }
};

// Of the attention core.
class CoreTargetTest : public TargetTest {
 protected:
  std::vector<float> Run(const CoreCase& c, ParallelFor* parallel = nullptr) const {
    std::vector<float> output;
    const Status status = RunCore(c, output, {.target = GetParam().id, .parallel = parallel});
    EXPECT_TRUE(status.ok()) << status.message();
    return output;
  }

  // Inputs are in [-1, 1): scores are below sqrt(H), and with u = 2^-24 each of at most 2 H + T +
  // 12 roundings, and of `more`, moves a weight by no more than u sqrt(H) relatively, an output by
  // twice that.
  static double Bound(const CoreShape& shape, double more) {
    const double roundings = 2.0 * static_cast<double>(shape.head_size) +
                             static_cast<double>(shape.total_length) + 12.0 + more;
    return 2.0 * roundings * std::sqrt(static_cast<double>(shape.head_size)) * 0x1p-24;
  }

  // Each output times `factor`.
  static void ExpectWithin(double bound, const std::vector<float>& output,
                           const std::vector<double>& expected, double factor = 1.0) {
    ASSERT_EQ(output.size(), expected.size());
    for (size_t i = 0; i < expected.size(); ++i) {
      ASSERT_LE(std::abs(static_cast<double>(output[i]) * factor - expected[i]), bound)
          << "element " << i;
    }
  }
};

inline std::string TargetTestName(const testing::TestParamInfo<Target>& info) {
  return std::string(info.param.name);
}

}  // namespace maskproof::kernels

#define MASKPROOF_INSTANTIATE_TARGETS(Fixture)                                          \
  INSTANTIATE_TEST_SUITE_P(Targets, Fixture,                                            \
                           testing::ValuesIn(::maskproof::kernels::SupportedTargets()), \
                           ::maskproof::kernels::TargetTestName)

#endif  // MASKPROOF_KERNELS_TESTS_HELPERS_H_
