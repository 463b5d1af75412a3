// Softmax in one pass over blocks of keys, as flash attention does it: a running maximum, and sums
// that are rescaled whenever it grows. Only its own defects run it.
#include <algorithm>
#include <cmath>
#include <limits>

#include "properties/case/floats.h"
#include "properties/subjects/planted_row.h"

namespace maskproof::planted {
namespace {

constexpr int64_t kLargeBlock = 256;  // keys

}  // namespace

void OnlineRow(const Problem& p, const Row& row, float* out) {
  const bool from_infinity = p.Has(Defect::kBlockInfMinusInf);
  const int64_t total = p.g.total;
  const int64_t columns = p.g.value_head_size;
  // A sound kernel starts from a finite maximum, so that a block without keys changes nothing.
  float maximum = from_infinity ? -kInfinity : std::numeric_limits<float>::lowest();
  float sum = 0.0F;
  std::fill_n(out, columns, 0.0F);
  const int64_t block = p.Has(Defect::kLateRescale256) ? kLargeBlock : kLanes;
  const bool late = p.Has(Defect::kLateRescale) || p.Has(Defect::kLateRescale256);
  for (int64_t begin = 0; begin < total; begin += block) {
    const int64_t end = std::min(begin + block, total);
    float block_maximum = maximum;
    for (int64_t t = begin; t < end; ++t) {
      const auto at = static_cast<size_t>(t);
      if (row.part[at] != 0) block_maximum = std::max(block_maximum, row.logit[at]);
    }
    const float rescale = std::exp(maximum - block_maximum);
    const bool partial = end - begin < block;
    maximum = block_maximum;
    sum *= rescale;
    if (!partial || !late) {
      for (int64_t i = 0; i < columns; ++i) out[i] *= rescale;
    }
    for (int64_t t = begin; t < end; ++t) {
      const auto at = static_cast<size_t>(t);
      if (row.part[at] == 0) continue;
      const float weight = std::exp(row.logit[at] - maximum);
      sum += weight;
      for (int64_t i = 0; i < columns; ++i) out[i] += weight * p.Value(row.b, row.n, t, i);
    }
  }
  for (int64_t i = 0; i < columns; ++i) out[i] /= sum;
}

}  // namespace maskproof::planted
