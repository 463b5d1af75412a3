// A case that broke a law, in words: the case, its mask, and the row in question.
#ifndef MASKPROOF_CLI_CASE_REPORT_H_
#define MASKPROOF_CLI_CASE_REPORT_H_

#include <string>

#include "cli/recording_subject.h"
#include "properties/invariants/invariant.h"
#include "properties/subjects/subject.h"

namespace maskproof::cli {

// What a law changed in the case `given` before the run that broke it; the case of that run, its
// mask, and the row that the evidence points at: which keys it sees, its attention weights and its
// outputs, as they must be and as the subject gave them. Without a run, the case as given.
std::string CaseReport(Subject& subject, const Case& given, const RecordedRun* run,
                       const Evidence& evidence);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_CASE_REPORT_H_
