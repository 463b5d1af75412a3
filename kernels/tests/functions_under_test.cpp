#include "functions_under_test.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "functions_under_test.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include <algorithm>
#include <cstring>

#include "dispatch.h"
#include "divide-inl.h"
#include "exp-inl.h"
#include "hwy/highway.h"
#include "vector-inl.h"

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

// y[i] = function(x[i]).
template <typename Function>
void Apply(const Function& function, const float* x, int64_t count, float* y) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  HWY_ALIGN float buffer[kMostLanes];
  for (int64_t i = 0; i < count; i += lanes) {
    const int64_t left = std::min(lanes, count - i);
    hn::Store(function(LoadPartial(x + i, left)), d, buffer);
    std::memcpy(y + i, buffer, static_cast<size_t>(left) * sizeof(float));
  }
}

// As many vectors together as the kernels take, then one by one.
void ExpNonPositiveOf(const float* x, int64_t count, float* y) {
  const FloatTag d;
  const int64_t lanes = FloatLanes();
  int64_t i = 0;
  for (; i + kExpVectors * lanes <= count; i += kExpVectors * lanes) {
    FloatVector v[kExpVectors];
    for (int k = 0; k < kExpVectors; ++k) v[k] = hn::LoadU(d, x + i + k * lanes);
    ExpNonPositive(v);
    for (int k = 0; k < kExpVectors; ++k) hn::StoreU(v[k], d, y + i + k * lanes);
  }
  Apply([](FloatVector v) { return ExpNonPositive(v); }, x + i, count - i, y + i);
}

void DivideOf(const float* x, int64_t count, float divisor, float* y) {
  const FloatTag d;
  const auto divide = [&](FloatVector v) {
    return Divide(v, hn::Set(d, divisor), hn::Set(d, 1.0F / divisor));
  };
  Apply(divide, x, count, y);
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace maskproof::kernels {
namespace {
HWY_EXPORT(DivideOf);
HWY_EXPORT(ExpNonPositiveOf);

// The dispatch would fall back to another target without a word.
void ExpectCompiledFor(int64_t target) { HWY_ASSERT((HWY_TARGETS & HighwayTarget(target)) != 0); }

}  // namespace

void ExpNonPositiveOf(int64_t target, const float* x, int64_t count, float* y) {
  ExpectCompiledFor(target);
  MASKPROOF_FOR_TARGET(ExpNonPositiveOf, target)(x, count, y);
}

void DivideOf(int64_t target, const float* x, int64_t count, float divisor, float* y) {
  ExpectCompiledFor(target);
  MASKPROOF_FOR_TARGET(DivideOf, target)(x, count, divisor, y);
}

}  // namespace maskproof::kernels
#endif  // HWY_ONCE
