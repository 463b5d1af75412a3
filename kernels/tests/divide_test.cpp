// The division of every SIMD target beside the processor's own.
#include <gtest/gtest.h>

#include <bit>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "functions_under_test.h"
#include "helpers.h"

namespace maskproof::kernels {
namespace {

class DivideTest : public TargetTest {
 protected:
  // Every quotient has the bits of x / divisor, but for those of a NaN.
  void ExpectQuotients(const std::vector<float>& x, float divisor) const {
    std::vector<float> y(x.size());
    DivideOf(GetParam().id, x.data(), static_cast<int64_t>(x.size()), divisor, y.data());
    for (size_t i = 0; i < x.size(); ++i) {
      const float quotient = x[i] / divisor;
      if (std::isnan(quotient) && std::isnan(y[i])) continue;
      ASSERT_EQ(std::bit_cast<uint32_t>(y[i]), std::bit_cast<uint32_t>(quotient))
          << x[i] << " / " << divisor;
    }
  }
};
MASKPROOF_INSTANTIATE_TARGETS(DivideTest);

TEST_P(DivideTest, IsRoundedOnce) {
  std::mt19937 random(1);
  std::uniform_int_distribution<uint32_t> bits;
  std::vector<float> x(256);
  for (int i = 0; i < 10'000; ++i) {
    const int scale = static_cast<int>(bits(random) % 120) - 59;
    for (float& value : x) {
      value = std::ldexp(std::bit_cast<float>((bits(random) & 0x807FFFFFU) | 0x3F800000U), scale);
    }
    const auto mantissa = std::bit_cast<float>((bits(random) & 0x7FFFFFU) | 0x3F800000U);
    ExpectQuotients(x, std::ldexp(mantissa, static_cast<int>(bits(random) % 40)));
  }
}

// Quotients as close as can be to the middle between two floats: m / 2^25 with an odd m of 25 bits
// is such a middle, and where m b = c modulo 2^25, (m b - c) / 2^25 is a number of at most 24 bits
// whose quotient by b is only c / b / 2^25 away from it.
TEST_P(DivideTest, IsRoundedOnceNearTheMiddleOfFloats) {
  constexpr uint64_t kModulus = uint64_t{1} << 25;
  std::mt19937 random(2);
  std::uniform_int_distribution<uint32_t> bits;
  std::vector<float> x;
  for (int i = 0; i < 100'000; ++i) {
    const uint64_t b = (bits(random) & 0x7FFFFFU) | 0x800001U;
    uint64_t inverse = b;  // to 3 bits; every step doubles them
    for (int step = 0; step < 4; ++step) inverse *= 2 - b * inverse;
    x.clear();
    for (int64_t c = -7; c <= 7; c += 2) {
      const uint64_t m = (static_cast<uint64_t>(c) * inverse) % kModulus;
      if (m < kModulus / 2) continue;
      x.push_back(static_cast<float>((m * b - static_cast<uint64_t>(c)) / kModulus));
    }
    ExpectQuotients(x, static_cast<float>(b));
  }
}

TEST_P(DivideTest, TakesEveryNumber) {
  // Every 30011th bit pattern: denormal numbers, infinities and NaN among them.
  std::vector<float> x;
  for (uint64_t bits = 0; bits <= UINT32_MAX; bits += 30'011) {
    x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
  }
  // The others each among numbers that are divided fast.
  for (const float special : {0.0F, FLT_TRUE_MIN, FLT_MIN, 0x1p-60F, FLT_MAX, kInfinity, kNaN}) {
    x.resize((x.size() + 15) / 16 * 16, 7.0F);
    x.insert(x.end(), {special, -special});
  }
  for (const float divisor : {1.0F, 0x1.000002p+0F, 0x1.fffffep+0F, 3.0F, 0x1p+39F, kNaN}) {
    ExpectQuotients(x, divisor);
  }
  ExpectQuotients({0.0F, 0.0F, -0.0F}, 0.0F);
}

}  // namespace
}  // namespace maskproof::kernels
