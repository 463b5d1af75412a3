// Other people's test vectors, of the format ort-attention-vector/1.
#ifndef MASKPROOF_PROPERTIES_VECTORS_VECTOR_CASE_H_
#define MASKPROOF_PROPERTIES_VECTORS_VECTOR_CASE_H_

#include <optional>
#include <string>
#include <vector>

#include "properties/case/case.h"
#include "properties/subjects/subject.h"

namespace maskproof {

struct Vector {
  std::string id;
  bool runs_on_cpu = false;  // the test it comes from runs on the CPU provider
  bool expects_refusal = false;
  double absolute = 0.0;  // tolerances of the test it comes from, or else of its kind
  double relative = 0.0;
  Case c;
  std::optional<Tensor> output;   // expected
  std::optional<Tensor> present;  // expected
};

// All vectors of `folder`, by name. Vectors of types that a Case cannot hold (float16) are left out
// of the result and named in `left_out`. Throws if `folder` or a file in it cannot be read.
std::vector<Vector> ReadVectors(const std::string& folder, std::vector<std::string>& left_out);

// What is wrong with `outcome` by the vector's own expectation and tolerance; "" if nothing. Rows
// that see no key are left out: what a vector expects there is what one implementation made of its
// mask constant, and not a policy that others must follow.
std::string VectorMismatch(const Vector& v, const Outcome& outcome);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_VECTORS_VECTOR_CASE_H_
