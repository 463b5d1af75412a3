// The checks behind the catalogue's entries, by family; registry.cpp lists them.
#ifndef MASKPROOF_PROPERTIES_INVARIANTS_LAWS_H_
#define MASKPROOF_PROPERTIES_INVARIANTS_LAWS_H_

#include "properties/invariants/invariant.h"

namespace maskproof {

// reference.cpp
Verdict CheckReferenceMatch(Subject& subject, const Case& c);
Verdict CheckFullyMaskedRows(Subject& subject, const Case& c);
// hull.cpp
Verdict CheckConvexHull(Subject& subject, const Case& c);
// masking.cpp
Verdict CheckMaskedInfluence(Subject& subject, const Case& c);
Verdict CheckMaskMagnitude(Subject& subject, const Case& c);
Verdict CheckMaskedWeightZero(Subject& subject, const Case& c);
// encoding.cpp
Verdict CheckMaskForm(Subject& subject, const Case& c);
Verdict CheckMaskComposition(Subject& subject, const Case& c);
Verdict CheckPaddingExtension(Subject& subject, const Case& c);
// sequence.cpp
Verdict CheckCausalPrefix(Subject& subject, const Case& c);
Verdict CheckPastEquivalence(Subject& subject, const Case& c);
// independence.cpp
Verdict CheckBatchIndependence(Subject& subject, const Case& c);
Verdict CheckHeadIndependence(Subject& subject, const Case& c);
Verdict CheckThreadIndependence(Subject& subject, const Case& c);
Verdict CheckDeterminism(Subject& subject, const Case& c);
// concurrency.cpp
Verdict CheckConcurrentCalls(Subject& subject, const Case& c);
// algebra.cpp
Verdict CheckKeyPermutation(Subject& subject, const Case& c);
Verdict CheckScoreShift(Subject& subject, const Case& c);
// scaling.cpp
Verdict CheckPowerOfTwoScaling(Subject& subject, const Case& c);
// containment.cpp
Verdict CheckNanContainment(Subject& subject, const Case& c);
// quantised.cpp
Verdict CheckInt8Exactness(Subject& subject, const Case& c);
Verdict CheckZeroPointShift(Subject& subject, const Case& c);
Verdict CheckSignedness(Subject& subject, const Case& c);
Verdict CheckPerColumn(Subject& subject, const Case& c);
// contract.cpp
Verdict CheckMemory(Subject& subject, const Case& c);
Verdict CheckRefusal(Subject& subject, const Case& c);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_INVARIANTS_LAWS_H_
