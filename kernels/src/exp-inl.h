// e^x for x <= 0: what a softmax needs once the row maximum is subtracted.
#include "hwy/highway.h"
#include "vector-inl.h"

#if defined(MASKPROOF_KERNELS_SRC_EXP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKPROOF_KERNELS_SRC_EXP_INL_H_
#undef MASKPROOF_KERNELS_SRC_EXP_INL_H_
#else
#define MASKPROOF_KERNELS_SRC_EXP_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

// Smallest float whose exponential is a normal number (-126 ln 2, rounded towards zero).
inline constexpr float kLowestExponent = -0x1.5d589ep+6F;

// Error below 1 ulp for -126 ln 2 <= x <= 0 (over all floats there the worst is 0.889 with fused
// multiply-add and 0.989 without, see kernels/tests/exp_test.cpp); exactly 1 at 0; exactly 0 below,
// -infinity included, so that no denormal number ever comes up; NaN for NaN.
//
// x = n ln 2 + r with |r| <= ln 2 / 2 (1 + 2^-20), e^x = 2^n (1 + r (1 + r q(r))). q is the minimax
// polynomial of degree 4: its relative error in e^r is below 3.1e-9, a twentieth of an ulp.
HWY_INLINE FloatVector ExpNonPositive(FloatVector x) {
  const FloatTag d;
  const FloatVector lowest = hn::Set(d, kLowestExponent);

  // Beside 1.5 * 2^23 a float has no fraction: adding it rounds x / ln 2 to n, which then stands in
  // the lowest bits.
  const FloatVector integers = hn::Set(d, 0x1.8p23F);
  const FloatVector rounded = hn::MulAdd(x, hn::Set(d, 0x1.715476p+0F), integers);
  const FloatVector n = hn::Sub(rounded, integers);
  // ln 2 in two parts. The upper one has 16 bits: n times it is exact, and so is the difference.
  FloatVector r = hn::NegMulAdd(n, hn::Set(d, 0x1.62e4p-1F), x);
  r = hn::NegMulAdd(n, hn::Set(d, 0x1.7f7d1cp-20F), r);

  const FloatVector one = hn::Set(d, 1.0F);
  FloatVector q = hn::Set(d, 0x1.6a2358p-10F);
  q = hn::MulAdd(q, r, hn::Set(d, 0x1.123a68p-7F));
  q = hn::MulAdd(q, r, hn::Set(d, 0x1.5558f4p-5F));
  q = hn::MulAdd(q, r, hn::Set(d, 0x1.555490p-3F));
  q = hn::MulAdd(q, r, hn::Set(d, 0x1.fffffcp-2F));
#if HWY_NATIVE_FMA
  const FloatVector mantissa = hn::MulAdd(hn::MulAdd(q, r, one), r, one);
#else
  // The same with fewer roundings of numbers near 1.
  const FloatVector mantissa = hn::Add(one, hn::MulAdd(hn::Mul(r, r), q, r));
#endif

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  // mantissa * 2^n, or 0, in one instruction.
  const __mmask16 stays = _mm512_cmp_ps_mask(x.raw, lowest.raw, _CMP_NLT_UQ);
  return FloatVector{_mm512_maskz_scalef_ps(stays, mantissa.raw, n.raw)};
#else
  const IntTag di;
  const IntVector power =
      hn::Add(hn::ShiftLeft<23>(hn::BitCast(di, rounded)), hn::BitCast(di, one));
  return hn::IfThenZeroElse(hn::Lt(x, lowest), hn::Mul(mantissa, hn::BitCast(d, power)));
#endif
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
