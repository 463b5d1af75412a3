// One run of a subject, kept with its case; and the tally that turns judged elements into a
// verdict.
#ifndef MASKPROOF_PROPERTIES_INVARIANTS_TRIAL_H_
#define MASKPROOF_PROPERTIES_INVARIANTS_TRIAL_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "properties/case/case.h"
#include "properties/invariants/invariant.h"
#include "properties/oracle/oracle.h"
#include "properties/subjects/subject.h"

namespace maskproof {

// The oracle's options for what a subject declares.
OracleOptions OracleOptionsOf(const Subject& subject);

struct Trial {
  Case c;
  Output out;
  std::optional<Reference> reference;

  std::span<const float> output() const { return out.output.as<float>(); }
  // Empty if the case does not want it.
  std::span<const float> present() const {
    return out.present ? out.present->as<float>() : std::span<const float>();
  }

  // The oracle's answer, computed when first asked for.
  const Reference& Judge(const Subject& subject);
};

// Runs a valid case. Nothing on any outcome but an output of the right shape; `verdict` then says
// what that means: a crash breaks whatever law was being tried, a refusal is the business of
// `refusal` alone.
std::optional<Trial> Try(Subject& subject, Case c, Verdict& verdict,
                         const RunRequest& request = {});

// Where an element stands. -1: does not apply.
struct Position {
  int64_t batch = -1;
  int64_t head = -1;
  int64_t query = -1;
  int64_t column = -1;
};

// Collects judgements; the verdict carries the worst element.
class Tally {
 public:
  // `label` begins the summary of a finding: which of the law's variants was being tried.
  explicit Tally(std::string label) : label_(std::move(label)) {}

  // A comparison without tolerance came out well, `count` times.
  void Agree(int64_t count = 1) { checked_ += count; }
  void Undecided(int64_t count = 1) { undecided_ += count; }
  // Judges `got` against `expected` with tolerance `bound`; an infinite bound decides nothing.
  void Judge(const Position& position, double expected, double got, double bound);
  // As Judge, for a mixture of values of magnitude at most `largest`: a bound that is vacuous for
  // it still catches what is outside of it, and proves nothing else.
  void JudgeMixture(const Position& position, double expected, double got, double bound,
                    double largest);
  // An element that breaks the law whatever the tolerance.
  void Fail(const Position& position, double expected, double got);
  // A breach that is not about a number.
  void Fail(const std::string& what);

  // Broken, holds, undecided if nothing could be judged, not applicable if there was nothing.
  Verdict Finish() const;

 private:
  void Keep(const Position& position, double expected, double got, double bound);

  std::string label_;
  bool broken_ = false;
  double worst_excess_ = -1.0;
  double worst_ratio_ = 0.0;
  int64_t checked_ = 0;
  int64_t undecided_ = 0;
  Evidence evidence_;
};

Verdict NotApplicable();
// Of two verdicts on variants of the same law: broken first, then holds.
Verdict Combine(const Verdict& a, const Verdict& b);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_INVARIANTS_TRIAL_H_
