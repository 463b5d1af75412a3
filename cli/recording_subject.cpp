#include "cli/recording_subject.h"

#include <cmath>

#include "properties/case/validity.h"
#include "properties/oracle/oracle.h"

namespace maskproof::cli {
namespace {

bool EndedBadly(const Outcome& outcome) {
  return outcome.kind == OutcomeKind::kCrashed || outcome.kind == OutcomeKind::kHung ||
         outcome.kind == OutcomeKind::kExhausted || !outcome.memory.clean();
}

bool Inside(int64_t value, int64_t end) { return value >= 0 && value < end; }

bool HoldsValue(const RecordedRun& run, const Evidence& evidence) {
  const Tensor& output = run.outcome.output.output;
  if (!evidence.numeric || run.outcome.kind != OutcomeKind::kOutput ||
      JudgeValidity(run.c).validity != Validity::kValid || output.dims != OutputDims(run.c)) {
    return false;
  }
  const Geometry g = GeometryOf(run.c);
  if (!Inside(evidence.batch, g.batch) || !Inside(evidence.head, g.heads) ||
      !Inside(evidence.query, g.sequence) || !Inside(evidence.column, g.value_head_size)) {
    return false;
  }
  const double value = output.Get(
      OutputIndex(run.c.op, g, evidence.batch, evidence.head, evidence.query, evidence.column));
  return value == evidence.got || (std::isnan(value) && std::isnan(evidence.got));
}

}  // namespace

Outcome RecordingSubject::Run(const Case& c, const RunRequest& request) {
  Outcome outcome = subject_->Run(c, request);
  runs_.push_back({.c = c, .outcome = outcome});
  return outcome;
}

const RecordedRun* GuiltyRun(const std::vector<RecordedRun>& runs, const Evidence& evidence) {
  for (const RecordedRun& run : runs) {
    if (EndedBadly(run.outcome)) return &run;
  }
  for (const RecordedRun& run : runs) {
    if (HoldsValue(run, evidence)) return &run;
  }
  return runs.empty() ? nullptr : &runs.back();
}

}  // namespace maskproof::cli
