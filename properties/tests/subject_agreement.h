// Whether a subject's output is what the oracle allows, for tests of subjects.
#ifndef MASKPROOF_PROPERTIES_TESTS_SUBJECT_AGREEMENT_H_
#define MASKPROOF_PROPERTIES_TESTS_SUBJECT_AGREEMENT_H_

#include <gtest/gtest.h>

#include <cctype>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>

#include "properties/base/rng.h"
#include "properties/oracle/oracle.h"
#include "properties/recipe/recipe.h"
#include "properties/subjects/subject.h"

namespace maskproof {

// A name that GoogleTest accepts.
inline std::string PrintableName(std::string text) {
  for (char& c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return text;
}

// The first element outside of its bound, or nothing.
inline std::optional<std::string> Disagreement(Op op, const Output& got,
                                               const Reference& expected) {
  const Geometry& g = expected.geometry;
  const auto output = got.output.as<float>();
  for (int64_t row = 0; row < g.batch * g.heads * g.sequence; ++row) {
    const int64_t b = row / (g.heads * g.sequence);
    const int64_t n = row / g.sequence % g.heads;
    const int64_t s = row % g.sequence;
    const RowState state = expected.row(b, n, s);
    if (state != RowState::kBounded && state != RowState::kFullyMasked) continue;
    for (int64_t i = 0; i < g.value_head_size; ++i) {
      const auto at = static_cast<size_t>(OutputIndex(op, g, b, n, s, i));
      // A dialect may ask for NaN.
      if (std::isnan(expected.output[at]) && std::isnan(output[at])) continue;
      if (Within(output[at], expected.output[at], expected.bound[at])) continue;
      return "output[" + std::to_string(at) + "] is " + std::to_string(output[at]) + ", not " +
             std::to_string(expected.output[at]);
    }
  }
  if (!got.present) return std::nullopt;
  const auto present = got.present->as<float>();
  for (size_t i = 0; i < expected.present.size(); ++i) {
    const double want = expected.present[i];
    // A NaN is not judged; an infinity from the past has no distance from itself.
    if (want != want || present[i] == want) continue;
    if (Within(present[i], want, expected.present_bound[i])) continue;
    return "present[" + std::to_string(i) + "] is " + std::to_string(present[i]) + ", not " +
           std::to_string(want);
  }
  return std::nullopt;
}

// Runs `count` generated valid cases in all placements, audited.
inline void ExpectAgreement(Subject& subject, uint64_t seed, int count) {
  constexpr MemoryPlacement kPlacements[] = {MemoryPlacement::kPlain, MemoryPlacement::kGuardAfter,
                                             MemoryPlacement::kGuardBefore,
                                             MemoryPlacement::kUnaligned};
  OracleOptions options;
  options.fully_masked = subject.promises().fully_masked;
  options.profile = subject.promises().profile;
  Rng rng(seed);
  int64_t decided_rows = 0;
  for (int i = 0; i < count; ++i) {
    const Recipe recipe = Generate(rng, {});
    const Case c = Expand(recipe);
    RunRequest request;
    request.placement = kPlacements[i % 3];
    request.audit = true;
    const Outcome outcome = subject.Run(c, request);
    ASSERT_EQ(outcome.kind, OutcomeKind::kOutput) << outcome.message << '\n' << ToText(recipe);
    ASSERT_TRUE(outcome.memory.clean()) << outcome.memory.detail << '\n' << ToText(recipe);
    const Reference reference = ComputeReference(c, options);
    const auto wrong = Disagreement(c.op, outcome.output, reference);
    ASSERT_FALSE(wrong) << *wrong << '\n' << ToText(recipe);
    for (const RowState state : reference.rows) {
      decided_rows += state == RowState::kBounded || state == RowState::kFullyMasked ? 1 : 0;
    }
  }
  EXPECT_GT(decided_rows, count) << "too few rows were judged at all";
}

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_TESTS_SUBJECT_AGREEMENT_H_
