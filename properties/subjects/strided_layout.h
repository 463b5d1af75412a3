// Where the rows of a (B, N, rows, columns) tensor lie that is given by strides.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_STRIDED_LAYOUT_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_STRIDED_LAYOUT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "maskproof/kernels/tensor_view.h"
#include "properties/case/case.h"

namespace maskproof {

enum Axis : size_t { kBatchAxis, kHeadAxis, kRowAxis, kAxisCount };

struct StridedLayout {
  std::array<int64_t, kAxisCount> sizes{};
  int64_t columns = 0;
  std::array<int64_t, kAxisCount> strides{};
  int64_t origin = 0;  // of the first row, in the memory of the tensor

  // Of a tensor without elements any size may be anything, and products of them overflow.
  bool empty() const;
  // Elements of memory from the first to the last that belongs to a row, other tensors' rows behind
  // that left off. Reading on is reading past the end.
  int64_t Extent() const;
  // Whether this is the tensor as it is, dense and head-major.
  bool IsDense() const;

  template <typename T>
  kernels::StridedTensor<T> Over(T* memory) const {
    return {memory == nullptr ? nullptr : memory + origin, strides[kBatchAxis], strides[kHeadAxis],
            strides[kRowAxis]};
  }

  // Calls visit(offset in the dense tensor, offset in memory) for the first element of every row.
  template <typename Visit>
  void ForEachRow(Visit visit) const {
    if (empty()) return;
    int64_t dense = 0;
    for (int64_t b = 0; b < sizes[kBatchAxis]; ++b) {
      for (int64_t n = 0; n < sizes[kHeadAxis]; ++n) {
        for (int64_t r = 0; r < sizes[kRowAxis]; ++r, dense += columns) {
          visit(dense,
                origin + b * strides[kBatchAxis] + n * strides[kHeadAxis] + r * strides[kRowAxis]);
        }
      }
    }
  }
};

// A tensor of 4 dimensions in one of the layouts that a case may ask for.
StridedLayout LayOut(std::span<const int64_t> dims, CoreLayout layout);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_STRIDED_LAYOUT_H_
