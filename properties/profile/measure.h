// Finds out a subject's numerics profile by experiment. docs/oracle.md, "A measured profile".
#ifndef MASKPROOF_PROPERTIES_PROFILE_MEASURE_H_
#define MASKPROOF_PROPERTIES_PROFILE_MEASURE_H_

#include <optional>
#include <string>
#include <vector>

#include "properties/oracle/oracle.h"
#include "properties/subjects/subject.h"

namespace maskproof {

// One field of the profile: its value in words, and what was seen.
struct ProfileEvidence {
  std::string field;
  std::string value;
  std::string seen;
};

struct MeasuredProfile {
  NumericsProfile profile;
  std::vector<ProfileEvidence> evidence;  // as DescribeProfile orders it
};

// Needs Core, or Attention with past and scale. Nothing, and a reason, for a subject that has
// neither or fails at the probes.
std::optional<MeasuredProfile> MeasureProfile(Subject& subject, std::string& failure);

// The words for a profile, field by field, without evidence.
std::vector<ProfileEvidence> DescribeProfile(const NumericsProfile& profile);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_PROFILE_MEASURE_H_
