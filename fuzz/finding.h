// The end of a run that broke a law: what broke, for people and for machines that sort crashes.
#ifndef MASKPROOF_FUZZ_FINDING_H_
#define MASKPROOF_FUZZ_FINDING_H_

#include <string_view>

#include "fuzz/target.h"
#include "properties/invariants/invariant.h"
#include "properties/recipe/recipe.h"
#include "properties/subjects/subject.h"

namespace maskproof::fuzz {

// Prints the recipe, the evidence and how to replay it; writes the recipe into the folder that
// MASKPROOF_FUZZ_FINDINGS names, if it names one; aborts from a function of the invariant's own, so
// that the stacks of two invariants differ.
[[noreturn]] void ReportBroken(const Target& target, const Recipe& recipe,
                               const Invariant& invariant, const Subject& subject,
                               const Verdict& verdict);

// Laws of the recipe itself, of which the subjects know nothing.
enum class RecipeLaw : uint8_t {
  kValidWithoutFaults,  // a recipe without faults expands to a valid case
  kErrorOrRecipe,       // ParseText gives a recipe or says why not, never both or neither
  kTextRoundTrip,       // ParseText(ToText(r)) == r, and its text is the same
  kBytesRoundTrip,      // DecodeBytes(EncodeBytes(r)) == r
  kNormalized,          // every recipe that comes out of the library obeys Normalize
  kExpansion,           // tensors hold what their dims say, within the limits, twice the same
  kShrink,              // shrink candidates differ from their recipe
};
inline constexpr int kRecipeLawCount = 7;

[[noreturn]] void ReportBrokenRecipe(const Target& target, const Recipe* recipe, RecipeLaw law,
                                     std::string_view detail);

// Whether the invariant has an abort function of its own.
bool HasOwnFrame(std::string_view invariant_id);

}  // namespace maskproof::fuzz

#endif  // MASKPROOF_FUZZ_FINDING_H_
