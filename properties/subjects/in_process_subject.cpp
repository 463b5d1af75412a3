// InProcessSubject: lends a subject its tensors and looks at what it did to the memory.
#include <algorithm>
#include <array>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "properties/case/case.h"
#include "properties/subjects/companion.h"
#include "properties/subjects/float_environment.h"
#include "properties/subjects/memory_arena.h"
#include "properties/subjects/placed_output.h"
#include "properties/subjects/subject.h"

namespace maskproof {
namespace {

// Guarded memory of one thread: a slot for every tensor, then output and present.
struct Arenas {
  std::array<MemoryArena, kTensorCount> inputs;
  MemoryArena output;
  MemoryArena present;
};

Arenas& ThreadArenas() {
  thread_local Arenas arenas;
  return arenas;
}

// Bytes by which a tensor is not aligned: one element to three, another number for each slot.
size_t ShiftOf(size_t slot, const Tensor& tensor) {
  constexpr size_t kShifts = 3;
  return (1 + slot % kShifts) * ElementSize(tensor.type);
}

// Puts the inputs where the request wants them. Plain inputs are the case's own: no copy.
bool BindInputs(const Case& c, MemoryPlacement placement, BoundCase& bound) {
  bound.c = &c;
  for (size_t i = 0; i < kTensorCount; ++i) {
    if (!c.tensors[i]) continue;
    const Tensor& tensor = *c.tensors[i];
    BoundTensor& slot = bound.tensors[i];
    slot.tensor = &tensor;
    if (tensor.bytes.empty()) continue;
    if (placement == MemoryPlacement::kPlain) {
      slot.data = const_cast<std::byte*>(tensor.bytes.data());
      continue;
    }
    std::byte* const data =
        ThreadArenas().inputs[i].Place(tensor.bytes.size(), placement, ShiftOf(i, tensor)).data;
    if (data == nullptr) return false;
    std::copy(tensor.bytes.begin(), tensor.bytes.end(), data);
    slot.data = data;
  }
  return true;
}

// The inputs as they were, to be compared afterwards.
class InputWatch {
 public:
  void Remember(const BoundCase& bound) {
    for (size_t i = 0; i < kTensorCount; ++i) {
      const BoundTensor& slot = bound.tensors[i];
      if (slot.data == nullptr) continue;
      const auto* data = static_cast<const std::byte*>(slot.data);
      copies_[i].assign(data, data + slot.tensor->bytes.size());
    }
  }

  // Reports the first changed input and puts all of them right again: the case is the caller's.
  void Check(const BoundCase& bound, MemoryReport& report) const;

 private:
  std::array<std::vector<std::byte>, kTensorCount> copies_;
};

void Note(MemoryReport& report, const char* what, const char* tensor, int64_t offset) {
  if (!report.detail.empty()) return;
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), "%s: %s at offset %" PRId64, tensor, what, offset);
  report.detail = text.data();
}

void InputWatch::Check(const BoundCase& bound, MemoryReport& report) const {
  for (size_t i = 0; i < kTensorCount; ++i) {
    const BoundTensor& slot = bound.tensors[i];
    if (slot.data == nullptr) continue;
    auto* data = static_cast<std::byte*>(slot.data);
    const std::vector<std::byte>& copy = copies_[i];
    const auto difference = std::mismatch(copy.begin(), copy.end(), data);
    if (difference.first == copy.end()) continue;
    report.inputs_changed = true;
    Note(report, "input byte changed", TensorName(static_cast<TensorId>(i)),
         difference.first - copy.begin());
    std::copy(copy.begin(), copy.end(), data);
  }
}

void AuditOutput(PlacedOutput& placed, const char* name, OutcomeKind kind, MemoryReport& report) {
  if (const auto offset = placed.FirstTouchedCanary()) {
    report.wrote_outside = true;
    Note(report, "byte outside of the tensor written", name, *offset);
  }
  if (kind == OutcomeKind::kOutput) {
    const PlacedOutput::Unwritten unwritten = placed.FindUnwritten();
    report.unwritten += unwritten.count;
    if (unwritten.count > 0) Note(report, "element not written", name, unwritten.first);
  } else if (const auto offset = placed.FirstTouched()) {
    report.touched_on_refusal = true;
    Note(report, "byte written though the call was refused", name, *offset);
  }
}

}  // namespace

const char* OutcomeKindName(OutcomeKind kind) {
  switch (kind) {
    case OutcomeKind::kOutput:
      return "output";
    case OutcomeKind::kRefused:
      return "refused";
    case OutcomeKind::kUnsupported:
      return "unsupported";
    case OutcomeKind::kCrashed:
      return "crashed";
    case OutcomeKind::kHung:
      return "hung";
    case OutcomeKind::kExhausted:
      return "exhausted";
  }
  return "unknown";
}

Outcome InProcessSubject::Run(const Case& c, const RunRequest& request) {
  return request.company && promises().reentrant ? RunInCompany(c, request) : RunOnce(c, request);
}

InProcessSubject::InProcessSubject() = default;
InProcessSubject::~InProcessSubject() = default;

Outcome InProcessSubject::RunInCompany(const Case& c, const RunRequest& request) {
  if (companion_ == nullptr) companion_ = std::make_unique<Companion>();
  const Companion::Company company(*companion_, [&] { RunOnce(*request.company, {}); });
  Outcome outcome = RunOnce(c, request);
  for (int run = 1; run < request.times; ++run) {
    Outcome again = RunOnce(c, request);
    if (again.kind == outcome.kind && again.output == outcome.output) continue;
    outcome = std::move(again);
    break;
  }
  return outcome;
}

Outcome InProcessSubject::RunOnce(const Case& c, const RunRequest& request) {
  Outcome outcome;
  if (!Supports(c)) {
    outcome.message = "the subject cannot express this case";
    return outcome;
  }
  BoundCase bound;
  PlacedOutput output;
  PlacedOutput present;
  if (!BindInputs(c, request.placement, bound) ||
      !output.Place(OutputDims(c), request, ThreadArenas().output) ||
      (c.want_present && !present.Place(PresentDims(c), request, ThreadArenas().present))) {
    outcome.kind = OutcomeKind::kExhausted;
    outcome.message = "no memory for guarded tensors";
    return outcome;
  }
  bound.output = output.data();
  bound.output_dims = output.dims();
  if (c.want_present) {
    bound.present = present.data();
    bound.present_dims = present.dims();
  }
  bound.threads = request.threads;
  bound.placement = request.placement;
  InputWatch watch;
  if (request.audit) {
    watch.Remember(bound);
    bound.report = &outcome.memory;
  }

  // Handed back even when nobody asks for an audit: the oracle computes in this environment too.
  const uint64_t ours = ReadFloatControl();
  if (request.flushing) WriteFloatControl(ours | kFlushToZeroControl);
  const uint64_t float_control = ReadFloatControl();
  outcome.kind = Invoke(bound, outcome.message);
  const bool float_control_changed = ReadFloatControl() != float_control;
  WriteFloatControl(ours);

  if (request.audit) {
    outcome.memory.float_environment_changed = float_control_changed;
    watch.Check(bound, outcome.memory);
    AuditOutput(output, "output", outcome.kind, outcome.memory);
    if (c.want_present) AuditOutput(present, "present", outcome.kind, outcome.memory);
    if (float_control_changed && outcome.memory.detail.empty()) {
      outcome.memory.detail = "the floating-point control register was not restored";
    }
  }
  if (outcome.kind == OutcomeKind::kOutput) {
    outcome.output.output = output.Take();
    if (c.want_present) outcome.output.present = present.Take();
  }
  return outcome;
}

}  // namespace maskproof
