// An owned dense row-major tensor of run-time element type.
#ifndef MASKPROOF_PROPERTIES_CASE_TENSOR_H_
#define MASKPROOF_PROPERTIES_CASE_TENSOR_H_

#include <boost/container/static_vector.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace maskproof {

enum class ElementType : uint8_t { kFloat32, kInt32, kInt8, kUint8 };

size_t ElementSize(ElementType type);
const char* ElementTypeName(ElementType type);  // "float32", "int32", "int8", "uint8"

// Malformed tensors included.
inline constexpr size_t kLargestRank = 8;
// Without the heap: a campaign copies tensors all the time. Throws when it is full.
using Dims = boost::container::static_vector<int64_t, kLargestRank>;
std::string ShapeText(const Dims& dims);  // "(2,3)"

// Product of dims; -1 if a dimension is negative or the product exceeds int64. A scalar has 1.
inline int64_t ElementCount(std::span<const int64_t> dims) {
  // A zero anywhere makes the product zero, however large the others are; a negative dimension is
  // an error all the same.
  bool has_zero = false;
  bool overflows = false;
  int64_t count = 1;
  for (const int64_t dim : dims) {
    if (dim < 0) return -1;
    has_zero = has_zero || dim == 0;
    overflows = overflows || __builtin_mul_overflow(count, dim, &count);
  }
  if (has_zero) return 0;
  return overflows ? -1 : count;
}

struct Tensor {
  ElementType type = ElementType::kFloat32;
  Dims dims;
  std::vector<std::byte> bytes;  // ElementCount(dims) * ElementSize(type)

  Tensor() = default;
  // Zero-filled. All dims must be >= 0.
  Tensor(ElementType element_type, Dims dimensions);

  int64_t size() const { return static_cast<int64_t>(bytes.size() / ElementSize(type)); }

  // Typed access; T must match `type` (float, int32_t, int8_t, uint8_t).
  template <typename T>
  std::span<T> as() {
    return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
  }
  template <typename T>
  std::span<const T> as() const {
    return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
  }

  // Element as a number, and set from a number (integers saturate to the type's range).
  double Get(int64_t index) const;
  void Set(int64_t index, double value);

  bool operator==(const Tensor&) const = default;  // bitwise
};

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_CASE_TENSOR_H_
