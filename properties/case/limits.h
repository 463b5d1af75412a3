// How large the cases are that the suite asks subjects to compute.
#ifndef MASKPROOF_PROPERTIES_CASE_LIMITS_H_
#define MASKPROOF_PROPERTIES_CASE_LIMITS_H_

#include <cstdint>

namespace maskproof {

// Elements, 256 MiB. Cases that ask for more are not judged valid but unsupported, and OutputDims
// and PresentDims give one element for them.
inline constexpr int64_t kLargestOutput = int64_t{1} << 26;
// Scores (B,N,S,T) of a case that is judged valid: 16 heads of 8192 tokens, minutes for the oracle.
inline constexpr int64_t kMostScores = int64_t{1} << 30;

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_CASE_LIMITS_H_
