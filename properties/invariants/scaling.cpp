// power-of-two-scaling: floating point does not mind a factor of two.
#include <algorithm>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "properties/base/rng.h"
#include "properties/case/visibility.h"
#include "properties/invariants/compare.h"
#include "properties/invariants/laws.h"
#include "properties/invariants/quantised_ops.h"
#include "properties/invariants/tensor_ops.h"
#include "properties/invariants/transform.h"

namespace maskproof {
namespace {

constexpr double kSmallestWeight = 0x1p-20;

// Multiples of 2^-10 within 64: no product or sum of them comes near either end of float32's range.
void Coarsen(Tensor& tensor) {
  for (float& value : tensor.as<float>()) {
    const float finite = std::isnan(value) ? 1.0F : std::clamp(value, -64.0F, 64.0F);
    value = std::nearbyint(finite * 1024.0F) / 1024.0F;
  }
}

// docs/invariants.md (5): data of which no stage underflows or overflows.
Case WithCoarseData(const Case& c) {
  Case coarse = c;
  for (const TensorId id : {TensorId::kInput, TensorId::kWeights, TensorId::kBias, TensorId::kPast,
                            TensorId::kQuery, TensorId::kKey, TensorId::kValue}) {
    if (coarse.has(id) && At(coarse, id).type == ElementType::kFloat32) Coarsen(At(coarse, id));
  }
  if (c.op == Op::kQAttention) {
    const auto power = [](float x) { return PowerOfTwo(x, -8, 2); };
    WriteInputScale(coarse, power(ReadQuantisation(c).input_scale));
    for (float& scale : At(coarse, TensorId::kWeightScale).as<float>()) scale = power(scale);
  }
  float scale = coarse.attributes.scale.value_or(0.0F);
  if (std::fabs(scale) < 0x1p-40F || std::fabs(scale) > 0x1p40F) {
    scale = static_cast<float>(1.0 / std::sqrt(static_cast<double>(GeometryOf(c).head_size)));
  }
  coarse.attributes.scale = scale;
  return coarse;
}

// Columns [first, first + count) of the projection times `factor`.
void ScaleColumns(Case& c, int64_t first, int64_t count, float factor) {
  if (c.op == Op::kQAttention) {
    Quantisation q = ReadQuantisation(c);
    for (int64_t column = first; column < first + count; ++column) {
      q.weight_scale[static_cast<size_t>(column)] *= factor;
    }
    WriteWeightScale(c, q.weight_scale);
  } else {
    const auto columns = static_cast<size_t>(At(c, TensorId::kWeights).dims[1]);
    const std::span<float> weights = At(c, TensorId::kWeights).as<float>();
    for (size_t row = 0; row < weights.size(); row += columns) {
      for (float& value :
           weights.subspan(row + static_cast<size_t>(first), static_cast<size_t>(count))) {
        value *= factor;
      }
    }
  }
  if (!c.has(TensorId::kBias)) return;
  const std::span<float> bias = At(c, TensorId::kBias).as<float>();
  for (float& value : bias.subspan(static_cast<size_t>(first), static_cast<size_t>(count))) {
    value *= factor;
  }
}

void ScaleAll(std::span<float> values, float factor) {
  for (float& value : values) value *= factor;
}

void ScaleValues(Case& c, float factor) {
  const Geometry g = GeometryOf(c);
  if (c.op == Op::kCore) {
    ScaleAll(At(c, TensorId::kValue).as<float>(), factor);
    return;
  }
  ScaleColumns(c, 2 * g.hidden(), g.value_hidden(), factor);
  if (!c.has(TensorId::kPast)) return;
  const std::span<float> past = At(c, TensorId::kPast).as<float>();
  ScaleAll(past.subspan(past.size() / 2), factor);
}

void ScaleQueries(Case& c, float factor) {
  if (c.op == Op::kCore) {
    ScaleAll(At(c, TensorId::kQuery).as<float>(), factor);
  } else {
    ScaleColumns(c, 0, GeometryOf(c).hidden(), factor);
  }
  c.attributes.scale = c.attributes.scale.value_or(0.0F) / factor;
}

// Whether all the weights that a row gives are far from underflow.
bool WeightsAreLarge(const Reference& reference, const Visibility& visibility, const Row& row) {
  const Geometry& g = reference.geometry;
  const auto first =
      static_cast<size_t>(((row.batch * g.heads + row.head) * g.sequence + row.index) * g.total);
  for (int64_t t = 0; t < g.total; ++t) {
    if (!visibility.Sees(row.batch, row.head, row.index, t)) continue;
    if (!(reference.weights[first + static_cast<size_t>(t)] >= kSmallestWeight)) return false;
  }
  return true;
}

}  // namespace

Verdict CheckPowerOfTwoScaling(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x10));
  Case base = WithCoarseData(c);
  Case scaled = base;
  const bool values = rng.OneIn(2);
  CompareOptions options;
  if (values) {
    options.factor = std::ldexp(1.0, static_cast<int>(rng.Between(1, 12)));
    ScaleValues(scaled, static_cast<float>(options.factor));
  } else {
    // Even, so that a kernel that puts sqrt(scale) on either side finds an exact root.
    const auto half = static_cast<int>(rng.Between(1, 5));
    ScaleQueries(scaled, std::ldexp(1.0F, rng.OneIn(2) ? 2 * half : -2 * half));
  }
  options.strictness =
      subject.promises().deterministic ? Strictness::kBitwise : Strictness::kBounded;
  const Visibility visibility(base);
  std::optional<Reference> reference;
  if (values) {
    options.binding = [&](const Row& row) {
      if (!reference) {
        OracleOptions oracle = OracleOptionsOf(subject);
        oracle.want_weights = true;
        reference = ComputeReference(base, oracle);
      }
      return WeightsAreLarge(*reference, visibility, row);
    };
  }
  Verdict verdict;
  std::optional<Trial> original = Try(subject, base, verdict);
  if (!original) return verdict;
  std::optional<Trial> changed = Try(subject, std::move(scaled), verdict);
  if (!changed) return verdict;
  return CompareRows(subject, *original, *changed, SameRow,
                     values ? "the values times a power of two"
                            : "the queries times a power of two, the scale divided by it",
                     options);
}

}  // namespace maskproof
