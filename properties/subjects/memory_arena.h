// Memory between two unreadable pages, so that the first byte read or written outside of a tensor
// traps. Mappings are kept between calls: one arena serves a tensor slot for a whole campaign.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_MEMORY_ARENA_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_MEMORY_ARENA_H_

#include <cstddef>
#include <span>

namespace maskproof {

// Bytes watched on each open side of an output. A vector store that runs over stays within.
inline constexpr size_t kCanaryBytes = 128;

class MemoryArena {
 public:
  enum class Edge { kEnd, kBegin };

  MemoryArena() = default;
  MemoryArena(const MemoryArena&) = delete;
  MemoryArena& operator=(const MemoryArena&) = delete;
  ~MemoryArena();

  struct Placement {
    std::byte* data = nullptr;    // null: the system gave no memory
    std::span<std::byte> canary;  // the accessible bytes on the side without a guard page
  };
  // `size` bytes that end right before (kEnd) or begin right after (kBegin) an unreadable page.
  // Valid until the next call.
  Placement Place(size_t size, Edge edge);
  // The same as kBegin, but `shift` bytes later.
  Placement PlaceLater(size_t size, size_t shift);

 private:
  void Release();

  std::byte* mapping_ = nullptr;  // guard page, `capacity_` bytes, guard page
  size_t capacity_ = 0;
  size_t page_ = 0;
};

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_MEMORY_ARENA_H_
