// Floats that are called by name.
#ifndef MASKPROOF_PROPERTIES_CASE_FLOATS_H_
#define MASKPROOF_PROPERTIES_CASE_FLOATS_H_

#include <limits>

namespace maskproof {

inline constexpr float kInfinity = std::numeric_limits<float>::infinity();
inline constexpr float kLargest = std::numeric_limits<float>::max();

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_CASE_FLOATS_H_
