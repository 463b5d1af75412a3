// A part of a projection that one worker does.
#ifndef MASKPROOF_KERNELS_SRC_PROJECTION_TASK_H_
#define MASKPROOF_KERNELS_SRC_PROJECTION_TASK_H_

#include <cstdint>

#include "panel_order.h"

namespace maskproof::kernels {

struct ProjectionTask {
  int64_t first_row;  // of the projected rows
  int64_t rows;
  const int64_t* input_row;  // for each projected row, which of the input it is; null: the same
  PanelOrder panels;
  int64_t first;  // of `panels`
  int64_t last;
  const float* weights;  // packed
  const float* bias;     // [columns, rounded up to a panel]
  int64_t* packed_row;  // the first row of those that `input` holds packed; -1: none. To be kept up
  float* input;         // memory for packed rows (ProjectionKernels::scratch)
  float* projected;
  int64_t stride;
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_PROJECTION_TASK_H_
