// The float projection, past and present of the planted subject.
#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "properties/subjects/planted_problem.h"

namespace maskproof::planted {

Problem::Problem(const BoundCase& bound_case, Defect planted)
    : bound(bound_case), defect(planted), g(GeometryOf(*bound_case.c)) {
  const Attributes& attributes = bound.c->attributes;
  const float given = attributes.scale.value_or(0.0F);
  const bool take = given != 0.0F || (Has(Defect::kScaleZeroTaken) && attributes.scale);
  scale = take ? given : 1.0F / std::sqrt(static_cast<float>(g.head_size));
  if (Has(Defect::kWrongScale)) {
    const auto size = static_cast<float>(g.head_size);
    scale *= std::sqrt(size / (size + 1.0F));
  }
  if (Has(Defect::kScaleSignLost)) scale = std::fabs(scale);
  causal = attributes.unidirectional == 1;
  if (Has(Defect::kCausalIfNonzero)) causal = attributes.unidirectional != 0;
  if (Has(Defect::kCausalNarrowed)) causal = static_cast<int32_t>(attributes.unidirectional) == 1;
  threads = std::max(bound.threads, 1);
  const int64_t heads = g.batch * g.heads;
  q.resize(static_cast<size_t>(heads * g.sequence * g.head_size));
  k.resize(static_cast<size_t>(heads * g.total * g.head_size));
  v.resize(static_cast<size_t>(heads * g.total * g.value_head_size));
}

int64_t Problem::KeyHead(int64_t n) const {
  constexpr int64_t kUnrolledHeads = 8;
  if (Has(Defect::kNinthHead)) return n % kUnrolledHeads;
  if (!Has(Defect::kHeadShift)) return n;
  return n & static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(g.heads)) - 1);
}

float Problem::Value(int64_t b, int64_t n, int64_t t, int64_t i) const {
  const int64_t row = (b * g.heads + KeyHead(n)) * g.total + t;
  int64_t index = row * g.value_head_size + i;
  if (Has(Defect::kVSizeIsH)) {
    index = (row * g.head_size + i) % static_cast<int64_t>(v.size());
  }
  const float value = v[static_cast<size_t>(index)];
  constexpr float kLargestHalf = 65504.0F;
  if (Has(Defect::kClampedValues) && std::fabs(value) > kLargestHalf) {
    return std::copysign(kLargestHalf, value);
  }
  return value;
}

void PlaceColumn(Problem& p, int64_t b, int64_t s, int64_t c, float value) {
  const int64_t hidden = p.g.hidden();
  const int64_t size = p.g.head_size;
  const int64_t value_size = p.g.value_head_size;
  if (c < hidden) {
    p.Q(b, c / size, s, c % size) = value;
  } else if (c < 2 * hidden) {
    const int64_t column = c - hidden;
    p.K(b, column / size, p.g.past + s, column % size) = value;
  } else {
    const int64_t column = c - 2 * hidden;
    p.V(b, column / value_size, p.g.past + s, column % value_size) = value;
  }
}

void ProjectFloat(Problem& p) {
  const float* const input = p.Floats(TensorId::kInput);
  const float* const weights = p.Floats(TensorId::kWeights);
  const float* const bias = p.Floats(TensorId::kBias);
  const int64_t columns = 2 * p.g.hidden() + p.g.value_hidden();
  std::vector<float> sums(static_cast<size_t>(columns));
  constexpr int64_t kDepthBlock = 64;
  const bool whole = p.Has(Defect::kDepthTail64) && p.g.input_width > kDepthBlock;
  int64_t depth = whole ? p.g.input_width / kDepthBlock * kDepthBlock : p.g.input_width;
  constexpr uintptr_t kVectorBytes = 16;
  const bool peels = reinterpret_cast<uintptr_t>(input) % kVectorBytes != 0;
  if (peels && depth > 0 && p.Has(Defect::kPeelLosesLast)) --depth;
  const int64_t stride = p.Has(Defect::kInputWidthIsHidden) ? p.g.hidden() : p.g.input_width;
  const int64_t size = std::max<int64_t>(p.g.batch * p.g.sequence * p.g.input_width, 1);
  for (int64_t b = 0; b < p.g.batch; ++b) {
    for (int64_t s = 0; s < p.g.sequence; ++s) {
      std::fill(sums.begin(), sums.end(), 0.0F);
      for (int64_t d = 0; d < depth; ++d) {
        const float x = input[((b * p.g.sequence + s) * stride + d) % size];
        if (x == 0.0F && p.Has(Defect::kZeroInputSkipped)) continue;
        const float* const row = weights + d * columns;
        for (int64_t c = 0; c < columns; ++c) sums[static_cast<size_t>(c)] += x * row[c];
      }
      for (int64_t c = 0; c < columns; ++c) {
        const float sum = sums[static_cast<size_t>(c)];
        const bool nothing = p.g.input_width == 0;
        const bool biased = bias != nullptr && !(nothing && p.Has(Defect::kNoBiasWithoutFeatures));
        PlaceColumn(p, b, s, c, biased ? sum + bias[c] : sum);
      }
    }
  }
}

void TakeCoreTensors(Problem& p) {
  std::copy_n(p.Floats(TensorId::kQuery), p.q.size(), p.q.data());
  std::copy_n(p.Floats(TensorId::kKey), p.k.size(), p.k.data());
  std::copy_n(p.Floats(TensorId::kValue), p.v.size(), p.v.data());
}

void TakePast(Problem& p) {
  const float* past = p.Floats(TensorId::kPast);
  if (past == nullptr) return;
  // (2,B,N,P,H): keys, then values, both of head size H.
  const int64_t item = p.g.heads * p.g.past * p.g.head_size;
  for (const bool keys : {true, false}) {
    const bool to_keys = keys != p.Has(Defect::kPastSwapped);
    const float* const half = past;
    for (int64_t b = 0; b < p.g.batch; ++b) {
      past = half + (p.Has(Defect::kPastFirstBatch) ? 0 : b * item);
      for (int64_t n = 0; n < p.g.heads; ++n) {
        for (int64_t t = 0; t < p.g.past; ++t) {
          for (int64_t i = 0; i < p.g.head_size; ++i) {
            (to_keys ? p.K(b, n, t, i) : p.V(b, n, t, i)) = *past++;
          }
        }
      }
    }
    past = half + p.g.batch * item;
  }
}

void WritePresent(Problem& p) {
  float* present = p.bound.present;
  if (present == nullptr) return;
  if (p.Has(Defect::kPresentNeedsPast) && p.g.past == 0) return;
  for (const bool keys : {true, false}) {
    for (int64_t b = 0; b < p.g.batch; ++b) {
      for (int64_t n = 0; n < p.g.heads; ++n) {
        for (int64_t t = 0; t < p.g.total; ++t) {
          const bool is_new = t >= p.g.past;
          const bool from_keys = keys || (is_new && p.Has(Defect::kWrongPresent));
          const bool scaled = keys && is_new && p.Has(Defect::kScaledCache);
          for (int64_t i = 0; i < p.g.head_size; ++i) {
            const float value = from_keys ? p.K(b, n, t, i) : p.V(b, n, t, i);
            const bool lost = is_new && p.Has(Defect::kPresentNanZero) && std::isnan(value);
            if (lost) {
              *present++ = 0.0F;
            } else {
              *present++ = scaled ? value * p.scale : value;
            }
          }
        }
      }
    }
  }
}

}  // namespace maskproof::planted
