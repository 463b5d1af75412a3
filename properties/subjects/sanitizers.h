// Which sanitizer this is built with, and the two calls of MemorySanitizer that the harness makes.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_SANITIZERS_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_SANITIZERS_H_

#include <cstddef>

#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#define MASKPROOF_MSAN 1
#include <sanitizer/msan_interface.h>
#endif
#if __has_feature(address_sanitizer)
#define MASKPROOF_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define MASKPROOF_TSAN 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(MASKPROOF_ASAN)
#define MASKPROOF_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__) && !defined(MASKPROOF_TSAN)
#define MASKPROOF_TSAN 1
#endif

namespace maskproof {

#if defined(MASKPROOF_ASAN)
inline constexpr bool kAddressSanitizer = true;
#else
inline constexpr bool kAddressSanitizer = false;
#endif

#if defined(MASKPROOF_TSAN)
inline constexpr bool kThreadSanitizer = true;
#else
inline constexpr bool kThreadSanitizer = false;
#endif

#if defined(MASKPROOF_MSAN)
inline void MarkUninitialised(const void* data, size_t size) { __msan_poison(data, size); }
inline void MarkInitialised(const void* data, size_t size) { __msan_unpoison(data, size); }
inline bool IsInitialised(const void* data, size_t size) {
  return __msan_test_shadow(data, size) == -1;
}
#else
inline void MarkUninitialised(const void* /*data*/, size_t /*size*/) {}
inline void MarkInitialised(const void* /*data*/, size_t /*size*/) {}
inline bool IsInitialised(const void* /*data*/, size_t /*size*/) { return true; }
#endif

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_SANITIZERS_H_
