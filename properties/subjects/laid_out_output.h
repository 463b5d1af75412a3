// The output of a Core case in memory of its layout; copied to the harness's dense buffer
// afterwards.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_LAID_OUT_OUTPUT_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_LAID_OUT_OUTPUT_H_

#include <cstdint>

#include "maskproof/kernels/tensor_view.h"
#include "properties/subjects/placed_output.h"
#include "properties/subjects/strided_layout.h"
#include "properties/subjects/subject.h"

namespace maskproof {

class LaidOutOutput {
 public:
  LaidOutOutput(const BoundCase& bound, const StridedLayout& layout);
  LaidOutOutput(const LaidOutOutput&) = delete;
  LaidOutOutput& operator=(const LaidOutOutput&) = delete;

  // Whether there was memory for it.
  bool ok() const { return ok_; }
  kernels::StridedTensor<float> View() { return layout_.Over(data()); }

  bool IsUnwritten();

  // Moves the rows to the harness's buffer, where unwritten elements arrive as such, and reports
  // what was written elsewhere.
  void Deliver();
  // Reports what was written by a call that was refused.
  void Refused();

 private:
  float* data() { return is_copy_ ? copy_.data() : bound_.output; }
  void ReportCanary();
  void ReportTouched(bool MemoryReport::* fault, const char* where);

  const BoundCase& bound_;
  StridedLayout layout_;
  PlacedOutput copy_;
  bool is_copy_ = false;
  bool ok_ = true;
};

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_LAID_OUT_OUTPUT_H_
