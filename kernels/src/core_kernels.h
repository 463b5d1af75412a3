// The part of the attention core that is compiled once per SIMD target.
#ifndef MASKPROOF_KERNELS_SRC_CORE_KERNELS_H_
#define MASKPROOF_KERNELS_SRC_CORE_KERNELS_H_

#include <cstdint>

#include "attention_core.h"
#include "visible_row.h"

namespace maskproof::kernels {

// Key and value of one head, in the order in which the tile reads them. Key t is always at the same
// place, whatever is masked and however many keys follow.
struct PackedHead {
  float* keys = nullptr;    // [panel of keys][head_size][keys of the panel]
  float* values = nullptr;  // [key][value_stride]
};

// Some query rows of one head, and a worker's memory.
struct Tile {
  int64_t batch = 0;
  int64_t head = 0;
  int64_t first_row = 0;
  int64_t rows = 0;
  PackedHead packed;
  float* scores = nullptr;        // [rows][keys, rounded up to a panel]
  float* sums = nullptr;          // [rows][value_stride]
  double* mean = nullptr;         // [value_head_size]
  uint64_t* bits = nullptr;       // [rows + 1][words]
  VisibleRow* visible = nullptr;  // [rows]
};

struct CoreKernels {
  int64_t panel;  // keys per panel: a divisor of kKeysPerWord
  int64_t lanes;  // value_stride is the value head size rounded up to this
  // Packs the keys of `keys`, which need not start or end at a panel.
  void (*pack)(const CoreProblem& problem, int64_t batch, int64_t head, KeyInterval keys,
               const PackedHead& packed);
  void (*run)(const CoreProblem& problem, const Tile& tile);
};

const CoreKernels& CoreKernelsFor(int64_t target);

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_CORE_KERNELS_H_
