// The 8-bit projection of the planted subject.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "properties/subjects/planted_problem.h"

namespace maskproof::planted {
namespace {

// Floats that a scale of the wrong length is read past its end, at most.
constexpr int64_t kOverread = 8;
// What makes signed activations unsigned.
constexpr int64_t kSignOffset = 128;

// An int8 or uint8 tensor as numbers; absent means zero everywhere.
class Bytes {
 public:
  Bytes(const Problem& p, TensorId id)
      : data_(static_cast<const uint8_t*>(p.bound[id].data)),
        present_(p.HasTensor(id)),
        is_signed_(present_ && p.bound[id].tensor->type == ElementType::kInt8),
        per_column_(present_ && !p.DimsOf(id).empty() && p.DimsOf(id).back() != 1) {}

  int32_t operator[](int64_t index) const {
    return is_signed_ ? static_cast<int8_t>(data_[index]) : data_[index];
  }
  int32_t OfColumn(int64_t column) const {
    return present_ ? (*this)[per_column_ ? column : 0] : 0;
  }
  bool is_signed() const { return is_signed_; }

 private:
  const uint8_t* data_;
  bool present_;
  bool is_signed_;
  bool per_column_;
};

int32_t Saturate16(int32_t x) { return std::clamp(x, -32768, 32767); }

// sum x * w over the width, for one token and one column.
int64_t RawProduct(const Problem& p, const Bytes& input, const Bytes& weights, int64_t token,
                   int64_t column, int64_t columns) {
  const int64_t width = p.g.input_width;
  auto activation = [&](int64_t d) {
    const int32_t x = input[token * width + d];
    return p.Has(Defect::kActivationSign) && !input.is_signed() ? static_cast<int8_t>(x) : x;
  };
  auto weight = [&](int64_t d) {
    const int32_t w = weights[d * columns + column];
    if (p.Has(Defect::kMinus128) && weights.is_signed()) return std::max(w, -127);
    return p.Has(Defect::kWeightSign) && weights.is_signed() ? static_cast<uint8_t>(w) : w;
  };
  int64_t sum = 0;
  if (p.Has(Defect::kSaturate16) && !input.is_signed() && weights.is_signed()) {
    for (int64_t d = 0; d < width; d += 2) {
      int32_t pair = activation(d) * weight(d);
      if (d + 1 < width) pair += activation(d + 1) * weight(d + 1);
      sum += Saturate16(pair);
    }
    return sum;
  }
  for (int64_t d = 0; d < width; ++d) sum += int64_t{activation(d)} * weight(d);
  return sum;
}

// One element of the product and the zero points that belong to it.
struct Element {
  int64_t token, column, columns;
  int64_t input_zero, weight_zero;
};

// The product with its blocks of four summed in float32 in place of integers, each times `scale`.
float BlockwiseProduct(const Problem& p, const Bytes& input, const Bytes& weights,
                       const Element& at, float scale) {
  const int64_t width = p.g.input_width;
  float total = 0.0F;
  for (int64_t begin = 0; begin < width; begin += 4) {
    int64_t block = 0;
    for (int64_t d = begin; d < std::min(begin + 4, width); ++d) {
      block += (input[at.token * width + d] - at.input_zero) *
               (weights[d * at.columns + at.column] - at.weight_zero);
    }
    total += static_cast<float>(block) * scale;
  }
  return total;
}

int32_t SpoilZero(const Problem& p, const Bytes& zeros, int32_t zero) {
  const bool misread = p.Has(Defect::kZeroPointSign) && !zeros.is_signed();
  return misread ? static_cast<int8_t>(zero) : zero;
}

int64_t WeightZero(const Problem& p, const Bytes& zeros, int64_t column, int64_t columns) {
  if (p.Has(Defect::kWeightZpFirstColumn) && column > 0) return 0;
  if (p.Has(Defect::kWeightZpIgnored)) column = 0;
  if (p.Has(Defect::kZpColumnShift)) column = (column + 1) % columns;
  return SpoilZero(p, zeros, zeros.OfColumn(column));
}

// (input scale) * (weight scale of the column), rounded once.
float ScaleOf(const Problem& p, int64_t column) {
  const float input_scale = p.Floats(TensorId::kInputScale)[0];
  const float* const scales = p.Floats(TensorId::kWeightScale);
  const int64_t count = p.bound[TensorId::kWeightScale].tensor->size();
  if (p.Has(Defect::kWeightScaleAbs))
    return input_scale * std::fabs(scales[count == 1 ? 0 : column]);
  if (count == 1) return input_scale * scales[0];
  if (p.Has(Defect::kScaleOfQForV)) column %= p.g.hidden();
  if (p.Has(Defect::kValueScaleTwice) && column >= 2 * p.g.hidden()) {
    return input_scale * scales[column] * scales[column];
  }
  if (p.Has(Defect::kAcceptShortScale) && column >= count) {
    if (scales == nullptr) return input_scale;
    // Truly past the end, but not so far that only luck decides whether anybody notices.
    const volatile float* const past_the_end = scales;
    return input_scale * past_the_end[std::min(column, count + kOverread - 1)];
  }
  return input_scale * scales[column];
}

}  // namespace

void ProjectQuantised(Problem& p) {
  const Bytes input(p, TensorId::kInput);
  const Bytes weights(p, TensorId::kWeights);
  const Bytes input_zero(p, TensorId::kInputZeroPoint);
  const Bytes weight_zero(p, TensorId::kWeightZeroPoint);
  const float* const bias = p.Floats(TensorId::kBias);
  const int64_t width = p.g.input_width;
  const int64_t columns = 3 * p.g.hidden();
  const int64_t tokens = p.g.batch * p.g.sequence;
  const int32_t zx = SpoilZero(p, input_zero, input_zero.OfColumn(0));

  std::vector<int64_t> input_sums(static_cast<size_t>(tokens));
  for (int64_t token = 0; token < tokens; ++token) {
    for (int64_t d = 0; d < width; ++d) {
      input_sums[static_cast<size_t>(token)] += input[token * width + d];
    }
  }
  const int64_t counted_width = p.Has(Defect::kZpOfPadding) ? (width + 3) / 4 * 4 : width;

  for (int64_t c = 0; c < columns; ++c) {
    const int64_t zw = WeightZero(p, weight_zero, c, columns);
    int64_t weight_sum = 0;
    for (int64_t d = 0; d < width; ++d) weight_sum += weights[d * columns + c];
    const float scale = ScaleOf(p, c);
    for (int64_t token = 0; token < tokens; ++token) {
      // sum (x - zx)(w - zw), multiplied out.
      int64_t sum = RawProduct(p, input, weights, token, c, columns);
      int64_t input_sum = input_sums[static_cast<size_t>(token)];
      if (p.Has(Defect::kRowSum16)) input_sum = static_cast<int16_t>(input_sum);
      if (zw != 0 || !p.Has(Defect::kInputZpNeedsWeightZp)) sum -= zx * weight_sum;
      sum -= zw * input_sum;
      sum += counted_width * zx * zw;
      if (p.Has(Defect::kSignedInputTail) && input.is_signed() && c >= columns / 16 * 16) {
        sum += kSignOffset * (weight_sum - counted_width * zw);
      }

      const auto total = static_cast<float>(sum);
      float value = total * scale + bias[c];
      if (p.Has(Defect::kBiasQuantised)) value = (total + bias[c]) * scale;
      const Element at{token, c, columns, zx, zw};
      if (p.Has(Defect::kFloatAccumulate)) {
        value = BlockwiseProduct(p, input, weights, at, 1.0F) * scale + bias[c];
      } else if (p.Has(Defect::kBlockScaled)) {
        value = BlockwiseProduct(p, input, weights, at, scale) + bias[c];
      }
      PlaceColumn(p, token / p.g.sequence, token % p.g.sequence, c, value);
    }
  }
}

}  // namespace maskproof::planted
