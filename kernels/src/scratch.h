// Scratch memory of one call: one block, handed out piece by piece. Whoever needs memory places its
// pieces twice with the same code: first in an Arena that only counts, then in one with memory.
#ifndef MASKPROOF_KERNELS_SRC_SCRATCH_H_
#define MASKPROOF_KERNELS_SRC_SCRATCH_H_

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <type_traits>

#include "maskproof/kernels/execution.h"
#include "sizes.h"

namespace maskproof::kernels {

// A cache line, and the widest vector of any target.
inline constexpr auto kScratchAlignment = static_cast<int64_t>(kWorkspaceAlignment);

class Arena {
 public:
  // Only counts: what is placed has no memory.
  Arena() = default;
  // `memory` is aligned, and as large as the same pieces have been counted to be.
  explicit Arena(std::byte* memory) : memory_(memory) {}

  // The next `size` bytes; null while counting.
  std::byte* Take(int64_t size) {
    std::byte* const piece = memory_ == nullptr ? nullptr : memory_ + used_;
    used_ = RoundUp(used_ > kMost - size ? kMost : used_ + size, kScratchAlignment);
    return piece;
  }

  int64_t used() const { return used_; }

 private:
  static constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  std::byte* memory_ = nullptr;
  int64_t used_ = 0;
};

// A piece of an Arena; does not own it.
template <typename T>
class Scratch {
  static_assert(std::is_trivially_copyable_v<T> && std::is_trivially_destructible_v<T>);

 public:
  // Takes room for the product of `dims` elements. False if they cannot be counted.
  [[nodiscard]] bool Place(Arena& arena, std::initializer_list<int64_t> dims) {
    const int64_t count = ElementCount({dims.begin(), dims.size()});
    constexpr auto kSize = static_cast<int64_t>(sizeof(T));
    if (count < 0 || count > std::numeric_limits<int64_t>::max() / kSize) return false;
    data_ = count == 0 ? nullptr : reinterpret_cast<T*>(arena.Take(count * kSize));
    return true;
  }

  T* data() { return data_; }
  const T* data() const { return data_; }

 private:
  T* data_ = nullptr;
};

// As Scratch::Place, for memory that is used through `data`.
template <typename T>
[[nodiscard]] bool PlaceAt(T*& data, Arena& arena, std::initializer_list<int64_t> dims) {
  Scratch<T> scratch;
  if (!scratch.Place(arena, dims)) return false;
  data = scratch.data();
  return true;
}

// Bytes that keep apart what different workers write: processors fetch ahead within such a page.
inline constexpr int64_t kScratchApart = 4096;

// Several times the same pieces, each for another worker.
class ScratchOfEach {
 public:
  // Takes room for `count` times what `counted` has counted. False if it cannot be counted.
  [[nodiscard]] bool Place(Arena& arena, int64_t count, const Arena& counted) {
    if (__builtin_add_overflow(counted.used(), kScratchApart, &bytes_)) return false;
    return memory_.Place(arena, {count, bytes_});
  }
  // The memory of one, to place its pieces in.
  Arena Of(int64_t index) { return Arena(memory_.data() + index * bytes_); }

 private:
  Scratch<std::byte> memory_;
  int64_t bytes_ = 0;
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_SCRATCH_H_
