#include "properties/invariants/tensor_ops.h"

#include <cstring>
#include <limits>
#include <utility>

namespace maskproof {
namespace {

size_t Product(std::span<const int64_t> dims) {
  size_t product = 1;
  for (const int64_t dim : dims) product *= static_cast<size_t>(dim);
  return product;
}

}  // namespace

std::vector<int64_t> Range(int64_t first, int64_t count) {
  std::vector<int64_t> indices(static_cast<size_t>(count));
  for (int64_t& index : indices) index = first++;
  return indices;
}

std::vector<int64_t> Shuffled(int64_t first, int64_t count, Rng& rng) {
  std::vector<int64_t> indices = Range(first, count);
  for (size_t i = indices.size(); i > 1; --i) std::swap(indices[i - 1], indices[rng.Below(i)]);
  return indices;
}

Tensor Gather(const Tensor& source, size_t axis, std::span<const int64_t> indices) {
  const std::span<const int64_t> dims = source.dims;
  const size_t outer = Product(dims.first(axis));
  const size_t slice = Product(dims.subspan(axis + 1)) * ElementSize(source.type);
  const size_t stride = static_cast<size_t>(dims[axis]) * slice;
  Dims result_dims = source.dims;
  result_dims[axis] = static_cast<int64_t>(indices.size());
  Tensor result(source.type, std::move(result_dims));
  if (slice == 0) return result;
  std::byte* to = result.bytes.data();
  for (size_t i = 0; i < outer; ++i) {
    const std::byte* from = source.bytes.data() + (i * stride);
    for (const int64_t index : indices) {
      if (index != kFresh) std::memcpy(to, from + (static_cast<size_t>(index) * slice), slice);
      to += slice;
    }
  }
  return result;
}

void Fill(Tensor& tensor, int64_t first, int64_t count, double value) {
  for (int64_t i = first; i < first + count; ++i) tensor.Set(i, value);
}

void FillRandom(Tensor& tensor, int64_t first, int64_t count, Rng& rng) {
  for (int64_t i = first; i < first + count; ++i) {
    double value = 0.0;
    if (tensor.type == ElementType::kFloat32) {
      value = static_cast<double>(rng.Between(-128, 127)) / 64.0;
    } else {
      const IntegerRange range = RangeOf(tensor.type);
      value = static_cast<double>(rng.Between(range.lowest, range.highest));
    }
    tensor.Set(i, value);
  }
}

IntegerRange RangeOf(ElementType type) {
  switch (type) {
    case ElementType::kInt8:
      return {.lowest = std::numeric_limits<int8_t>::lowest(),
              .highest = std::numeric_limits<int8_t>::max()};
    case ElementType::kUint8:
      return {.lowest = 0, .highest = std::numeric_limits<uint8_t>::max()};
    case ElementType::kInt32:
    case ElementType::kFloat32:
      break;
  }
  return {.lowest = std::numeric_limits<int32_t>::lowest(),
          .highest = std::numeric_limits<int32_t>::max()};
}

}  // namespace maskproof
