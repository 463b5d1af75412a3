// What the harness-sanity defects do with a finished, correct result.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_HARNESS_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_HARNESS_H_

#include <atomic>
#include <cstdint>
#include <vector>

#include "properties/oracle/oracle.h"
#include "properties/subjects/planted_defect.h"
#include "properties/subjects/subject.h"

namespace maskproof::planted {

// What a subject carries from call to call.
struct CallMemory {
  std::atomic<uint64_t> calls = 0;
  std::vector<float> previous;
};

// Whether a defect lies in what is carried from call to call.
bool NeedsMemory(Defect defect);

void SpoilResult(Defect defect, const BoundCase& bound, const NumericsProfile& profile,
                 CallMemory& memory);

}  // namespace maskproof::planted

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_HARNESS_H_
