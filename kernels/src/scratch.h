// Scratch memory of one call: aligned, uninitialised, and never thrown for.
#ifndef MASKPROOF_KERNELS_SRC_SCRATCH_H_
#define MASKPROOF_KERNELS_SRC_SCRATCH_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <new>
#include <span>
#include <type_traits>

#include "sizes.h"

namespace maskproof::kernels {

// A cache line, and the widest vector of any target.
inline constexpr int64_t kScratchAlignment = 64;

template <typename T>
class Scratch {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  Scratch() = default;
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { Release(); }

  // Makes room for the product of `dims` elements. False if there is not that much memory.
  [[nodiscard]] bool Allocate(std::initializer_list<int64_t> dims) {
    Release();
    const int64_t count = ElementCount({dims.begin(), dims.size()});
    constexpr auto kSize = static_cast<int64_t>(sizeof(T));
    if (count < 0 || count > std::numeric_limits<int64_t>::max() / kSize) return false;
    if (count == 0) return true;
    data_ = static_cast<T*>(::operator new(static_cast<size_t>(count) * sizeof(T),
                                           std::align_val_t{kScratchAlignment}, std::nothrow));
    return data_ != nullptr;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }

 private:
  void Release() {
    ::operator delete(data_, std::align_val_t{kScratchAlignment});
    data_ = nullptr;
  }

  T* data_ = nullptr;
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_SCRATCH_H_
