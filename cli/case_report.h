// A case that broke a law, in words: the case, its mask, and the row in question.
#ifndef MASKPROOF_CLI_CASE_REPORT_H_
#define MASKPROOF_CLI_CASE_REPORT_H_

#include <string>

#include "properties/invariants/invariant.h"
#include "properties/subjects/subject.h"

namespace maskproof::cli {

// The case as the law ran it when it broke, its mask, and the row that the evidence points at:
// which keys it sees, its attention weights and its outputs, as they must be and as the subject
// gave them. Runs the law once more on `c`.
std::string CaseReport(Subject& subject, const Case& c, const Invariant& invariant,
                       const Evidence& evidence);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_CASE_REPORT_H_
