// An independent model of which cases are valid, written from docs/operators.md and sharing nothing
// with kernels/. The judge of the `refusal` invariant.
#ifndef MASKPROOF_PROPERTIES_CASE_VALIDITY_H_
#define MASKPROOF_PROPERTIES_CASE_VALIDITY_H_

#include <string>

#include "properties/case/case.h"

namespace maskproof {

enum class Validity : uint8_t {
  kValid,        // every conforming subject must compute it
  kInvalid,      // must be refused, whoever the subject is
  kUnsupported,  // well formed, but conforming subjects may refuse it (4-D mask, rotary, ...)
};

struct ValidityVerdict {
  Validity validity = Validity::kValid;
  // The tensor or attribute at fault, as TensorName or the attribute's ONNX name; empty if valid.
  std::string subject;
  std::string reason;  // one sentence: expected, got
};

ValidityVerdict JudgeValidity(const Case& c);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_CASE_VALIDITY_H_
