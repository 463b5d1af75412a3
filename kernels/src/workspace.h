// Where the scratch memory of a call comes from: the caller's workspace, or the heap.
#ifndef MASKPROOF_KERNELS_SRC_WORKSPACE_H_
#define MASKPROOF_KERNELS_SRC_WORKSPACE_H_

#include <cstddef>
#include <cstdint>

#include "maskproof/kernels/aligned_buffer.h"
#include "maskproof/kernels/execution.h"
#include "maskproof/kernels/status.h"
#include "message.h"
#include "scratch.h"

namespace maskproof::kernels {

// Bytes that `reserve(Arena&)` takes; kOutOfMemory if they cannot be counted.
template <typename Reserve>
Status MeasureWorkspace(const Reserve& reserve, size_t& bytes) {
  Arena counter;
  if (!reserve(counter) || counter.used() > AlignedBuffer::kMostBytes) return OutOfMemory();
  bytes = static_cast<size_t>(counter.used());
  return {};
}

class Workspace {
 public:
  // Lets `reserve(Arena&)` place its pieces. They live as long as this object.
  template <typename Reserve>
  [[nodiscard]] Status Provide(const Execution& execution, const Reserve& reserve) {
    size_t bytes = 0;
    MASKPROOF_RETURN_IF_ERROR(MeasureWorkspace(reserve, bytes));
    auto* memory = static_cast<std::byte*>(execution.workspace);
    if (memory == nullptr) {
      if (!owned_.Allocate(static_cast<int64_t>(bytes))) return OutOfMemory();
      memory = owned_.data();
    } else {
      MASKPROOF_RETURN_IF_ERROR(CheckWorkspace(execution, bytes));
    }
    Arena arena(memory);
    return reserve(arena) ? Status() : OutOfMemory();
  }

 private:
  static Status CheckWorkspace(const Execution& execution, size_t bytes);

  AlignedBuffer owned_;
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_WORKSPACE_H_
