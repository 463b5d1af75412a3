// The parts of nan-containment that are about one number among the values, or their weights.
#ifndef MASKPROOF_PROPERTIES_INVARIANTS_CONTAINMENT_H_
#define MASKPROOF_PROPERTIES_INVARIANTS_CONTAINMENT_H_

#include <cstddef>

#include "properties/base/rng.h"
#include "properties/case/case.h"
#include "properties/invariants/invariant.h"
#include "properties/invariants/trial.h"
#include "properties/subjects/subject.h"

namespace maskproof {

// An element whose data are what they were, `before` and `now`: bitwise where promised, else within
// 2 B, with one reference (docs/invariants.md (1)).
void JudgeUntouched(const Subject& subject, Trial& before, const Position& position, size_t i,
                    float now, Tally& tally);

// One number of one value row becomes a NaN or an infinity: nothing changes but the column of the
// rows that see the key, which becomes that. `base` has values that are given as they are: the
// core's, or a past.
Verdict CheckValueLane(Subject& subject, Case base, Rng& rng);

// One weight of a column of the values becomes a NaN: so does that column of the rows that see new
// tokens alone, though the feature be 0, and nothing else changes. `base` is a case of Attention
// with an element in its input.
Verdict CheckWeightColumn(Subject& subject, Case base, Rng& rng);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_INVARIANTS_CONTAINMENT_H_
