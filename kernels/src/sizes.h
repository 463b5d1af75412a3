// Arithmetic on sizes that cannot wrap around silently.
#ifndef MASKPROOF_KERNELS_SRC_SIZES_H_
#define MASKPROOF_KERNELS_SRC_SIZES_H_

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>

namespace maskproof::kernels {

// Product of dims; -1 if a dimension is negative or the product exceeds int64. A scalar has 1.
inline int64_t ElementCount(std::span<const int64_t> dims) {
  bool has_zero = false;
  for (const int64_t dim : dims) {
    if (dim < 0) return -1;
    has_zero = has_zero || dim == 0;
  }
  if (has_zero) return 0;
  int64_t count = 1;
  for (const int64_t dim : dims) {
    if (__builtin_mul_overflow(count, dim, &count)) return -1;
  }
  return count;
}

constexpr int64_t DivideRoundingUp(int64_t value, int64_t divisor) {
  return value / divisor + (value % divisor != 0 ? 1 : 0);
}

// Size of the parts if `value` is divided into as few as possible of at most `most`, all alike.
constexpr int64_t EvenParts(int64_t value, int64_t most) {
  return DivideRoundingUp(value, DivideRoundingUp(value, most));
}

// First of the items of part `part` when `count` items are split as evenly as can be.
constexpr int64_t PartBegin(int64_t count, int64_t parts, int64_t part) {
  return count / parts * part + std::min(part, count % parts);
}

// Smallest multiple of `multiple` that is >= value; the largest int64 if there is none, which no
// allocation can satisfy.
constexpr int64_t RoundUp(int64_t value, int64_t multiple) {
  const int64_t rest = value % multiple;
  if (rest == 0) return value;
  const int64_t more = multiple - rest;
  const int64_t most = std::numeric_limits<int64_t>::max();
  return value > most - more ? most : value + more;
}

constexpr int64_t RoundDown(int64_t value, int64_t multiple) { return value - value % multiple; }

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_SIZES_H_
