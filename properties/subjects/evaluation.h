// Correct float32 implementations of the operators, as different from one another as the oracle
// allows: the adversaries of its soundness, and subjects in which nothing may ever be found. Every
// operation is one rounded float32 operation.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_EVALUATION_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_EVALUATION_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "properties/base/rng.h"
#include "properties/case/case.h"
#include "properties/subjects/subject.h"

namespace maskproof {

enum class SumOrder : uint8_t {
  kForward,
  kBackward,
  kPairwise,
  kLanes8,
  kAnyTree,
  kParts,  // products of bfloat16 parts (oracle.md (28)), for a profile with split_products
};
enum class ScaleUse : uint8_t { kOnScore, kOnQuery, kSplit };
enum class Exponential : uint8_t { kNatural, kBase2OnDifference, kBase2InScale, kSloppy };
enum class Normalization : uint8_t { kDivide, kReciprocal, kWeightsFirst };
// Where an operation goes whose result is not a float32 number. All but the first are for profiles
// with any_rounding.
enum class OperationRounding : uint8_t {
  kNearest,
  kUp,
  kDown,
  kTowardZero,
  kAwayFromZero,
  kAtRandom,
  kAdverse,  // away from zero, but toward zero in the sum of weights
};

// Small faults, to see whether they are noticed.
enum class EvaluationFault : uint8_t {
  kNone,
  kLane,         // the first output column is too large by a thousandth
  kExponential,  // every weight before normalisation is off by 1e-4, the sign by key
  kBfloat16,     // weights are rounded to bfloat16 before they meet the values
  kScale,        // 1/sqrt(H+1) in place of the default scale
  kDroppedKey,   // the last visible key is left out, if there is another
};

struct EvaluationStyle {
  SumOrder order = SumOrder::kForward;
  bool fused = false;
  bool preload_bias = false;  // attention_bias starts the accumulator, unless the scale comes later
  ScaleUse scale = ScaleUse::kOnScore;
  Exponential exponential = Exponential::kNatural;
  Normalization normalization = Normalization::kDivide;
  int64_t online_block = 0;
  bool flush = false;  // denormals are read and written as zero
  OperationRounding rounding = OperationRounding::kNearest;
  uint64_t seed = 0;
  EvaluationFault fault = EvaluationFault::kNone;

  // Any of them that rounds to nearest, without a fault.
  static EvaluationStyle Random(Rng& rng);
};

// The output of a valid case, in the operator's layout; present, if wanted, in `present`.
std::vector<float> Evaluate(const Case& c, const EvaluationStyle& style,
                            std::vector<float>* present = nullptr);

// Styles with a name. They make no use of the order of sums that a profile could declare.
struct NamedEvaluation {
  const char* name;  // "pairwise"
  const char* what;
  EvaluationStyle style;
};
std::span<const NamedEvaluation> NamedEvaluations();
// Null if there is none of that name.
std::unique_ptr<Subject> MakeEvaluationSubject(const std::string& name);
// Under the name "evaluation:NAME".
std::unique_ptr<Subject> MakeEvaluationSubject(const NamedEvaluation& named);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_EVALUATION_H_
