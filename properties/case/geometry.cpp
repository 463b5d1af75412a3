// Sizes of a case. Never crashes, whatever the case: sizes that cannot be made out are zero, and
// outputs whose dims cannot be made out are one element.
#include <algorithm>
#include <limits>

#include "properties/case/case.h"
#include "properties/case/limits.h"

namespace maskproof {
namespace {

// Dimension `axis` of a tensor, or 0 if there is no such thing.
int64_t DimOf(const Case& c, TensorId id, size_t axis) {
  const auto& tensor = c[id];
  if (!tensor || axis >= tensor->dims.size()) return 0;
  return std::max<int64_t>(tensor->dims[axis], 0);
}

int64_t SaturatingAdd(int64_t a, int64_t b) {
  return a > std::numeric_limits<int64_t>::max() - b ? std::numeric_limits<int64_t>::max() : a + b;
}

Geometry CoreGeometry(const Case& c) {
  Geometry g;
  g.batch = DimOf(c, TensorId::kQuery, 0);
  g.heads = DimOf(c, TensorId::kQuery, 1);
  g.sequence = DimOf(c, TensorId::kQuery, 2);
  g.head_size = DimOf(c, TensorId::kQuery, 3);
  g.total = DimOf(c, TensorId::kKey, 2);
  g.past = std::max<int64_t>(g.total - g.sequence, 0);
  g.value_head_size = DimOf(c, TensorId::kValue, 3);
  return g;
}

Geometry OperatorGeometry(const Case& c) {
  Geometry g;
  g.batch = DimOf(c, TensorId::kInput, 0);
  g.sequence = DimOf(c, TensorId::kInput, 1);
  g.input_width = DimOf(c, TensorId::kInput, 2);
  g.past = DimOf(c, TensorId::kPast, 3);
  g.total = SaturatingAdd(g.past, g.sequence);
  g.heads = std::max<int64_t>(c.attributes.num_heads, 0);
  if (g.heads == 0) return g;
  int64_t hidden = DimOf(c, TensorId::kWeights, 1) / 3;
  int64_t value_hidden = hidden;
  const auto& sizes = c.attributes.qkv_hidden_sizes;
  if (sizes && sizes->size() == 3) {
    hidden = std::max<int64_t>((*sizes)[0], 0);
    value_hidden = std::max<int64_t>((*sizes)[2], 0);
  }
  g.head_size = hidden / g.heads;
  g.value_head_size = value_hidden / g.heads;
  return g;
}

// `dims` if they are fit to be allocated.
Dims OrOneElement(Dims dims) {
  const int64_t count = ElementCount(dims);
  if (count < 0 || count > kLargestOutput) return {1};
  return dims;
}

// heads * head_size without overflow; -1 if it does not fit.
int64_t Width(int64_t heads, int64_t head_size) {
  const int64_t dims[] = {heads, head_size};
  return ElementCount(dims);
}

}  // namespace

Geometry GeometryOf(const Case& c) {
  return c.op == Op::kCore ? CoreGeometry(c) : OperatorGeometry(c);
}

Dims OutputDims(const Case& c) {
  const Geometry g = GeometryOf(c);
  if (c.op == Op::kCore) return OrOneElement({g.batch, g.heads, g.sequence, g.value_head_size});
  return OrOneElement({g.batch, g.sequence, Width(g.heads, g.value_head_size)});
}

Dims PresentDims(const Case& c) {
  const Geometry g = GeometryOf(c);
  return OrOneElement({2, g.batch, g.heads, g.total, g.head_size});
}

}  // namespace maskproof
