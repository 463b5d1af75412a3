#include "extensions.h"

#include "hwy/highway.h"

#if HWY_ARCH_X86_64 && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#elif HWY_ARCH_ARM_A64 && defined(__linux__)
#include <sys/auxv.h>
#endif

namespace maskproof::kernels {
namespace {

#if HWY_ARCH_X86_64 && defined(__linux__)

// Intel's Software Developer's Manual, volume 2, CPUID: leaf 7, subleaf 0, EDX.
constexpr unsigned kAmxBf16Bit = 1U << 22;
constexpr unsigned kAmxTileBit = 1U << 24;
constexpr unsigned kAmxInt8Bit = 1U << 25;

bool ProcessorHas(unsigned bits) {
  unsigned eax = 0;
  unsigned ebx = 0;
  unsigned ecx = 0;
  unsigned edx = 0;
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0) return false;
  return (edx & bits) == bits;
}

// Linux 5.16 and later, Documentation/arch/x86/xstate.rst. Fails where the tiles are not enabled,
// or a thread has a signal stack too small to save them.
bool LinuxAllowsTiles() {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}

bool AmxIsUsable() {
  static const bool usable = ProcessorHas(kAmxTileBit | kAmxInt8Bit) && LinuxAllowsTiles();
  return usable;
}

bool AmxBf16IsUsable() { return AmxIsUsable() && ProcessorHas(kAmxBf16Bit); }

#else

bool AmxIsUsable() { return false; }
bool AmxBf16IsUsable() { return false; }

#endif

bool NeonDotIsUsable() {
#if HWY_ARCH_ARM_A64 && defined(__linux__)
  constexpr unsigned long kDotProducts = 1UL << 20;  // HWCAP_ASIMDDP
  return (getauxval(AT_HWCAP) & kDotProducts) != 0;
#else
  return false;
#endif
}

}  // namespace

bool ExtensionIsUsable(int64_t target) {
  if (target == HWY_AVX3_DL) return AmxIsUsable();
  return target == HWY_NEON && NeonDotIsUsable();
}

bool Bf16IsUsable(int64_t target) { return target == HWY_AVX3_DL && AmxBf16IsUsable(); }

}  // namespace maskproof::kernels
