// The exponential of the kernels, reached from outside of a kernel.
#ifndef MASKPROOF_KERNELS_TESTS_EXP_UNDER_TEST_H_
#define MASKPROOF_KERNELS_TESTS_EXP_UNDER_TEST_H_

#include <cstdint>

namespace maskproof::kernels {

// y[i] = ExpNonPositive(x[i]) on one of SupportedTargets().
void ExpNonPositiveOf(int64_t target, const float* x, int64_t count, float* y);

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_TESTS_EXP_UNDER_TEST_H_
