// The planted subject: a plain float32 implementation that shares nothing with kernels/ or the
// oracle, and can be given exactly one defect.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "properties/case/validity.h"
#include "properties/subjects/float_environment.h"
#include "properties/subjects/planted_defect.h"
#include "properties/subjects/planted_harness.h"
#include "properties/subjects/planted_problem.h"
#include "properties/subjects/subject.h"

namespace maskproof {
namespace planted {
namespace {

// The case with its negative mask lengths raised to 0.
Case WithoutNegativeLengths(const Case& c) {
  Case repaired = c;
  auto& mask = repaired[TensorId::kMaskIndex];
  if (!mask || mask->type != ElementType::kInt32 || mask->dims.size() != 1) return repaired;
  for (int32_t& value : mask->as<int32_t>()) value = value < 0 ? 0 : value;
  return repaired;
}

// The case with a weight scale of any float shape replaced by a scalar.
Case WithoutShortScale(const Case& c) {
  Case repaired = c;
  auto& scale = repaired[TensorId::kWeightScale];
  if (scale && scale->type == ElementType::kFloat32) {
    scale = Tensor(ElementType::kFloat32, {1});
  }
  return repaired;
}

// A (1,T) mask for more than one batch item, and nothing else wrong.
bool HasBroadcastMask(const Case& c) {
  const auto& mask = c[TensorId::kMaskIndex];
  if (!mask || mask->type != ElementType::kInt32) return false;
  Case unmasked = c;
  unmasked[TensorId::kMaskIndex].reset();
  if (JudgeValidity(unmasked).validity != Validity::kValid) return false;
  const Geometry g = GeometryOf(unmasked);
  return g.batch > 1 && mask->dims == Dims{1, g.total};
}

// Whether the defect makes the subject take this case though it is malformed.
bool TakenByMistake(Defect defect, const Case& c) {
  if (defect == Defect::kAcceptNegativeLength) {
    return JudgeValidity(WithoutNegativeLengths(c)).validity == Validity::kValid;
  }
  if (defect == Defect::kAcceptShortScale) {
    return JudgeValidity(WithoutShortScale(c)).validity == Validity::kValid;
  }
  if (defect == Defect::kAcceptMaskBroadcast) return HasBroadcastMask(c);
  return false;
}

// The starts of a (2B) mask and the ends they belong to satisfy `odd` somewhere.
template <typename Odd>
bool AnySpan(const Case& c, Odd odd) {
  const auto& mask = c[TensorId::kMaskIndex];
  const int64_t batch = GeometryOf(c).batch;
  if (!mask || mask->dims != Dims{2 * batch}) return false;
  const auto values = mask->as<int32_t>();
  for (int64_t b = 0; b < batch; ++b) {
    if (odd(values[static_cast<size_t>(batch + b)], values[static_cast<size_t>(b)])) return true;
  }
  return false;
}

// Why a valid case is refused all the same; "" if it is not.
const char* RefusedByMistake(Defect defect, const Case& c) {
  switch (defect) {
    case Defect::kRefuseValid:
      if (!AnySpan(c, [](int32_t start, int32_t end) { return start > end; })) break;
      return "mask_index: a start lies after its end";
    case Defect::kRefuseNegativeStart:
      if (!AnySpan(c, [](int32_t start, int32_t /*end*/) { return start < 0; })) break;
      return "mask_index: a start is negative";
    case Defect::kRefuseEmptyPast:
      if (!c.has(TensorId::kPast) || GeometryOf(c).past > 0) break;
      return "past: it is empty";
    default:
      break;
  }
  return "";
}

void ClearOutput(const BoundCase& bound) {
  std::fill_n(bound.output, std::max<int64_t>(ElementCount(bound.output_dims), 0), 0.0F);
}

void Compute(const BoundCase& bound, Defect defect) {
  Problem p(bound, defect);
  // Without an element to write, a batch or a sequence may be as long as an int64.
  const bool no_present = bound.present == nullptr || ElementCount(bound.present_dims) == 0;
  if (ElementCount(bound.output_dims) == 0 && no_present) return;
  if (p.Has(Defect::kFtzLeftOn)) WriteFloatControl(ReadFloatControl() | kFlushToZeroControl);
  if (p.Has(Defect::kFloatControlReset)) {
    WriteFloatControl(ReadFloatControl() & ~kFlushToZeroControl);
  }
  if (p.Has(Defect::kAcceptNegativeLength)) WriteBeforeTheMask(p);
  if (p.Has(Defect::kTailLoad)) LoadPastTheEnd(p);
  switch (bound.c->op) {
    case Op::kAttention:
      ProjectFloat(p);
      break;
    case Op::kQAttention:
      ProjectQuantised(p);
      break;
    case Op::kCore:
      TakeCoreTensors(p);
      break;
  }
  TakePast(p);
  WritePresent(p);
  Attend(p);
  if (p.Has(Defect::kTailStore)) StorePastTheEnd(p);
}

class PlantedSubject final : public InProcessSubject {
 public:
  PlantedSubject(std::string name, Defect defect) : name_(std::move(name)), defect_(defect) {
    promises_.reproducible_rows = true;
    promises_.names_faults = true;
    promises_.reentrant = !NeedsMemory(defect);
  }

  const std::string& name() const override { return name_; }
  const std::string& target() const override { return target_; }
  const Promises& promises() const override { return promises_; }
  bool Supports(const Case& /*c*/) const override { return true; }

 protected:
  OutcomeKind Invoke(const BoundCase& bound, std::string& message) override {
    const Case& c = *bound.c;
    const ValidityVerdict verdict = JudgeValidity(c);
    if (verdict.validity != Validity::kValid && !TakenByMistake(defect_, c)) {
      message = verdict.subject + ": " + verdict.reason;
      if (defect_ == Defect::kWriteBeforeRefusing) ClearOutput(bound);
      return OutcomeKind::kRefused;
    }
    message = RefusedByMistake(defect_, c);
    if (!message.empty()) return OutcomeKind::kRefused;
    if (defect_ != Defect::kWritesNothing) {
      Compute(bound, defect_);
      SpoilResult(defect_, bound, promises_.profile, memory_);
    }
    return OutcomeKind::kOutput;
  }

 private:
  std::string name_;
  std::string target_ = "native";
  Promises promises_;
  Defect defect_;
  CallMemory memory_;
};

}  // namespace
}  // namespace planted

std::unique_ptr<Subject> MakePlantedSubject(const std::string& defect) {
  if (defect.empty() || defect == "none") {
    return std::make_unique<planted::PlantedSubject>("planted:none", planted::Defect::kNone);
  }
  for (const planted::DefectEntry& entry : planted::DefectTable()) {
    if (defect == entry.text.name) {
      return std::make_unique<planted::PlantedSubject>("planted:" + defect, entry.defect);
    }
  }
  return nullptr;
}

}  // namespace maskproof
