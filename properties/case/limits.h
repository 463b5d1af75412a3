// How large an output the suite makes room for.
#ifndef MASKPROOF_PROPERTIES_CASE_LIMITS_H_
#define MASKPROOF_PROPERTIES_CASE_LIMITS_H_

#include <cstdint>

namespace maskproof {

// Elements, 256 MiB. Cases that ask for more are not judged valid but unsupported, and OutputDims
// and PresentDims give one element for them.
inline constexpr int64_t kLargestOutput = int64_t{1} << 26;

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_CASE_LIMITS_H_
