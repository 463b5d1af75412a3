// Memory between two unreadable pages, so that the first byte read or written outside of a tensor
// traps. Mappings are kept between calls: one arena serves a tensor slot for a whole campaign.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_MEMORY_ARENA_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_MEMORY_ARENA_H_

#include <cstddef>
#include <span>

#include "properties/subjects/subject.h"

namespace maskproof {

// Bytes watched on each open side of an output. A vector store that runs over stays within.
inline constexpr size_t kCanaryBytes = 128;

class MemoryArena {
 public:
  MemoryArena() = default;
  MemoryArena(const MemoryArena&) = delete;
  MemoryArena& operator=(const MemoryArena&) = delete;
  ~MemoryArena();

  struct Placed {
    std::byte* data = nullptr;    // null: the system gave no memory
    std::span<std::byte> before;  // the accessible bytes on a side without a guard page
    std::span<std::byte> after;
  };
  // `size` bytes placed as asked for, not kPlain. kUnaligned: `shift` bytes, of which the element's
  // size is a divisor, behind where a page begins. Valid until the next call.
  Placed Place(size_t size, MemoryPlacement placement, size_t shift = 0);

 private:
  void Release();

  std::byte* mapping_ = nullptr;  // guard page, `capacity_` bytes, guard page
  size_t capacity_ = 0;
  size_t page_ = 0;
};

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_MEMORY_ARENA_H_
