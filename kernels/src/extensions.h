// Instructions for 8-bit products that Highway has no target for: Advanced Matrix Extensions on
// AVX3_DL, dot products on NEON. Whether they can be used.
#ifndef MASKPROOF_KERNELS_SRC_EXTENSIONS_H_
#define MASKPROOF_KERNELS_SRC_EXTENSIONS_H_

#include <cstdint>
#include <string_view>

#include "hwy/highway.h"

namespace maskproof::kernels {

// A target of ours is Highway's and a bit that no target of Highway's has.
inline constexpr int64_t kExtensionBit = 1;
// AMX and its products of bfloat16 numbers for the float32 attention core.
inline constexpr int64_t kBf16Bit = 2;
inline constexpr int64_t kAmxTarget = HWY_AVX3_DL | kExtensionBit;
inline constexpr int64_t kAmxBf16Target = kAmxTarget | kBf16Bit;
inline constexpr int64_t kNeonDotTarget = HWY_NEON | kExtensionBit;

// The target that Highway knows.
constexpr int64_t HighwayTarget(int64_t target) { return target & ~(kExtensionBit | kBf16Bit); }

constexpr bool IsExtended(int64_t target) { return (target & kExtensionBit) != 0; }

// "AMX_BF16", "AMX" or "NEON_DOT" of an extended target.
constexpr std::string_view ExtensionName(int64_t target) {
  if (target == kAmxBf16Target) return "AMX_BF16";
  return target == kAmxTarget ? "AMX" : "NEON_DOT";
}

// Whether Highway's target has an extension that processor and operating system support. The first
// call for AVX3_DL asks Linux for the memory of the tile registers, which it gives to a process for
// good.
bool ExtensionIsUsable(int64_t target);
// The same for kBf16Bit.
bool Bf16IsUsable(int64_t target);

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_EXTENSIONS_H_
