// A tensor that a valid case is known to have.
#ifndef MASKPROOF_PROPERTIES_CASE_TENSOR_OF_H_
#define MASKPROOF_PROPERTIES_CASE_TENSOR_OF_H_

#include "properties/case/case.h"

namespace maskproof {

// An empty tensor if the case does not have it after all.
inline const Tensor& TensorOf(const Case& c, TensorId id) {
  static const Tensor kNone;
  const auto& tensor = c[id];
  return tensor ? *tensor : kNone;
}

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_CASE_TENSOR_OF_H_
