// An invariant: a named law that every correct subject obeys. Written once; serves RapidCheck,
// libFuzzer, the corpus and the command.
#ifndef MASKPROOF_PROPERTIES_INVARIANTS_INVARIANT_H_
#define MASKPROOF_PROPERTIES_INVARIANTS_INVARIANT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "properties/case/case.h"
#include "properties/subjects/subject.h"

namespace maskproof {

enum class VerdictKind : uint8_t {
  kHolds,
  kBroken,
  kUndecided,      // the bound is vacuous or float32 may overflow everywhere: nothing was checked
  kNotApplicable,  // the law says nothing about this case, or the subject cannot express it
};
const char* VerdictKindName(VerdictKind kind);

// The first (worst) element that breaks the law.
struct Evidence {
  std::string summary;  // one line, for people
  // Position, -1 where it does not apply.
  int64_t batch = -1, head = -1, query = -1, column = -1;
  double expected = 0.0, got = 0.0, bound = 0.0;
  bool numeric = false;  // expected, got and bound are meaningful
};

struct Verdict {
  VerdictKind kind = VerdictKind::kNotApplicable;
  Evidence evidence;         // meaningful if broken
  double worst_ratio = 0.0;  // largest |got - expected| / bound seen, for invariants that have one
  int64_t elements_checked = 0;
  int64_t elements_undecided = 0;
};

// Which cases an invariant wants to be given.
enum class Domain : uint8_t { kValid, kAny };

struct Invariant {
  const char* id;           // "fully-masked-rows"
  const char* law;          // one sentence
  const char* reason;       // why it must hold
  const char* tolerance;    // "bitwise", or where the tolerance comes from
  const char* modelled_on;  // the real bug
  Domain domain = Domain::kValid;
  int share = 1;  // of a campaign's time, beside the other laws: more for what they cannot see
  bool (*applies_to)(Op op);
  // Deterministic in the case (its salt included) and the subject.
  Verdict (*check)(Subject& subject, const Case& c);
};

// The catalogue, in the order in which it is to be shown.
const std::vector<Invariant>& Invariants();
const Invariant* FindInvariant(std::string_view id);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_INVARIANTS_INVARIANT_H_
