#include "properties/invariants/probe.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <span>
#include <utility>

#include "properties/invariants/quantised_ops.h"
#include "properties/invariants/tensor_ops.h"
#include "properties/oracle/oracle.h"

namespace maskproof {
namespace {

// Value rows [first, first + keys) of a (B,N,T,Hv) block become one-hot, the others zero.
void WriteOneHot(std::span<float> values, int64_t items, int64_t rows, int64_t columns,
                 const WeightProbe& probe, double unit) {
  std::ranges::fill(values, 0.0F);
  for (int64_t item = 0; item < items; ++item) {
    for (int64_t key = 0; key < probe.keys; ++key) {
      const int64_t row = probe.first_key + key;
      if (row >= rows) continue;
      values[static_cast<size_t>((((item * rows) + row) * columns) + key)] =
          static_cast<float>(unit);
    }
  }
}

// The value half of the past.
void ProbePast(WeightProbe& probe, const Geometry& g) {
  if (!probe.c.has(TensorId::kPast)) return;
  const std::span<float> past = At(probe.c, TensorId::kPast).as<float>();
  WriteOneHot(past.subspan(past.size() / 2), g.batch * g.heads, g.past, g.head_size, probe,
              probe.unit);
}

// What an input column must hold to count as nothing and as a hit, likewise a weight.
struct Marks {
  double input_zero = 0.0;
  double input_hit = 1.0;
  std::vector<double> weight_zero;  // one for each column
  std::vector<double> weight_hit;
};

// Every token gets more input features, in every probe of a case as many, so that the sums under
// its queries and keys stay the same: feature j marks token first_key + j, and the value columns
// read nothing else.
void ProbeTokens(WeightProbe& probe, const Geometry& g, const Marks& marks) {
  const int64_t marking = std::min(g.value_head_size, g.total);
  Tensor& input = At(probe.c, TensorId::kInput);
  Tensor& weights = At(probe.c, TensorId::kWeights);
  std::vector<int64_t> features = Range(0, g.input_width);
  features.resize(features.size() + static_cast<size_t>(marking), kFresh);
  input = Gather(input, 2, features);
  weights = Gather(weights, 0, features);
  const int64_t width = g.input_width + marking;
  for (int64_t token = 0; token < g.batch * g.sequence; ++token) {
    const int64_t marked = g.past + (token % g.sequence) - probe.first_key;
    for (int64_t key = 0; key < marking; ++key) {
      input.Set((token * width) + g.input_width + key,
                key == marked ? marks.input_hit : marks.input_zero);
    }
  }
  const int64_t columns = weights.dims[1];
  const int64_t first_value = 2 * g.hidden();
  for (int64_t feature = 0; feature < width; ++feature) {
    const int64_t key = feature - g.input_width;
    for (int64_t column = key < 0 ? first_value : 0; column < columns; ++column) {
      const bool reads =
          column >= first_value && key >= 0 && (column - first_value) % g.value_head_size == key;
      const auto of = static_cast<size_t>(column);
      weights.Set((feature * columns) + column,
                  reads ? marks.weight_hit[of] : marks.weight_zero[of]);
    }
  }
  if (probe.c.has(TensorId::kBias)) {
    Fill(At(probe.c, TensorId::kBias), first_value, columns - first_value, 0.0);
  }
}

// One step up, or down at the top of the range.
int32_t Neighbour(int32_t value, ElementType type) {
  return value < RangeOf(type).highest ? value + 1 : value - 1;
}

bool ProbeQuantised(WeightProbe& probe, const Geometry& g) {
  Quantisation q = ReadQuantisation(probe.c);
  if (!std::isnormal(q.input_scale) || std::abs(std::ilogb(q.input_scale)) > 100) return false;
  const ElementType input_type = At(probe.c, TensorId::kInput).type;
  const ElementType weight_type = At(probe.c, TensorId::kWeights).type;
  Marks marks;
  marks.input_zero = q.input_zero;
  const int32_t input_hit = Neighbour(q.input_zero, input_type);
  marks.input_hit = input_hit;
  // All value columns alike: one zero point, one scale that brings the unit into [1, 2).
  const auto first_value = static_cast<size_t>(2 * g.hidden());
  const int32_t value_zero = q.weight_zero[first_value];
  const float value_scale = std::ldexp(1.0F, -std::ilogb(q.input_scale));
  for (size_t column = first_value; column < q.weight_zero.size(); ++column) {
    q.weight_zero[column] = value_zero;
    q.weight_scale[column] = value_scale;
  }
  for (const int32_t zero : q.weight_zero) {
    marks.weight_zero.push_back(zero);
    marks.weight_hit.push_back(Neighbour(zero, weight_type));
  }
  const std::optional<Tensor>& weight_zero = probe.c[TensorId::kWeightZeroPoint];
  if (weight_zero && weight_zero->size() > 1) WriteWeightZero(probe.c, q.weight_zero);
  WriteWeightScale(probe.c, q.weight_scale);
  const double sign = static_cast<double>(input_hit - q.input_zero) *
                      static_cast<double>(Neighbour(value_zero, weight_type) - value_zero);
  probe.unit = sign * static_cast<double>(q.input_scale) * static_cast<double>(value_scale);
  ProbeTokens(probe, g, marks);
  return true;
}

}  // namespace

std::optional<WeightProbe> MakeProbe(const Case& c, int64_t first_key) {
  const Geometry g = GeometryOf(c);
  WeightProbe probe{.c = c,
                    .first_key = first_key,
                    .keys = std::min(g.value_head_size, g.total - first_key),
                    .unit = 1.0};
  switch (c.op) {
    case Op::kCore:
      WriteOneHot(At(probe.c, TensorId::kValue).as<float>(), g.batch * g.heads, g.total,
                  g.value_head_size, probe, probe.unit);
      return probe;
    case Op::kAttention: {
      const auto columns = static_cast<size_t>(At(c, TensorId::kWeights).dims[1]);
      ProbeTokens(probe, g,
                  {.weight_zero = std::vector<double>(columns, 0.0),
                   .weight_hit = std::vector<double>(columns, 1.0)});
      break;
    }
    case Op::kQAttention:
      if (!ProbeQuantised(probe, g)) return std::nullopt;
      break;
  }
  ProbePast(probe, g);
  return probe;
}

ProbedWeights ProbeWeights(Subject& subject, const Case& c, const RunRequest& request) {
  const Geometry g = GeometryOf(c);
  ProbedWeights result;
  result.weights.resize(static_cast<size_t>(g.batch * g.heads * g.sequence * g.total));
  for (int64_t first = 0; first < g.total; first += g.value_head_size) {
    const std::optional<WeightProbe> probe = MakeProbe(c, first);
    if (!probe || !subject.Supports(probe->c)) {
      result.message = "the case cannot carry a probe";
      return result;
    }
    const Outcome outcome = subject.Run(probe->c, request);
    if (outcome.kind != OutcomeKind::kOutput) {
      result.kind = outcome.kind;
      result.message = outcome.message;
      return result;
    }
    const std::span<const float> got = outcome.output.output.as<float>();
    int64_t row = 0;
    for (int64_t b = 0; b < g.batch; ++b) {
      for (int64_t n = 0; n < g.heads; ++n) {
        for (int64_t s = 0; s < g.sequence; ++s, ++row) {
          for (int64_t key = 0; key < probe->keys; ++key) {
            const auto from = static_cast<size_t>(OutputIndex(c.op, g, b, n, s, key));
            const double weight = static_cast<double>(got[from]) / probe->unit;
            result.weights[static_cast<size_t>((row * g.total) + first + key)] =
                static_cast<float>(weight);
          }
        }
      }
    }
  }
  result.kind = OutcomeKind::kOutput;
  return result;
}

}  // namespace maskproof
