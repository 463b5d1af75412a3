// In which order a subject sums, read off its results.
#ifndef MASKPROOF_PROPERTIES_PROFILE_SUMS_H_
#define MASKPROOF_PROPERTIES_PROFILE_SUMS_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "properties/profile/prober.h"

namespace maskproof {

// The longest chain of additions that a term was seen to go through in a sum of `terms`.
struct SumDepth {
  int64_t terms = 0;
  int64_t depth = 0;
};

// The sums over the head, and over the keys. Nothing if the subject fails at a probe or if its
// results are not those of any order of additions.
std::optional<std::vector<SumDepth>> ScoreSums(Prober& prober);
std::optional<std::vector<SumDepth>> ValueSums(Prober& prober);

// The most lanes, a power of two, with which the formula of NumericsProfile::sum_lanes covers all.
int64_t LanesOf(const std::vector<SumDepth>& sums);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_PROFILE_SUMS_H_
