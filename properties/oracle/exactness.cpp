#include "properties/oracle/exactness.h"

#include <algorithm>
#include <bit>
#include <cstddef>

namespace maskproof::oracle {
namespace {

constexpr int32_t kZeroBit = 1 << 20;
constexpr int32_t kFloatDigits = 24;

// 2^exponent. Products of two float32 numbers keep it far from the ends of float64's range.
double PowerOfTwo(int32_t exponent) {
  return std::bit_cast<double>(static_cast<uint64_t>(exponent + 1023) << 52);
}

}  // namespace

int32_t LowestBit(double x) {
  const auto bits = std::bit_cast<uint64_t>(x);
  const auto exponent = static_cast<int32_t>((bits >> 52) & 0x7FF);
  const uint64_t fraction = bits & ((uint64_t{1} << 52) - 1);
  // No number here is a denormal double: they come from float32 and products of two of them.
  if (exponent == 0) return kZeroBit;
  return fraction == 0 ? exponent - 1023 : exponent - 1075 + std::countr_zero(fraction);
}

void LowestBits(std::span<const double> values, BitExponents& bits) {
  bits.resize(values.size());
  std::ranges::transform(values, bits.begin(), LowestBit);
}

int32_t LowestProductBit(const int32_t* x, const int32_t* y, int64_t count, int32_t addend) {
  int32_t lowest = addend;
  for (int64_t i = 0; i < count; ++i) lowest = std::min(lowest, x[i] + y[i]);
  return lowest;
}

bool SumIsExact(double sum, int32_t bit, double smallest_kept) {
  if (sum == 0.0) return true;
  if (bit >= kZeroBit / 2) return false;
  return sum <= PowerOfTwo(kFloatDigits + bit) && PowerOfTwo(bit) >= smallest_kept;
}

}  // namespace maskproof::oracle
