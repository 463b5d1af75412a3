// Query, key and value of a Core case in memory of their layouts, as a caller of the kernels has
// them.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_LAID_OUT_INPUTS_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_LAID_OUT_INPUTS_H_

#include <array>
#include <cstddef>
#include <cstdint>

#include "maskproof/kernels/tensor_view.h"
#include "properties/subjects/core_arrangement.h"
#include "properties/subjects/subject.h"

namespace maskproof {

class LaidOutInputs {
 public:
  // Copies what does not lie as it should already, to where the run's placement asks for. What no
  // row covers is NaN.
  LaidOutInputs(const BoundCase& bound, const CoreArrangement& arrangement);
  LaidOutInputs(const LaidOutInputs&) = delete;
  LaidOutInputs& operator=(const LaidOutInputs&) = delete;

  // Whether there was memory for all of them.
  bool ok() const { return ok_; }
  kernels::StridedTensor<const float> View(size_t input) const;

  // Reports the first element of a copy that has changed.
  void Check(MemoryReport& report) const;

 private:
  struct Memory {
    const float* data = nullptr;
    int64_t size = 0;  // of a copy; 0 if the case's own is lent
  };

  const float* Dense(size_t input) const;
  // What a copy must hold.
  void Fill(size_t memory, float* to) const;
  bool Copy(size_t memory);

  const BoundCase& bound_;
  const CoreArrangement& arrangement_;
  std::array<Memory, kCoreInputs.size()> memories_;
  bool ok_ = true;
};

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_LAID_OUT_INPUTS_H_
