// The exactness certificate: proof from the data alone that a sum of products has no rounding error
// in any order of evaluation (oracle.md (9)).
#ifndef MASKPROOF_PROPERTIES_ORACLE_EXACTNESS_H_
#define MASKPROOF_PROPERTIES_ORACLE_EXACTNESS_H_

#include <cstdint>
#include <span>
#include <vector>

namespace maskproof::oracle {

// Exponents of the lowest set bit of each number; zeros have a huge one, so that they never are the
// smallest.
using BitExponents = std::vector<int32_t>;

int32_t LowestBit(double x);
void LowestBits(std::span<const double> values, BitExponents& bits);

// The smallest exponent among the products x[i] * y[i], and of `addend`.
int32_t LowestProductBit(const int32_t* x, const int32_t* y, int64_t count, int32_t addend);

// Whether every partial sum of numbers that are multiples of 2^bit and whose magnitudes sum to
// `sum` is a float32 that no flush to zero touches.
bool SumIsExact(double sum, int32_t bit, double smallest_kept);

}  // namespace maskproof::oracle

#endif  // MASKPROOF_PROPERTIES_ORACLE_EXACTNESS_H_
