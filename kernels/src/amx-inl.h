// Intel's tile registers: what all kernels that use them have in common. Nothing but for AVX3_DL.
#include <cstdint>

#include "hwy/highway.h"

#if defined(MASKPROOF_KERNELS_SRC_AMX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKPROOF_KERNELS_SRC_AMX_INL_H_
#undef MASKPROOF_KERNELS_SRC_AMX_INL_H_
#else
#define MASKPROOF_KERNELS_SRC_AMX_INL_H_
#endif

// Highway's attributes of AVX3_DL lack those of AMX, which are used only where ExtensionIsUsable().
#undef MASKPROOF_BEFORE_AMX_NAMESPACE
#define MASKPROOF_BEFORE_AMX_NAMESPACE()                            \
  HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",amx-tile,amx-int8,amx-bf16") \
  static_assert(true, "For requiring trailing semicolon")

#if HWY_TARGET == HWY_AVX3_DL

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define MASKPROOF_UNPOISON(data, bytes) __msan_unpoison(data, bytes)
#endif
#endif
#ifndef MASKPROOF_UNPOISON
#define MASKPROOF_UNPOISON(data, bytes) static_cast<void>(0)
#endif

MASKPROOF_BEFORE_AMX_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

// A tile register: 16 rows of 16 words.
inline constexpr int64_t kRegisterWords = 16;
inline constexpr int64_t kRegisterRowBytes = 64;
inline constexpr int64_t kWordBytes = 4;

// What LDTILECFG reads: Intel's Software Developer's Manual, volume 1, "Intel AMX".
struct alignas(kRegisterRowBytes) TileConfiguration {
  uint8_t palette = 1;
  uint8_t start_row = 0;
  uint8_t reserved[14] = {};
  uint16_t row_bytes[16] = {};
  uint8_t rows[16] = {};

  void Set(int tile, int64_t count) {
    row_bytes[tile] = static_cast<uint16_t>(count == 0 ? 0 : kRegisterRowBytes);
    rows[tile] = static_cast<uint8_t>(count);
  }

  void Load() const {
    // GCC's intrinsic does not say that all of it is read.
    __asm__ volatile("" : : "r"(this) : "memory");
    _tile_loadconfig(this);
  }
};

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET

#endif
