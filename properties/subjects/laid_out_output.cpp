#include "properties/subjects/laid_out_output.h"

#include <algorithm>
#include <bit>
#include <optional>
#include <string>

#include "properties/subjects/memory_arena.h"
#include "properties/subjects/sanitizers.h"

namespace maskproof {
namespace {

MemoryArena& ThreadArena() {
  thread_local MemoryArena arena;
  return arena;
}

}  // namespace

LaidOutOutput::LaidOutOutput(const BoundCase& bound, const StridedLayout& layout)
    : bound_(bound), layout_(layout), is_copy_(!layout.IsDense()) {
  if (!is_copy_) return;
  RunRequest request;
  request.placement = bound.placement;
  request.audit = bound.report != nullptr;
  ok_ = copy_.Place({layout.Extent()}, request, ThreadArena());
}

bool LaidOutOutput::IsUnwritten() {
  return maskproof::IsUnwritten(data(), ElementCount(is_copy_ ? copy_.dims() : bound_.output_dims));
}

void LaidOutOutput::Deliver() {
  if (!is_copy_) return;
  ReportCanary();
  const auto unwritten = std::bit_cast<float>(kUnwrittenBits);
  layout_.ForEachRow([&](int64_t dense, int64_t here) {
    std::copy_n(copy_.data() + here, layout_.columns, bound_.output + dense);
    std::fill_n(copy_.data() + here, layout_.columns, unwritten);
  });
  ReportTouched(&MemoryReport::wrote_outside, "between the rows");
}

void LaidOutOutput::Refused() {
  if (!is_copy_) return;
  ReportCanary();
  ReportTouched(&MemoryReport::touched_on_refusal, "though the call was refused");
}

void LaidOutOutput::ReportCanary() {
  if (bound_.report == nullptr) return;
  const std::optional<int64_t> offset = copy_.FirstTouchedCanary();
  if (!offset) return;
  bound_.report->wrote_outside = true;
  bound_.report->detail =
      "output: byte outside of its layout written at offset " + std::to_string(*offset);
}

void LaidOutOutput::ReportTouched(bool MemoryReport::* fault, const char* where) {
  if (bound_.report == nullptr) return;
  const std::optional<int64_t> offset = copy_.FirstTouched();
  if (!offset) return;
  bound_.report->*fault = true;
  bound_.report->detail =
      "output: byte " + std::to_string(*offset) + " of its layout written " + std::string(where);
}

}  // namespace maskproof
