// The quantisation of a QAttention case, read and written in one form.
#ifndef MASKPROOF_PROPERTIES_INVARIANTS_QUANTISED_OPS_H_
#define MASKPROOF_PROPERTIES_INVARIANTS_QUANTISED_OPS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "properties/case/case.h"

namespace maskproof {

struct Quantisation {
  float input_scale = 1.0F;
  int32_t input_zero = 0;
  std::vector<float> weight_scale;   // one for each of the 3D columns
  std::vector<int32_t> weight_zero;  // likewise
};

Quantisation ReadQuantisation(const Case& c);

void WriteInputScale(Case& c, float scale);
void WriteInputZero(Case& c, int32_t zero);
// One value: per tensor. More: per column.
void WriteWeightScale(Case& c, std::span<const float> scales);
void WriteWeightZero(Case& c, std::span<const int32_t> zeros);

// sum over d of (x[b,s,d] - zx) * (w[d,c] - zw[c]), exactly, as (B*S, 3D).
std::vector<int64_t> IntegerProjection(const Case& c);

// The positive power of two nearest below |x|, its exponent held within [lowest, highest].
float PowerOfTwo(float x, int lowest, int highest);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_INVARIANTS_QUANTISED_OPS_H_
