// Scores, attention_bias and masks of one row. Correctly done a mask only decides who takes part;
// the mask defects put it back into the numbers.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "properties/case/floats.h"
#include "properties/subjects/planted_row.h"

namespace maskproof::planted {
namespace {

constexpr float kFill = -10000.0F;

float Dot(const float* a, const float* b, int64_t count) {
  float sum = 0.0F;
  for (int64_t i = 0; i < count; ++i) sum += a[i] * b[i];
  return sum;
}

// Lanes of query and key that are multiplied.
int64_t DotColumns(const Problem& p) {
  const int64_t size = p.g.head_size;
  constexpr int64_t kMostLanes = 64;
  if (p.Has(Defect::kOddLane) && size > 1) return size / 2 * 2;
  return p.Has(Defect::kLane64) ? std::min(size, kMostLanes) : size;
}

// The row of attention_bias for (b, n, s), or null.
const float* BiasRow(const Problem& p, const Row& row) {
  const float* const bias = p.Floats(TensorId::kAttentionBias);
  if (bias == nullptr) return nullptr;
  const Dims& dims = p.DimsOf(TensorId::kAttentionBias);
  int64_t item = dims[0] == 1 ? 0 : row.b;
  const int64_t head = dims[1] == 1 ? 0 : row.n;
  if (p.Has(Defect::kBiasBatchBroadcast) && dims[0] > 1 && dims[1] == 1) item = row.n % dims[0];
  return bias + ((item * dims[1] + head) * p.g.sequence + row.s) * p.g.total;
}

// To 11 significant bits, as a half-precision number holds them; overflow is left out.
float RoundToHalf(float x) {
  if (!std::isfinite(x)) return x;
  int exponent = 0;
  const float fraction = std::frexp(x, &exponent);
  constexpr float kUnits = 2048.0F;
  return std::ldexp(std::nearbyint(fraction * kUnits) / kUnits, exponent);
}

float SpoilScore(const Problem& p, float score) {
  constexpr float kMost = 50000.0F;
  if (p.Has(Defect::kHalfScores)) return RoundToHalf(score);
  if (p.Has(Defect::kScoreClamp)) {
    if (score > kMost) return kMost;
    if (score < -kMost) return -kMost;
  }
  return score;
}

struct KeyMask {
  bool padded = false;
  bool future = false;
  bool hidden = false;  // -inf in attention_bias
  bool visible() const { return !padded && !future && !hidden; }
};

// What the mask defects make of one key. True if they have decided, and not the masks.
bool SpoilLogit(const Problem& p, const KeyMask& key, float& logit, uint8_t& part) {
  switch (p.defect) {
    case Defect::kAdditiveMask:
    case Defect::kFillValueUsed: {
      const float given = p.bound.c->attributes.mask_filter_value.value_or(kFill);
      if (key.padded) logit += p.Has(Defect::kFillValueUsed) ? given : kFill;
      part = !key.future && !key.hidden ? 1 : 0;
      return true;
    }
    case Defect::kStackedMasks:
      if (key.padded) logit += kFill;
      if (key.future) logit += kFill;
      part = key.hidden ? 0 : 1;
      return true;
    case Defect::kOverwriteFuture: {
      const float fill = (key.padded ? kFill : 0.0F) + (key.future ? kFill : 0.0F);
      logit = key.future ? fill : logit + fill;
      part = key.hidden ? 0 : 1;
      return true;
    }
    case Defect::kLowestThenAdd:
      if (key.padded || key.future) logit += std::numeric_limits<float>::lowest();
      part = 1;
      return true;
    case Defect::kMinusInfTimesMask:
      if (!key.padded || !key.hidden) return false;
      logit = std::numeric_limits<float>::quiet_NaN();
      part = 1;
      return true;
    case Defect::kNanIgnored:
      part = key.visible() && !std::isnan(logit) ? 1 : 0;
      return true;
    default:
      return false;
  }
}

}  // namespace

bool Row::AnyPart() const { return std::find(part.begin(), part.end(), 1) != part.end(); }

void FillLogits(const Problem& p, const MaskReader& mask, Row& row) {
  const auto total = static_cast<size_t>(p.g.total);
  row.logit.resize(total);
  row.part.resize(total);
  const float* const query = p.QueryRow(row.b, row.n, row.s);
  const float* const bias = BiasRow(p, row);
  const int64_t columns = DotColumns(p);
  const bool masked_head = !p.Has(Defect::kMaskFirstHead) || row.n == 0;
  // exp2 of scores that carry log2(e), and of a bias that does not.
  const float bias_unit = p.Has(Defect::kExp2Bias) ? std::numbers::ln2_v<float> : 1.0F;
  for (size_t t = 0; t < total; ++t) {
    const auto key_index = static_cast<int64_t>(t);
    const float score = Dot(query, p.KeyRow(row.b, row.n, key_index), columns);
    float& logit = row.logit[t];
    logit = SpoilScore(p, p.scale * score);
    if (bias != nullptr) {
      logit = p.Has(Defect::kBiasBeforeScale) ? p.scale * (score + bias[t])
                                              : logit + bias[t] * bias_unit;
    }
    const KeyMask key{.padded = masked_head && mask.Padded(row.b, row.s, key_index),
                      .future = mask.Future(row.s, key_index),
                      .hidden = bias != nullptr && bias[t] == -kInfinity};
    if (!SpoilLogit(p, key, logit, row.part[t])) row.part[t] = key.visible() ? 1 : 0;
  }

  // Masked keys in the softmax with a logit of -inf: harmful only if there is nothing else, or if
  // exp has a floor.
  const bool any = row.AnyPart();
  if ((p.Has(Defect::kInfMinusInf) && !any) || (p.Has(Defect::kExpFloor) && any)) {
    for (size_t t = 0; t < total; ++t) {
      if (row.part[t] == 0) row.logit[t] = -kInfinity;
      row.part[t] = 1;
    }
  }
}

}  // namespace maskproof::planted
