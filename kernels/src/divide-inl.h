// Division of many numbers by one.
#include "hwy/highway.h"
#include "vector-inl.h"

#if defined(MASKPROOF_KERNELS_SRC_DIVIDE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKPROOF_KERNELS_SRC_DIVIDE_INL_H_
#undef MASKPROOF_KERNELS_SRC_DIVIDE_INL_H_
#else
#define MASKPROOF_KERNELS_SRC_DIVIDE_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

// v / divisor to the last bit, at a few cycles a vector where a division takes sixteen. `divisor`
// is at least 1 and at most 2^40, or the result is NaN; `reciprocal` is 1 / divisor, rounded.
//
// Markstein (IBM Journal of Research and Development 34, 1990): from the rounded reciprocal, and a
// quotient less than one unit in the last place away, the residual, which a fused multiply-add
// gives exactly, leads to the rounded quotient. The product with the reciprocal may be one and a
// half units away, so a first such step brings it near enough and a second ends it. Residuals are
// exact unless they are denormal: smaller numbers, zeros, and what has overflowed are divided.
HWY_INLINE FloatVector Divide(FloatVector v, FloatVector divisor,
                              [[maybe_unused]] FloatVector reciprocal) {
#if HWY_NATIVE_FMA
  const FloatTag d;
  const FloatVector magnitude = hn::Abs(v);
  if (HWY_LIKELY(hn::AllTrue(
          d, hn::And(hn::Gt(magnitude, hn::Set(d, 0x1p-60F)), hn::Lt(magnitude, hn::Inf(d)))))) {
    FloatVector quotient = hn::Mul(v, reciprocal);
    quotient = hn::MulAdd(hn::NegMulAdd(quotient, divisor, v), reciprocal, quotient);
    return hn::MulAdd(hn::NegMulAdd(quotient, divisor, v), reciprocal, quotient);
  }
#endif
  return hn::Div(v, divisor);
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
