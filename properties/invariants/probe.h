// Reading attention weights off an implementation that does not show them: value rows that are
// one-hot turn output columns into weights.
#ifndef MASKPROOF_PROPERTIES_INVARIANTS_PROBE_H_
#define MASKPROOF_PROPERTIES_INVARIANTS_PROBE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "properties/case/case.h"
#include "properties/subjects/subject.h"

namespace maskproof {

// A case with the same queries, keys and mask as another, in which column j of a row's output is
// `unit` times the weight of key first_key + j, for j < keys; further columns are zero.
struct WeightProbe {
  Case c;
  int64_t first_key = 0;
  int64_t keys = 0;
  double unit = 1.0;  // a small float32, not zero
};

// At most Hv keys from `first_key` on. Nothing if the case cannot carry a probe (a quantised one
// with a scale that is zero, denormal or not finite). `c` must be valid and not empty.
std::optional<WeightProbe> MakeProbe(const Case& c, int64_t first_key);

struct ProbedWeights {
  OutcomeKind kind = OutcomeKind::kUnsupported;
  std::string message;         // of a run that gave no output
  std::vector<float> weights;  // (B,N,S,T), if kind is kOutput
};

// All weights of a case, in as many runs as it takes.
ProbedWeights ProbeWeights(Subject& subject, const Case& c, const RunRequest& request = {});

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_INVARIANTS_PROBE_H_
