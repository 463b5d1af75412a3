// A subject that keeps what was asked of another one and what that one answered. A law may change
// the case it is given before it runs it; this is how a report gets at the run that broke the law.
#ifndef MASKPROOF_CLI_RECORDING_SUBJECT_H_
#define MASKPROOF_CLI_RECORDING_SUBJECT_H_

#include <string>
#include <vector>

#include "properties/invariants/invariant.h"
#include "properties/subjects/subject.h"

namespace maskproof::cli {

struct RecordedRun {
  Case c;
  Outcome outcome;
};

class RecordingSubject : public Subject {
 public:
  explicit RecordingSubject(Subject& subject) : subject_(&subject) {}

  const std::string& name() const override { return subject_->name(); }
  const std::string& target() const override { return subject_->target(); }
  const Promises& promises() const override { return subject_->promises(); }
  bool Supports(const Case& c) const override { return subject_->Supports(c); }
  Outcome Run(const Case& c, const RunRequest& request) override;

  const std::vector<RecordedRun>& runs() const { return runs_; }

 private:
  Subject* subject_;
  std::vector<RecordedRun> runs_;
};

// The run that the evidence speaks of: the one that did not end well, or whose output holds the
// evidence's value at the evidence's place; failing that, the last. Null if there was no run.
const RecordedRun* GuiltyRun(const std::vector<RecordedRun>& runs, const Evidence& evidence);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_RECORDING_SUBJECT_H_
