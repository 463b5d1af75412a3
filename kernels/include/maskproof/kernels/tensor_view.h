// Non-owning views of caller memory.
#ifndef MASKPROOF_KERNELS_TENSOR_VIEW_H_
#define MASKPROOF_KERNELS_TENSOR_VIEW_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace maskproof::kernels {

// A dense row-major tensor. `dims` is not owned and must outlive the call. A tensor with no
// elements may have a null `data`.
template <typename T>
struct TensorView {
  T* data = nullptr;
  std::span<const int64_t> dims;
};

// A 4-D tensor indexed (batch, head, row, column) with caller-given strides counted in elements;
// columns are contiguous. Serves (B,N,S,H), (B,S,N,H) and padded layouts alike.
template <typename T>
struct StridedTensor {
  T* data = nullptr;
  int64_t batch_stride = 0;
  int64_t head_stride = 0;
  int64_t row_stride = 0;

  T* Row(int64_t batch, int64_t head, int64_t row) const {
    return data + batch * batch_stride + head * head_stride + row * row_stride;
  }
};

// 8-bit values, signed (int8) or unsigned (uint8).
struct QuantizedView {
  const void* data = nullptr;
  std::span<const int64_t> dims;
  bool is_signed = false;
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_TENSOR_VIEW_H_
