// How often each law was checked on each subject. Printed when the process ends, if
// MASKPROOF_FUZZ_STATS is set, so that a campaign can show that every pair had its turn.
#ifndef MASKPROOF_FUZZ_TALLY_H_
#define MASKPROOF_FUZZ_TALLY_H_

#include <cstddef>
#include <cstdint>

#include "properties/invariants/invariant.h"
#include "properties/subjects/subject.h"

namespace maskproof::fuzz {

void CountVerdict(size_t law, const Subject& subject, VerdictKind kind);

struct Tally {
  uint64_t holds = 0;
  uint64_t undecided = 0;
  uint64_t not_applicable = 0;
};
Tally TallyOf(size_t law, const Subject& subject);
// Over all laws and subjects.
Tally TotalTally();

}  // namespace maskproof::fuzz

#endif  // MASKPROOF_FUZZ_TALLY_H_
