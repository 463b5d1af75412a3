#include "properties/invariants/quantised_ops.h"

#include <algorithm>
#include <cmath>

#include "properties/invariants/tensor_ops.h"

namespace maskproof {
namespace {

// Element `index` of a per-tensor or per-column parameter.
double Parameter(const Tensor& tensor, int64_t index) {
  return tensor.Get(tensor.size() == 1 ? 0 : index);
}

}  // namespace

Quantisation ReadQuantisation(const Case& c) {
  Quantisation q;
  q.input_scale = static_cast<float>(At(c, TensorId::kInputScale).Get(0));
  if (c.has(TensorId::kInputZeroPoint)) {
    q.input_zero = static_cast<int32_t>(At(c, TensorId::kInputZeroPoint).Get(0));
  }
  const int64_t columns = At(c, TensorId::kWeights).dims[1];
  for (int64_t column = 0; column < columns; ++column) {
    q.weight_scale.push_back(static_cast<float>(Parameter(At(c, TensorId::kWeightScale), column)));
    q.weight_zero.push_back(
        c.has(TensorId::kWeightZeroPoint)
            ? static_cast<int32_t>(Parameter(At(c, TensorId::kWeightZeroPoint), column))
            : 0);
  }
  return q;
}

void WriteInputScale(Case& c, float scale) { At(c, TensorId::kInputScale).Set(0, scale); }

void WriteInputZero(Case& c, int32_t zero) {
  std::optional<Tensor>& tensor = c[TensorId::kInputZeroPoint];
  // A fresh tensor: the type may have changed.
  const Dims dims = tensor ? tensor->dims : Dims{1};
  tensor = Tensor(At(c, TensorId::kInput).type, dims);
  tensor->Set(0, zero);
}

void WriteWeightScale(Case& c, std::span<const float> scales) {
  Tensor tensor(ElementType::kFloat32, {static_cast<int64_t>(scales.size())});
  std::ranges::copy(scales, tensor.as<float>().begin());
  c[TensorId::kWeightScale] = std::move(tensor);
}

void WriteWeightZero(Case& c, std::span<const int32_t> zeros) {
  Tensor tensor(At(c, TensorId::kWeights).type, {static_cast<int64_t>(zeros.size())});
  for (size_t i = 0; i < zeros.size(); ++i) tensor.Set(static_cast<int64_t>(i), zeros[i]);
  c[TensorId::kWeightZeroPoint] = std::move(tensor);
}

std::vector<int64_t> IntegerProjection(const Case& c) {
  const Geometry g = GeometryOf(c);
  const Quantisation q = ReadQuantisation(c);
  const Tensor& input = At(c, TensorId::kInput);
  const Tensor& weights = At(c, TensorId::kWeights);
  const int64_t columns = weights.dims[1];
  std::vector<int64_t> centred(static_cast<size_t>(weights.size()));
  for (int64_t i = 0; i < weights.size(); ++i) {
    centred[static_cast<size_t>(i)] =
        static_cast<int64_t>(weights.Get(i)) - q.weight_zero[static_cast<size_t>(i % columns)];
  }
  std::vector<int64_t> sums(static_cast<size_t>(g.batch * g.sequence * columns));
  for (int64_t row = 0; row < g.batch * g.sequence; ++row) {
    int64_t* sum = sums.data() + (row * columns);
    for (int64_t d = 0; d < g.input_width; ++d) {
      const int64_t x = static_cast<int64_t>(input.Get((row * g.input_width) + d)) - q.input_zero;
      const int64_t* w = centred.data() + (d * columns);
      for (int64_t column = 0; column < columns; ++column) sum[column] += x * w[column];
    }
  }
  return sums;
}

float PowerOfTwo(float x, int lowest, int highest) {
  int exponent = 0;
  if (std::isfinite(x) && x != 0.0F) exponent = std::ilogb(x);
  return std::ldexp(1.0F, std::clamp(exponent, lowest, highest));
}

}  // namespace maskproof
