// The floating-point control state that a called function must hand back as it found it: rounding
// mode, flush-to-zero, denormals-are-zero, exception masks. Sticky exception flags are not control.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_FLOAT_ENVIRONMENT_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_FLOAT_ENVIRONMENT_H_

#include <cstdint>

#if defined(__SSE__) || defined(__x86_64__)
#include <xmmintrin.h>
#elif !defined(__aarch64__)
#include <cfenv>
#endif

namespace maskproof {

#if defined(__SSE__) || defined(__x86_64__)

inline constexpr uint32_t kFloatStatusBits = 0x3F;       // MXCSR: the sticky flags
inline constexpr uint64_t kFlushToZeroControl = 0x8040;  // MXCSR: FTZ and DAZ

inline uint64_t ReadFloatControl() { return _mm_getcsr() & ~kFloatStatusBits; }
inline void WriteFloatControl(uint64_t control) {
  _mm_setcsr(static_cast<uint32_t>(control) | (_mm_getcsr() & kFloatStatusBits));
}

#elif defined(__aarch64__)

inline constexpr uint64_t kFlushToZeroControl = uint64_t{1} << 24;  // FPCR.FZ

inline uint64_t ReadFloatControl() {
  uint64_t control = 0;
  __asm__ volatile("mrs %0, fpcr" : "=r"(control));
  return control;
}
inline void WriteFloatControl(uint64_t control) { __asm__ volatile("msr fpcr, %0" ::"r"(control)); }

#else  // Only the rounding mode is portable.

inline constexpr uint64_t kFlushToZeroControl = 0;

inline uint64_t ReadFloatControl() { return static_cast<uint64_t>(std::fegetround()); }
inline void WriteFloatControl(uint64_t control) { std::fesetround(static_cast<int>(control)); }

#endif

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_FLOAT_ENVIRONMENT_H_
