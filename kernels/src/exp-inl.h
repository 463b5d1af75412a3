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

// Vectors whose exponentials are taken step by step together: in one alone every step waits for the
// one before, and the processor does not look far enough ahead to fill all of the time with others.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_ARCH_ARM_A64
inline constexpr int kExpVectors = 4;  // 32 registers
#else
inline constexpr int kExpVectors = 2;
#endif

// Replaces every x by e^x, each on its own.
//
// Error below 1 ulp for -126 ln 2 <= x <= 0 (over all floats there the worst is 0.889 with fused
// multiply-add and 0.989 without, see kernels/tests/exp_test.cpp); exactly 1 at 0; exactly 0 below,
// -infinity included, so that no denormal number ever comes up; NaN for NaN.
//
// x = n ln 2 + r with |r| <= ln 2 / 2 (1 + 2^-20), e^x = 2^n (1 + r (1 + r q(r))). q is the minimax
// polynomial of degree 4: its relative error in e^r is below 3.1e-9, a twentieth of an ulp.
template <int kVectors>
HWY_INLINE void ExpNonPositive(FloatVector (&x)[kVectors]) {
  const FloatTag d;
  const FloatVector lowest = hn::Set(d, kLowestExponent);
  const FloatVector integers = hn::Set(d, 0x1.8p23F);
  const FloatVector one = hn::Set(d, 1.0F);
  FloatVector rounded[kVectors];
  FloatVector n[kVectors];
  FloatVector r[kVectors];
  FloatVector q[kVectors];
  const auto each = [](const auto& step) HWY_ATTR {
#pragma GCC unroll 4
    for (int v = 0; v < kVectors; ++v) step(v);
  };

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  // First, so that no x has to be kept.
  __mmask16 stays[kVectors];
  each([&](int v) HWY_ATTR { stays[v] = _mm512_cmp_ps_mask(x[v].raw, lowest.raw, _CMP_NLT_UQ); });
#endif
  // Beside 1.5 * 2^23 a float has no fraction: adding it rounds x / ln 2 to n, which then stands in
  // the lowest bits.
  each([&](int v)
           HWY_ATTR { rounded[v] = hn::MulAdd(x[v], hn::Set(d, 0x1.715476p+0F), integers); });
  each([&](int v) HWY_ATTR { n[v] = hn::Sub(rounded[v], integers); });
  // ln 2 in two parts. The upper one has 16 bits: n times it is exact, and so is the difference.
  each([&](int v) HWY_ATTR { r[v] = hn::NegMulAdd(n[v], hn::Set(d, 0x1.62e4p-1F), x[v]); });
  each([&](int v) HWY_ATTR { r[v] = hn::NegMulAdd(n[v], hn::Set(d, 0x1.7f7d1cp-20F), r[v]); });

  each([&](int v) HWY_ATTR { q[v] = hn::Set(d, 0x1.6a2358p-10F); });
  for (const float coefficient : {0x1.123a68p-7F, 0x1.5558f4p-5F, 0x1.555490p-3F, 0x1.fffffcp-2F}) {
    each([&](int v) HWY_ATTR { q[v] = hn::MulAdd(q[v], r[v], hn::Set(d, coefficient)); });
  }
  // The mantissa.
#if HWY_NATIVE_FMA
  each([&](int v) HWY_ATTR { q[v] = hn::MulAdd(q[v], r[v], one); });
  each([&](int v) HWY_ATTR { q[v] = hn::MulAdd(q[v], r[v], one); });
#else
  // The same with fewer roundings of numbers near 1.
  each([&](int v) HWY_ATTR { q[v] = hn::Add(one, hn::MulAdd(hn::Mul(r[v], r[v]), q[v], r[v])); });
#endif

#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL
  // mantissa * 2^n, or 0, in one instruction.
  each([&](int v)
           HWY_ATTR { x[v] = FloatVector{_mm512_maskz_scalef_ps(stays[v], q[v].raw, n[v].raw)}; });
#else
  const IntTag di;
  each([&](int v) HWY_ATTR {
    const IntVector power =
        hn::Add(hn::ShiftLeft<23>(hn::BitCast(di, rounded[v])), hn::BitCast(di, one));
    x[v] = hn::IfThenZeroElse(hn::Lt(x[v], lowest), hn::Mul(q[v], hn::BitCast(d, power)));
  });
#endif
}

HWY_INLINE FloatVector ExpNonPositive(FloatVector x) {
  FloatVector only[1] = {x};
  ExpNonPositive(only);
  return only[0];
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
