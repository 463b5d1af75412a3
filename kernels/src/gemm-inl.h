// The float32 matrix product under the projection and the scores: some rows times one packed panel,
// two vectors wide. Every element is one chain of multiply-adds over the depth, in order, in a lane
// of its own: its bits depend on its row and its column and on nothing else.
#include <cstdint>

#include "hwy/highway.h"
#include "vector-inl.h"

#if defined(MASKPROOF_KERNELS_SRC_GEMM_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKPROOF_KERNELS_SRC_GEMM_INL_H_
#undef MASKPROOF_KERNELS_SRC_GEMM_INL_H_
#else
#define MASKPROOF_KERNELS_SRC_GEMM_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

inline constexpr int64_t kGemmRows = 4;

HWY_INLINE int64_t PanelColumns() { return 2 * FloatLanes(); }

struct GemmRows {
  const float* a;  // rows of `depth` floats
  int64_t a_stride;
  float* c;          // rows of a panel; aligned
  int64_t c_stride;  // a multiple of the lanes
};

// c = a * panel, or c += a * panel if `accumulate`, for kRows rows. panel: [depth][PanelColumns()].
// Named variables and no arrays: scalable vectors have no size at compile time.
template <int kRows>
HWY_INLINE void MultiplyRows(const GemmRows& rows, const float* HWY_RESTRICT panel, int64_t depth,
                             bool accumulate) {
  static_assert(kRows >= 1 && kRows <= kGemmRows);
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  const float* const a0 = rows.a;
  const float* const a1 = a0 + (kRows > 1 ? 1 : 0) * rows.a_stride;
  const float* const a2 = a0 + (kRows > 2 ? 2 : 0) * rows.a_stride;
  const float* const a3 = a0 + (kRows > 3 ? 3 : 0) * rows.a_stride;
  float* const c0 = rows.c;
  float* const c1 = c0 + (kRows > 1 ? 1 : 0) * rows.c_stride;
  float* const c2 = c0 + (kRows > 2 ? 2 : 0) * rows.c_stride;
  float* const c3 = c0 + (kRows > 3 ? 3 : 0) * rows.c_stride;

  FloatVector s00 = hn::Zero(d);
  FloatVector s01 = s00;
  FloatVector s10 = s00;
  FloatVector s11 = s00;
  FloatVector s20 = s00;
  FloatVector s21 = s00;
  FloatVector s30 = s00;
  FloatVector s31 = s00;
  if (accumulate) {
    s00 = hn::Load(d, c0);
    s01 = hn::Load(d, c0 + lanes);
    if constexpr (kRows > 1) s10 = hn::Load(d, c1);
    if constexpr (kRows > 1) s11 = hn::Load(d, c1 + lanes);
    if constexpr (kRows > 2) s20 = hn::Load(d, c2);
    if constexpr (kRows > 2) s21 = hn::Load(d, c2 + lanes);
    if constexpr (kRows > 3) s30 = hn::Load(d, c3);
    if constexpr (kRows > 3) s31 = hn::Load(d, c3 + lanes);
  }
  for (int64_t k = 0; k < depth; ++k) {
    const FloatVector b0 = hn::Load(d, panel);
    const FloatVector b1 = hn::Load(d, panel + lanes);
    panel += 2 * lanes;
    const FloatVector x0 = hn::Set(d, a0[k]);
    s00 = hn::MulAdd(x0, b0, s00);
    s01 = hn::MulAdd(x0, b1, s01);
    if constexpr (kRows > 1) {
      const FloatVector x1 = hn::Set(d, a1[k]);
      s10 = hn::MulAdd(x1, b0, s10);
      s11 = hn::MulAdd(x1, b1, s11);
    }
    if constexpr (kRows > 2) {
      const FloatVector x2 = hn::Set(d, a2[k]);
      s20 = hn::MulAdd(x2, b0, s20);
      s21 = hn::MulAdd(x2, b1, s21);
    }
    if constexpr (kRows > 3) {
      const FloatVector x3 = hn::Set(d, a3[k]);
      s30 = hn::MulAdd(x3, b0, s30);
      s31 = hn::MulAdd(x3, b1, s31);
    }
  }
  hn::Store(s00, d, c0);
  hn::Store(s01, d, c0 + lanes);
  if constexpr (kRows > 1) hn::Store(s10, d, c1);
  if constexpr (kRows > 1) hn::Store(s11, d, c1 + lanes);
  if constexpr (kRows > 2) hn::Store(s20, d, c2);
  if constexpr (kRows > 2) hn::Store(s21, d, c2 + lanes);
  if constexpr (kRows > 3) hn::Store(s30, d, c3);
  if constexpr (kRows > 3) hn::Store(s31, d, c3 + lanes);
}

// The same for 1 to kGemmRows rows.
HWY_INLINE void MultiplyPanel(const GemmRows& rows, int64_t count, const float* panel,
                              int64_t depth, bool accumulate) {
  switch (count) {
    case 1:
      return MultiplyRows<1>(rows, panel, depth, accumulate);
    case 2:
      return MultiplyRows<2>(rows, panel, depth, accumulate);
    case 3:
      return MultiplyRows<3>(rows, panel, depth, accumulate);
    default:
      return MultiplyRows<4>(rows, panel, depth, accumulate);
  }
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
