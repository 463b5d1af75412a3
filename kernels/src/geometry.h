// The sizes of a validated call.
#ifndef MASKPROOF_KERNELS_SRC_GEOMETRY_H_
#define MASKPROOF_KERNELS_SRC_GEOMETRY_H_

#include <cstdint>

namespace maskproof::kernels {

struct Geometry {
  int64_t batch = 0;            // B
  int64_t queries = 0;          // S
  int64_t past = 0;             // P
  int64_t keys = 0;             // T = P + S
  int64_t heads = 0;            // N
  int64_t head_size = 0;        // H
  int64_t value_head_size = 0;  // Hv
  int64_t input_width = 0;      // Di; 0 for the core

  int64_t hidden() const { return heads * head_size; }              // D
  int64_t value_hidden() const { return heads * value_head_size; }  // Dv
  int64_t columns() const { return 2 * hidden() + value_hidden(); }
  // Whether no output element depends on a row of attention.
  bool empty() const { return batch == 0 || queries == 0; }
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_GEOMETRY_H_
