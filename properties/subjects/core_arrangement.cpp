#include "properties/subjects/core_arrangement.h"

namespace maskproof {

CoreArrangement Arrange(const BoundCase& bound) {
  const CoreLayout layout = bound.c->attributes.core_layout;
  CoreArrangement arrangement;
  for (size_t i = 0; i < kCoreInputs.size(); ++i) {
    arrangement.places[i] = {.memory = i,
                             .layout = LayOut(bound[kCoreInputs[i]].tensor->dims, layout)};
  }
  arrangement.output = LayOut(bound.output_dims, layout);
  return arrangement;
}

}  // namespace maskproof
