#include "properties/subjects/memory_arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <bit>
#include <cstddef>

namespace maskproof {

MemoryArena::~MemoryArena() { Release(); }

void MemoryArena::Release() {
  if (mapping_ != nullptr) munmap(mapping_, capacity_ + 2 * page_);
  mapping_ = nullptr;
  capacity_ = 0;
}

MemoryArena::Placed MemoryArena::Place(size_t size, MemoryPlacement placement, size_t shift) {
  if (placement != MemoryPlacement::kUnaligned) shift = 0;
  if (shift + size + kCanaryBytes > capacity_) {
    Release();
    page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    // Powers of two, so that growing cases remap only a few times.
    const size_t capacity = std::bit_ceil(shift + size + kCanaryBytes + page_);
    void* mapping =
        mmap(nullptr, capacity + 2 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) return {};
    mapping_ = static_cast<std::byte*>(mapping);
    capacity_ = capacity;
    if (mprotect(mapping_ + page_, capacity_, PROT_READ | PROT_WRITE) != 0) {
      Release();
      return {};
    }
  }
  std::byte* const begin = mapping_ + page_;
  if (placement == MemoryPlacement::kGuardAfter) {
    std::byte* const data = begin + capacity_ - size;
    return {.data = data, .before = {data - kCanaryBytes, kCanaryBytes}, .after = {}};
  }
  std::byte* const data = begin + shift;
  return {.data = data, .before = {begin, shift}, .after = {data + size, kCanaryBytes}};
}

}  // namespace maskproof
