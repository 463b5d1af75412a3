// Advanced Matrix Extensions for 8-bit integers: whether they can be used.
#ifndef MASKPROOF_KERNELS_SRC_AMX_H_
#define MASKPROOF_KERNELS_SRC_AMX_H_

#include <cstdint>

#include "hwy/highway.h"

namespace maskproof::kernels {

// Highway has no target with AMX: ours is its AVX3_DL and a bit that no target of Highway's has.
inline constexpr int64_t kAmxBit = 1;
inline constexpr int64_t kAmxTarget = HWY_AVX3_DL | kAmxBit;

// The target that Highway knows.
constexpr int64_t HighwayTarget(int64_t target) { return target & ~kAmxBit; }

// Whether processor and operating system have AMX. The first call asks Linux for the memory of the
// tile registers, which it gives to a process for good.
bool AmxIsUsable();

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_AMX_H_
