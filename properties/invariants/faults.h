// One thing wrong, or unusual, in an otherwise valid case.
#ifndef MASKPROOF_PROPERTIES_INVARIANTS_FAULTS_H_
#define MASKPROOF_PROPERTIES_INVARIANTS_FAULTS_H_

#include "properties/base/rng.h"
#include "properties/case/case.h"

namespace maskproof {

// Makes one random fault. Returns the name of the tensor or attribute that alone is to blame, or
// null if a message may rightly blame either of two. Now and then the case stays valid: it is for
// JudgeValidity to say.
const char* InjectFault(Case& c, Rng& rng);

// Makes one thing unusual that is still valid, or should be: a start after its end or before the
// first key, a length beyond the last, a past of no tokens, an input of no features, an attribute
// at its edge.
void MakeOdd(Case& c, Rng& rng);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_INVARIANTS_FAULTS_H_
