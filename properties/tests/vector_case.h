// Reads a test vector of the format ort-attention-vector/1 into a case.
#ifndef MASKPROOF_PROPERTIES_TESTS_VECTOR_CASE_H_
#define MASKPROOF_PROPERTIES_TESTS_VECTOR_CASE_H_

#include <optional>
#include <string>
#include <vector>

#include "properties/case/case.h"

namespace maskproof {

struct Vector {
  std::string id;
  bool runs_on_cpu = false;  // the test it comes from runs on the CPU provider
  bool expects_refusal = false;
  double absolute = 0.0;  // tolerances of the test it comes from
  double relative = 0.0;
  Case c;
  std::optional<Tensor> output;   // expected
  std::optional<Tensor> present;  // expected
};

// All vectors of `folder`, by name. Vectors of types that a Case cannot hold (float16) are left out
// of the result and named in `left_out`.
std::vector<Vector> ReadVectors(const std::string& folder, std::vector<std::string>& left_out);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_TESTS_VECTOR_CASE_H_
