// Scratch memory that a caller lends the kernels.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_OWN_WORKSPACE_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_OWN_WORKSPACE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "maskproof/kernels/execution.h"
#include "maskproof/kernels/status.h"
#include "properties/subjects/kernels_ways.h"
#include "properties/subjects/memory_arena.h"

namespace maskproof {

// Scratch memory of the size that was asked for, or a little more. It ends at an unreadable page,
// up to its alignment, and is full of ones: NaN as a float, so that what is read before it is
// written shows. What is next to it is watched.
class OwnWorkspace {
 public:
  // Asks `size_of(execution, bytes)`, and lends `execution` so many bytes and `spare` more; the
  // status if the size is refused. Sizes that would take long to fill are left to the library.
  template <typename SizeOf>
  kernels::Status Lend(kernels::Execution& execution, size_t spare, const SizeOf& size_of) {
    size_t bytes = 0;
    kernels::Status status = size_of(execution, bytes);
    if (!status.ok() || bytes > kMostBytes) return status;
    asked_ = bytes;
    execution.workspace = Memory(bytes + spare);
    execution.workspace_size = bytes + spare;
    return status;
  }

  // What was asked for.
  size_t asked() const { return asked_; }

  // Ends the loan, if there is one. The first byte outside of the lent memory that was written,
  // from the first byte of that; absent if all is well.
  std::optional<int64_t> TakeBack();

 private:
  static constexpr size_t kMostBytes = size_t{64} << 20;

  void* Memory(size_t bytes);

  MemoryArena arena_;
  size_t asked_ = 0;
  size_t lent_ = 0;
  std::span<std::byte> before_;
  std::span<std::byte> after_;
};

// Makes `call(execution)` with scratch memory as `way` has it: the library's, or so much of
// `workspace` as `size_of(execution, bytes)` asks for, and some more. Before that it may be offered
// a byte less than it asked for, which it must refuse, and `unwritten()` must then say that the
// outputs are as they were; else the status says what was wrong.
template <typename SizeOf, typename Call, typename Unwritten>
kernels::Status CallWith(OwnWorkspace& workspace, const KernelsWay& way,
                         kernels::Execution execution, const SizeOf& size_of, const Call& call,
                         const Unwritten& unwritten) {
  if (!way.own_workspace) return call(execution);
  kernels::Status status = workspace.Lend(execution, way.spare_workspace, size_of);
  if (!status.ok()) return status;
  if (way.offers_less && execution.workspace != nullptr && workspace.asked() > 0) {
    kernels::Execution less = execution;
    less.workspace_size = workspace.asked() - 1;
    const bool refused = !call(less).ok();
    if (!refused || !unwritten()) {
      return {kernels::StatusCode::kInvalidArgument,
              refused ? "workspace: one that is too small was refused after outputs were written"
                      : "workspace: one that is too small was taken"};
    }
  }
  return call(execution);
}

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_OWN_WORKSPACE_H_
