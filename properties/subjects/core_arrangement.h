// How the tensors of a Core case lie in a caller's memory.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_CORE_ARRANGEMENT_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_CORE_ARRANGEMENT_H_

#include <array>
#include <cstddef>

#include "properties/subjects/kernels_ways.h"
#include "properties/subjects/strided_layout.h"
#include "properties/subjects/subject.h"

namespace maskproof {

inline constexpr std::array kCoreInputs{TensorId::kQuery, TensorId::kKey, TensorId::kValue};

struct CoreArrangement {
  struct Place {
    size_t memory = 0;  // the number of a block, of as many as there are inputs
    StridedLayout layout;
  };
  std::array<Place, kCoreInputs.size()> places;
  StridedLayout output;
};

// Every tensor by itself in the layout that the case asks for, unless `way` says otherwise.
CoreArrangement Arrange(const BoundCase& bound, const KernelsWay& way);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_CORE_ARRANGEMENT_H_
