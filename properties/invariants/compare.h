// Comparisons of a subject with itself: the outputs of two cases whose rows a law says are equal.
#ifndef MASKPROOF_PROPERTIES_INVARIANTS_COMPARE_H_
#define MASKPROOF_PROPERTIES_INVARIANTS_COMPARE_H_

#include <cstdint>
#include <functional>
#include <optional>

#include "properties/invariants/trial.h"

namespace maskproof {

// A row of the output (index: the query) or of present (index: the key).
struct Row {
  int64_t batch = 0;
  int64_t head = 0;
  int64_t index = 0;
};

// For a row of the changed case, the row of the original case that it must equal; nothing if the
// law is silent about it.
using RowMap = std::function<std::optional<Row>(const Row&)>;

// The row of the same place.
std::optional<Row> SameRow(const Row& row);

enum class Strictness : uint8_t {
  kPromised,  // bitwise where the subject promises reproducible rows, else within the bounds
  kBitwise,   // bitwise for everybody
  kBounded,   // within the bounds for everybody
};

struct CompareOptions {
  Strictness strictness = Strictness::kPromised;
  double factor = 1.0;  // changed = factor * original; a power of two
  // Asked about a row (of the changed case) whose bits differ: whether the law binds it. Absent:
  // yes.
  std::function<bool(const Row&)> binding;
};

// Two floats of the same bits; any NaN equals any other.
bool SameBits(float a, float b);

// Tolerance where it is not bitwise: B(original) + B(changed) + |difference of the references|.
Verdict CompareRows(const Subject& subject, Trial& original, Trial& changed, const RowMap& map,
                    const char* label, const CompareOptions& options = {});

// The same of present's rows, key and value halves both.
Verdict ComparePresent(const Subject& subject, Trial& original, Trial& changed, const RowMap& map,
                       const char* label, const CompareOptions& options = {});

// The rows of the output and, where the case wants it, those of present, each by its own map. For
// present, bitwise where promised, whatever the options say of the output.
Verdict CompareAll(const Subject& subject, Trial& original, Trial& changed, const RowMap& rows,
                   const RowMap& present_rows, const char* label,
                   const CompareOptions& options = {});

// Two calls of one case, present included where the case wants it: bitwise where the subject
// promises to be deterministic, else within the bounds.
Verdict CompareCalls(const Subject& subject, Trial& original, Trial& again, const char* label,
                     const char* present_label);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_INVARIANTS_COMPARE_H_
