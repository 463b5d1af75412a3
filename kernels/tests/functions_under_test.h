// Functions of vectors that the kernels use, reached from outside of a kernel.
#ifndef MASKPROOF_KERNELS_TESTS_FUNCTIONS_UNDER_TEST_H_
#define MASKPROOF_KERNELS_TESTS_FUNCTIONS_UNDER_TEST_H_

#include <cstdint>

namespace maskproof::kernels {

// y[i] = ExpNonPositive(x[i]) on one of SupportedTargets().
void ExpNonPositiveOf(int64_t target, const float* x, int64_t count, float* y);
// y[i] = Divide(x[i], divisor, 1 / divisor).
void DivideOf(int64_t target, const float* x, int64_t count, float divisor, float* y);

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_TESTS_FUNCTIONS_UNDER_TEST_H_
