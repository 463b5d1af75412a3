#include "exp_under_test.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "exp_under_test.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include <algorithm>
#include <cstring>

#include "dispatch.h"
#include "exp-inl.h"
#include "hwy/highway.h"
#include "vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

void ExpNonPositiveOf(const float* x, int64_t count, float* y) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  HWY_ALIGN float buffer[kMostLanes];
  for (int64_t i = 0; i < count; i += lanes) {
    const int64_t left = std::min(lanes, count - i);
    hn::Store(ExpNonPositive(LoadPartial(x + i, left)), d, buffer);
    std::memcpy(y + i, buffer, static_cast<size_t>(left) * sizeof(float));
  }
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace maskproof::kernels {
namespace {
HWY_EXPORT(ExpNonPositiveOf);
}  // namespace

void ExpNonPositiveOf(int64_t target, const float* x, int64_t count, float* y) {
  MASKPROOF_FOR_TARGET(ExpNonPositiveOf, target)(x, count, y);
}

}  // namespace maskproof::kernels
#endif  // HWY_ONCE
