// The ways in which a caller may bring a case to the kernels: weights packed beforehand or not,
// scratch memory of his own or not, in C++ or in C. None of them may change a bit of a result, so
// each case is brought in one of them.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_WAYS_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_WAYS_H_

#include <cstddef>

#include "maskproof/kernels/execution.h"
#include "maskproof/kernels/status.h"
#include "properties/case/case.h"
#include "properties/subjects/memory_arena.h"

namespace maskproof {

struct KernelsWay {
  bool packed_weights = false;
  bool own_workspace = false;
  bool in_c = false;
};

// What a case comes to whose weights were to be packed first. Weights that cannot be packed are for
// the call to refuse; where it does not, packing has refused what is right.
inline kernels::Status AfterPacking(const kernels::Status& packing, const kernels::Status& call) {
  return call.ok() && !packing.ok() ? packing : call;
}

// Drawn from the salt and the sizes, so that the runs that a law compares differ in it now and
// then.
KernelsWay WayOf(const Case& c);

// Scratch memory of exactly the size that was asked for, in front of an unreadable page and full of
// ones: NaN as a float, so that what is read before it is written shows.
class OwnWorkspace {
 public:
  // Asks `size_of(execution, bytes)`, and lends `execution` so many bytes; the status if the size
  // is refused. Sizes that would take long to fill are left to the library.
  template <typename SizeOf>
  kernels::Status Lend(kernels::Execution& execution, const SizeOf& size_of) {
    size_t bytes = 0;
    kernels::Status status = size_of(execution, bytes);
    if (!status.ok() || bytes > kMostBytes) return status;
    execution.workspace = Memory(bytes);
    execution.workspace_size = bytes;
    return status;
  }

 private:
  static constexpr size_t kMostBytes = size_t{64} << 20;

  void* Memory(size_t bytes);

  MemoryArena arena_;
};

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_WAYS_H_
