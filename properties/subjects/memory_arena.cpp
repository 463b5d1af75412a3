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

MemoryArena::Placement MemoryArena::Place(size_t size, Edge edge) {
  if (size + kCanaryBytes > capacity_) {
    Release();
    page_ = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    // Powers of two, so that growing cases remap only a few times.
    const size_t capacity = std::bit_ceil(size + kCanaryBytes + page_);
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
  std::byte* begin = mapping_ + page_;
  if (edge == Edge::kBegin) return {begin, {begin + size, kCanaryBytes}};
  std::byte* data = begin + capacity_ - size;
  return {data, {data - kCanaryBytes, kCanaryBytes}};
}

MemoryArena::Placement MemoryArena::PlaceLater(size_t size, size_t shift) {
  Placement placed = Place(size + shift, Edge::kBegin);
  if (placed.data != nullptr) placed.data += shift;
  return placed;
}

}  // namespace maskproof
