// An output buffer as the harness lends it to a subject: filled with a pattern that no arithmetic
// gives, canaries around it where they are wanted.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PLACED_OUTPUT_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PLACED_OUTPUT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "properties/case/case.h"
#include "properties/subjects/memory_arena.h"
#include "properties/subjects/subject.h"

namespace maskproof {

// Outputs are prefilled with this float: a signalling NaN. Arithmetic only ever gives quiet NaNs,
// so an element that still holds it was not written, unless a tensor of the case held the very same
// payload and was copied.
inline constexpr uint32_t kUnwrittenBits = 0x7FA5A5A5U;

// Whether all of them still hold it.
bool IsUnwritten(const float* data, int64_t count);

class PlacedOutput {
 public:
  // False if memory could not be had. `arena` is used by the guarded placements only.
  bool Place(const Dims& dims, const RunRequest& request, MemoryArena& arena);

  float* data() { return reinterpret_cast<float*>(data_); }
  const Dims& dims() const { return dims_; }

  // Audit; valid only if the request asked for it. Offsets are in bytes from the first byte of the
  // output; absent if all is well.
  std::optional<int64_t> FirstTouchedCanary() const;
  std::optional<int64_t> FirstTouched();  // the first byte that differs from the prefill
  // Elements that still hold the prefill, and the index of the first of them.
  struct Unwritten {
    int64_t count = 0;
    int64_t first = -1;
  };
  Unwritten FindUnwritten();

  // The result. The buffer is gone afterwards.
  Tensor Take();

 private:
  Dims dims_;
  size_t size_ = 0;
  std::byte* data_ = nullptr;
  std::vector<std::byte> own_;  // plain placement: [canary] data [canary]
  std::span<std::byte> before_;
  std::span<std::byte> after_;
};

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PLACED_OUTPUT_H_
