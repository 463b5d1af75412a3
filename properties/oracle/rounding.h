// The arithmetic that a float32 implementation is allowed: docs/oracle.md, sections 1 and 2.
#ifndef MASKPROOF_PROPERTIES_ORACLE_ROUNDING_H_
#define MASKPROOF_PROPERTIES_ORACLE_ROUNDING_H_

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>

#include "properties/oracle/oracle.h"

namespace maskproof::oracle {

// Unit roundoff of float32, round to nearest.
inline constexpr double kUnit = 0x1p-24;
inline constexpr double kSmallestNormal = 0x1p-126;
// A partial result beyond this may overflow in some order of evaluation (oracle.md (26)).
inline constexpr double kOverflowLimit = static_cast<double>(std::numeric_limits<float>::max()) / 4;
// What an exp may lose by flushing small results, a little early or with a floor (oracle.md (14)).
inline constexpr double kExpFlush = 0x1p-125;

// Of the magnitude.
inline bool IsPowerOfTwo(double x) {
  int exponent = 0;
  return std::frexp(std::abs(x), &exponent) == 0.5;
}

class Rounding {
 public:
  explicit Rounding(const NumericsProfile& profile = {}) : profile_(profile) {}

  const NumericsProfile& profile() const { return profile_; }

  // Largest relative error of one operation (oracle.md (1)).
  double Unit() const { return profile_.any_rounding ? 2.0 * kUnit : kUnit; }

  // Relative error of a chain of k roundings (oracle.md (2)).
  double Gamma(double k) const {
    const double ku = k * Unit();
    return ku < 0.5 ? ku / (1.0 - ku) : std::numeric_limits<double>::infinity();
  }

  // Roundings that a term can meet in a sum of `terms` products that lie scattered over `extent`
  // positions; the others are exact zeros (oracle.md (3)).
  double Depth(int64_t terms, int64_t extent) const {
    const int64_t lanes = std::max<int64_t>(profile_.sum_lanes, 1);
    const auto tree = static_cast<int64_t>(std::bit_width(static_cast<uint64_t>(lanes) - 1));
    const int64_t chain = extent / lanes + (extent % lanes != 0 ? 1 : 0);
    return static_cast<double>(std::min(terms, chain + tree));
  }

  // What a product put together from parts is off besides, in roundings, and how many of its parts'
  // products may underflow (oracle.md (28)).
  double RoundingsOfSplitProduct() const { return profile_.split_products ? 2.0 : 0.0; }
  // Times by which sums of magnitudes have to be below a limit: the first part of a number may be
  // larger than the number.
  double RoomOfSplitProduct() const { return profile_.split_products ? 2.0 : 1.0; }
  // Of a sum of whole projected terms with a bias or without: Depth(), or what (28) says of parts.
  double ProjectionDepth(int64_t terms, int64_t extent, bool has_bias) const {
    const double whole = Depth(terms, extent) + (has_bias ? 1.0 : 0.0);
    if (!profile_.split_products || terms == 0) return whole;
    constexpr int64_t kStep = 32;
    const int64_t steps = std::min(terms, extent / kStep + (extent % kStep != 0 ? 1 : 0));
    const int64_t additions = 6 * (has_bias ? steps : steps - 1) + std::min<int64_t>(terms, 17);
    return std::max(whole, static_cast<double>(additions)) + RoundingsOfSplitProduct();
  }
  double ProductsOfProduct() const { return profile_.split_products ? 6.0 : 1.0; }

  // Absolute error of one operation that underflows (oracle.md (4)).
  double Underflow() const { return profile_.flush_to_zero ? kSmallestNormal : 0x1p-149; }

  // Smallest magnitude that is kept and worked with exactly.
  double SmallestKept() const { return profile_.flush_to_zero ? kSmallestNormal : 0x1p-149; }

  // What is lost if a given number is read as zero for being denormal (oracle.md (5)).
  double FlushedOperand(double x) const {
    const double magnitude = x < 0.0 ? -x : x;
    return profile_.flush_to_zero && magnitude < kSmallestNormal ? magnitude : 0.0;
  }

 private:
  NumericsProfile profile_;
};

}  // namespace maskproof::oracle

#endif  // MASKPROOF_PROPERTIES_ORACLE_ROUNDING_H_
