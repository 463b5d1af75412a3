// Random valid cases for the oracle's tests, made without the recipes, so that a fault in either
// does not hide in the other.
#ifndef MASKPROOF_PROPERTIES_TESTS_ORACLE_CASES_H_
#define MASKPROOF_PROPERTIES_TESTS_ORACLE_CASES_H_

#include <cmath>
#include <cstdint>
#include <limits>

#include "properties/base/rng.h"
#include "properties/case/case.h"

namespace maskproof::testing {

enum class Data : uint8_t {
  kNormal,
  kMixedScales,  // 2^-12 .. 2^12
  kLargeScores,
  kTies,  // few distinct rows
  kDenormals,
  kIntegers,
  kHuge,  // up to 1e18 and down to 1e-30
};
inline constexpr uint64_t kDataCount = 7;

inline double Normal(Rng& rng) {
  double sum = -6.0;
  for (int i = 0; i < 12; ++i) sum += rng.Unit();
  return sum;
}

inline double Draw(Rng& rng, Data data) {
  switch (data) {
    case Data::kNormal:
    case Data::kTies:
      return Normal(rng);
    case Data::kMixedScales:
      return Normal(rng) * std::ldexp(1.0, static_cast<int>(rng.Between(-12, 12)));
    case Data::kLargeScores:
      return Normal(rng) * 12.0;
    case Data::kDenormals:
      return Normal(rng) *
             std::ldexp(1.0, rng.OneIn(2) ? 0 : static_cast<int>(rng.Between(-148, -120)));
    case Data::kIntegers:
      return static_cast<double>(rng.Between(-9, 9));
    case Data::kHuge:
      return Normal(rng) * std::ldexp(1.0, static_cast<int>(rng.Between(-100, 60)));
  }
  return 0.0;
}

inline Tensor DrawTensor(Rng& rng, Data data, const Dims& dims) {
  Tensor tensor(ElementType::kFloat32, dims);
  const int64_t width = dims.empty() ? 1 : dims.back();
  for (int64_t i = 0; i < tensor.size(); ++i) {
    const bool repeated = data == Data::kTies && i >= width && !rng.OneIn(40);
    tensor.Set(i, repeated ? tensor.Get(i - width) : Draw(rng, data));
  }
  return tensor;
}

inline Tensor DrawBytes(Rng& rng, bool is_signed, const Dims& dims) {
  Tensor tensor(is_signed ? ElementType::kInt8 : ElementType::kUint8, dims);
  const int64_t low = is_signed ? -128 : 0;
  for (int64_t i = 0; i < tensor.size(); ++i) {
    tensor.Set(i, static_cast<double>(rng.OneIn(8) ? (rng.OneIn(2) ? low : low + 255)
                                                   : rng.Between(low, low + 255)));
  }
  return tensor;
}

inline Tensor DrawMask(Rng& rng, int64_t batch, int64_t sequence, int64_t total) {
  const uint64_t form = rng.Below(4);
  const Dims dims = form == 0   ? Dims{batch}
                    : form == 1 ? Dims{2 * batch}
                    : form == 2 ? Dims{batch, total}
                                : Dims{batch, sequence, total};
  Tensor mask(ElementType::kInt32, dims);
  for (int64_t i = 0; i < mask.size(); ++i) {
    mask.Set(i, static_cast<double>(form < 2 ? rng.Between(0, total) : rng.Between(-1, 2)));
  }
  return mask;
}

inline Case DrawCase(Rng& rng, Op op, Data data, int64_t largest = 40) {
  Case c;
  c.op = op;
  const int64_t batch = rng.Between(1, 2);
  const int64_t heads = rng.Between(1, 3);
  const int64_t sequence = rng.Between(1, 5);
  const int64_t head_size = rng.Between(1, rng.OneIn(3) ? largest : 8);
  const bool with_past = rng.OneIn(3);
  const int64_t past = with_past ? rng.Between(0, largest) : 0;
  const int64_t total = past + sequence;
  const bool same_heads = with_past || op == Op::kQAttention || rng.OneIn(2);
  const int64_t value_size = same_heads ? head_size : rng.Between(1, 6);
  c.attributes.num_heads = heads;
  c.attributes.unidirectional = rng.OneIn(2) ? 1 : 0;
  if (rng.OneIn(3)) {
    c.attributes.scale = rng.OneIn(2) ? std::ldexp(1.0F, static_cast<int>(rng.Between(-6, 1)))
                                      : static_cast<float>(Normal(rng) * 0.3 + 0x1p-20);
  }
  if (rng.OneIn(2)) c[TensorId::kMaskIndex] = DrawMask(rng, batch, sequence, total);
  if (op == Op::kCore) {
    c[TensorId::kQuery] = DrawTensor(rng, data, {batch, heads, sequence, head_size});
    c[TensorId::kKey] = DrawTensor(rng, data, {batch, heads, total, head_size});
    c[TensorId::kValue] = DrawTensor(rng, data, {batch, heads, total, value_size});
  } else {
    const int64_t width = rng.Between(0, rng.OneIn(3) ? largest : 8);
    const int64_t hidden = heads * head_size;
    const int64_t columns = 2 * hidden + heads * value_size;
    if (!same_heads) c.attributes.qkv_hidden_sizes = {{hidden, hidden, heads * value_size}};
    if (with_past) {
      c[TensorId::kPast] = DrawTensor(rng, data, {2, batch, heads, past, head_size});
      c.want_present = true;
    }
    if (op == Op::kQAttention || !rng.OneIn(4)) {
      c[TensorId::kBias] = DrawTensor(rng, data, {columns});
    }
    if (op == Op::kAttention) {
      c[TensorId::kInput] = DrawTensor(rng, data, {batch, sequence, width});
      c[TensorId::kWeights] = DrawTensor(rng, data, {width, columns});
    } else {
      const bool input_signed = rng.OneIn(2);
      const bool weights_signed = rng.OneIn(2);
      c[TensorId::kInput] = DrawBytes(rng, input_signed, {batch, sequence, width});
      c[TensorId::kWeights] = DrawBytes(rng, weights_signed, {width, columns});
      if (rng.OneIn(2)) c[TensorId::kInputZeroPoint] = DrawBytes(rng, input_signed, {1});
      if (rng.OneIn(2)) {
        c[TensorId::kWeightZeroPoint] =
            DrawBytes(rng, weights_signed, rng.OneIn(2) ? Dims{columns} : Dims{});
      }
      const bool powers = rng.OneIn(3);
      const auto scale = [&] { return powers ? 0x1p-7 : Normal(rng) * 0.01; };
      c[TensorId::kInputScale] = Tensor(ElementType::kFloat32, {});
      c[TensorId::kInputScale]->Set(0, scale());
      c[TensorId::kWeightScale] =
          Tensor(ElementType::kFloat32, rng.OneIn(2) ? Dims{columns} : Dims{1});
      for (int64_t i = 0; i < c[TensorId::kWeightScale]->size(); ++i) {
        c[TensorId::kWeightScale]->Set(i, scale());
      }
    }
  }
  if ((op == Op::kCore || (op == Op::kAttention && !with_past)) && rng.OneIn(2)) {
    Tensor bias = DrawTensor(rng, data,
                             {rng.OneIn(2) ? 1 : batch, rng.OneIn(2) ? 1 : heads, sequence, total});
    if (rng.OneIn(2)) {
      for (int64_t i = 0; i < bias.size(); ++i) {
        if (rng.OneIn(3)) bias.Set(i, -std::numeric_limits<double>::infinity());
      }
    }
    c[TensorId::kAttentionBias] = bias;
  }
  return c;
}

}  // namespace maskproof::testing

#endif  // MASKPROOF_PROPERTIES_TESTS_ORACLE_CASES_H_
