// Bug-finding power: what a way to test finds out about a subject, and what it costs. Three ways:
// the suite, other people's vectors, and plain random inputs with a tolerance.
#ifndef MASKPROOF_CLI_POWER_H_
#define MASKPROOF_CLI_POWER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "properties/recipe/recipe.h"
#include "properties/subjects/subject.h"
#include "properties/vectors/vector_case.h"

namespace maskproof::cli {

struct HuntOptions {
  double seconds = 60.0;  // of processor time, for one subject
  uint64_t seed = 1;
  bool shrink = true;  // what the suite finds
};

// The outcome of a hunt, which ends with the first case that shows a fault.
struct Hunt {
  bool caught = false;
  std::string by;         // the invariant and operator, or the vector; "" if not caught
  std::string evidence;   // one line
  int64_t cases = 0;      // that were tried, the one that showed it included
  double seconds = 0.0;   // of processor time, this process's and the subject's own
  bool complete = false;  // nothing is left to try: more time would not have helped
};

// A finding of the suite after shrinking.
struct ShrunkCase {
  Recipe recipe;
  std::string invariant;
  std::string evidence;
  int64_t tries = 0;        // simpler recipes that were tried
  double seconds = 0.0;     // of processor time
  bool reproduced = false;  // the shrunk recipe broke the law once more at the end
};

struct SuiteHunt : Hunt {
  std::optional<ShrunkCase> shrunk;  // if caught
};

// Draws one case after the other for each pair of an operator and an invariant in turn: case i of a
// pair is the same as in a campaign, and which case shows the fault does not depend on the machine.
SuiteHunt HuntWithSuite(Subject& subject, const HuntOptions& options);

// In the order of `vectors`, each once.
Hunt HuntWithVectors(Subject& subject, const std::vector<Vector>& vectors,
                     const HuntOptions& options);

// TypicalRecipe after TypicalRecipe; every output element must be within 1e-3 absolute plus 1e-3
// relative of the float64 reference.
Hunt HuntWithRandomInputs(Subject& subject, const HuntOptions& options);

// A case as people draw it: normally distributed inputs, sizes that models have, a mask as often as
// not, nothing that is meant to be difficult.
Recipe TypicalRecipe(Op op, Rng& rng);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_POWER_H_
