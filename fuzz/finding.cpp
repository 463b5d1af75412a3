#include "fuzz/finding.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace maskproof::fuzz {
namespace {

using AbortFunction = void (*)();

// Plain functions with external-looking names rather than one template: crash sorters drop template
// arguments. The message differs so that no compiler folds two of them together.
#define MASKPROOF_ABORT_FUNCTION(Function, id)             \
  [[noreturn, gnu::noinline]] void Function() {            \
    std::fputs("maskproof: broken law: " id "\n", stderr); \
    std::abort();                                          \
  }

MASKPROOF_ABORT_FUNCTION(BrokenReferenceMatch, "reference-match")
MASKPROOF_ABORT_FUNCTION(BrokenMaskedInfluence, "masked-influence")
MASKPROOF_ABORT_FUNCTION(BrokenMaskedWeightZero, "masked-weight-zero")
MASKPROOF_ABORT_FUNCTION(BrokenFullyMaskedRows, "fully-masked-rows")
MASKPROOF_ABORT_FUNCTION(BrokenMaskMagnitude, "mask-magnitude")
MASKPROOF_ABORT_FUNCTION(BrokenMaskForm, "mask-form")
MASKPROOF_ABORT_FUNCTION(BrokenMaskComposition, "mask-composition")
MASKPROOF_ABORT_FUNCTION(BrokenCausalPrefix, "causal-prefix")
MASKPROOF_ABORT_FUNCTION(BrokenPastEquivalence, "past-equivalence")
MASKPROOF_ABORT_FUNCTION(BrokenBatchIndependence, "batch-independence")
MASKPROOF_ABORT_FUNCTION(BrokenHeadIndependence, "head-independence")
MASKPROOF_ABORT_FUNCTION(BrokenThreadIndependence, "thread-independence")
MASKPROOF_ABORT_FUNCTION(BrokenDeterminism, "determinism")
MASKPROOF_ABORT_FUNCTION(BrokenConcurrentCalls, "concurrent-calls")
MASKPROOF_ABORT_FUNCTION(BrokenPaddingExtension, "padding-extension")
MASKPROOF_ABORT_FUNCTION(BrokenKeyPermutation, "key-permutation")
MASKPROOF_ABORT_FUNCTION(BrokenScoreShift, "score-shift")
MASKPROOF_ABORT_FUNCTION(BrokenPowerOfTwoScaling, "power-of-two-scaling")
MASKPROOF_ABORT_FUNCTION(BrokenConvexHull, "convex-hull")
MASKPROOF_ABORT_FUNCTION(BrokenNanContainment, "nan-containment")
MASKPROOF_ABORT_FUNCTION(BrokenInt8Exactness, "int8-exactness")
MASKPROOF_ABORT_FUNCTION(BrokenZeroPointShift, "zero-point-shift")
MASKPROOF_ABORT_FUNCTION(BrokenSignedness, "signedness")
MASKPROOF_ABORT_FUNCTION(BrokenPerColumn, "per-column")
MASKPROOF_ABORT_FUNCTION(BrokenMemory, "memory")
MASKPROOF_ABORT_FUNCTION(BrokenRefusal, "refusal")
MASKPROOF_ABORT_FUNCTION(BrokenOtherInvariant, "(an invariant without a function of its own)")

MASKPROOF_ABORT_FUNCTION(BrokenRecipeValidity, "recipe: valid without faults")
MASKPROOF_ABORT_FUNCTION(BrokenRecipeError, "recipe: error or recipe")
MASKPROOF_ABORT_FUNCTION(BrokenRecipeText, "recipe: text round trip")
MASKPROOF_ABORT_FUNCTION(BrokenRecipeBytes, "recipe: bytes round trip")
MASKPROOF_ABORT_FUNCTION(BrokenRecipeNormalized, "recipe: normalized")
MASKPROOF_ABORT_FUNCTION(BrokenRecipeExpansion, "recipe: expansion")
MASKPROOF_ABORT_FUNCTION(BrokenRecipeShrink, "recipe: shrink")

#undef MASKPROOF_ABORT_FUNCTION

struct Frame {
  std::string_view id;
  AbortFunction abort;
};

constexpr Frame kFrames[] = {
    {"reference-match", BrokenReferenceMatch},
    {"masked-influence", BrokenMaskedInfluence},
    {"masked-weight-zero", BrokenMaskedWeightZero},
    {"fully-masked-rows", BrokenFullyMaskedRows},
    {"mask-magnitude", BrokenMaskMagnitude},
    {"mask-form", BrokenMaskForm},
    {"mask-composition", BrokenMaskComposition},
    {"causal-prefix", BrokenCausalPrefix},
    {"past-equivalence", BrokenPastEquivalence},
    {"batch-independence", BrokenBatchIndependence},
    {"head-independence", BrokenHeadIndependence},
    {"thread-independence", BrokenThreadIndependence},
    {"determinism", BrokenDeterminism},
    {"concurrent-calls", BrokenConcurrentCalls},
    {"padding-extension", BrokenPaddingExtension},
    {"key-permutation", BrokenKeyPermutation},
    {"score-shift", BrokenScoreShift},
    {"power-of-two-scaling", BrokenPowerOfTwoScaling},
    {"convex-hull", BrokenConvexHull},
    {"nan-containment", BrokenNanContainment},
    {"int8-exactness", BrokenInt8Exactness},
    {"zero-point-shift", BrokenZeroPointShift},
    {"signedness", BrokenSignedness},
    {"per-column", BrokenPerColumn},
    {"memory", BrokenMemory},
    {"refusal", BrokenRefusal},
};

AbortFunction FrameOf(std::string_view id) {
  for (const Frame& frame : kFrames) {
    if (frame.id == id) return frame.abort;
  }
  return nullptr;
}

// Strings are written by length: under MemorySanitizer a terminator that the C++ library wrote
// counts as uninitialised.
void Write(std::FILE* file, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), file);
}

void PrintRecipe(const std::string& text) {
  Write(stderr, "----- recipe -----\n");
  Write(stderr, text);
  Write(stderr, "----- end of recipe -----\n");
}

// File name of the finding: INVARIANT-OPERATOR.recipe. The last of its kind stays.
std::string SaveRecipe(std::string_view law, Op op, const std::string& text) {
  const char* folder = std::getenv("MASKPROOF_FUZZ_FINDINGS");
  if (folder == nullptr || *folder == '\0') return {};
  char path[1024];
  const int length = std::snprintf(path, sizeof(path), "%s/%.*s-%s.recipe", folder,
                                   static_cast<int>(law.size()), law.data(), OpName(op));
  if (length < 0 || static_cast<size_t>(length) >= sizeof(path)) return {};
  if (std::FILE* file = std::fopen(path, "wb")) {
    Write(file, text);
    std::fclose(file);
  }
  return {path, static_cast<size_t>(length)};
}

void PrintEvidence(const Evidence& evidence) {
  Write(stderr, "  evidence:  ");
  Write(stderr, evidence.summary);
  Write(stderr, "\n");
  if (evidence.batch >= 0) {
    std::fprintf(stderr, "  element:   batch %lld head %lld query %lld column %lld\n",
                 static_cast<long long>(evidence.batch), static_cast<long long>(evidence.head),
                 static_cast<long long>(evidence.query), static_cast<long long>(evidence.column));
  }
  if (evidence.numeric) {
    std::fprintf(stderr, "  expected:  %.9g\n  got:       %.9g\n  bound:     %.3g\n",
                 evidence.expected, evidence.got, evidence.bound);
  }
}

}  // namespace

bool HasOwnFrame(std::string_view invariant_id) { return FrameOf(invariant_id) != nullptr; }

void ReportBroken(const Target& target, const Recipe& recipe, const Invariant& invariant,
                  const Subject& subject, const Verdict& verdict) {
  const std::string text = ToText(recipe);
  std::fprintf(stderr,
               "\nmaskproof finding\n  target:    %s\n  invariant: %s\n  subject:   ", target.name,
               invariant.id);
  Write(stderr, subject.name());
  std::fprintf(stderr, "\n  law:       %s\n", invariant.law);
  PrintEvidence(verdict.evidence);
  PrintRecipe(text);
  const std::string path = SaveRecipe(invariant.id, recipe.op, text);
  Write(stderr, "  replay:    maskproof replay ");
  Write(stderr, path.empty() ? std::string_view("FILE-WITH-THE-RECIPE-ABOVE") : path);
  Write(stderr, " --subject ");
  Write(stderr, subject.name());
  std::fprintf(stderr, " --invariant %s\n", invariant.id);
  const AbortFunction own = FrameOf(invariant.id);
  if (own != nullptr) own();
  BrokenOtherInvariant();
}

void ReportBrokenRecipe(const Target& target, const Recipe* recipe, RecipeLaw law,
                        std::string_view detail) {
  std::fprintf(stderr, "\nmaskproof finding\n  target:    %s\n  evidence:  ", target.name);
  Write(stderr, detail);
  Write(stderr, "\n");
  if (recipe != nullptr) PrintRecipe(ToText(*recipe));
  switch (law) {
    case RecipeLaw::kValidWithoutFaults:
      BrokenRecipeValidity();
    case RecipeLaw::kErrorOrRecipe:
      BrokenRecipeError();
    case RecipeLaw::kTextRoundTrip:
      BrokenRecipeText();
    case RecipeLaw::kBytesRoundTrip:
      BrokenRecipeBytes();
    case RecipeLaw::kNormalized:
      BrokenRecipeNormalized();
    case RecipeLaw::kExpansion:
      BrokenRecipeExpansion();
    case RecipeLaw::kShrink:
      BrokenRecipeShrink();
  }
  std::abort();
}

}  // namespace maskproof::fuzz
