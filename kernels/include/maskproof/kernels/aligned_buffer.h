// Memory aligned for vectors, owned, and never thrown for.
#ifndef MASKPROOF_KERNELS_ALIGNED_BUFFER_H_
#define MASKPROOF_KERNELS_ALIGNED_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>

#include "maskproof/kernels/execution.h"

namespace maskproof::kernels {

class AlignedBuffer {
 public:
  // More cannot be asked for: sizes must fit a pointer difference.
  static constexpr int64_t kMostBytes =
      std::numeric_limits<std::ptrdiff_t>::max() - static_cast<int64_t>(kWorkspaceAlignment);

  // Uninitialised memory; none for 0 bytes. False if there is not that much.
  [[nodiscard]] bool Allocate(int64_t bytes) {
    memory_.reset();
    if (bytes < 0 || bytes > kMostBytes) return false;
    if (bytes == 0) return true;
    memory_.reset(static_cast<std::byte*>(::operator new(
        static_cast<size_t>(bytes), std::align_val_t{kWorkspaceAlignment}, std::nothrow)));
    return memory_ != nullptr;
  }

  std::byte* data() { return memory_.get(); }
  const std::byte* data() const { return memory_.get(); }

 private:
  struct Delete {
    void operator()(std::byte* memory) const {
      ::operator delete(memory, std::align_val_t{kWorkspaceAlignment});
    }
  };
  std::unique_ptr<std::byte, Delete> memory_;
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_ALIGNED_BUFFER_H_
