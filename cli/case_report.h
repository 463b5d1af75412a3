// A case that broke a law, in words: the case, its mask, and the row in question.
#ifndef MASKPROOF_CLI_CASE_REPORT_H_
#define MASKPROOF_CLI_CASE_REPORT_H_

#include <string>

#include "properties/invariants/invariant.h"
#include "properties/subjects/subject.h"

namespace maskproof::cli {

// "batch 0, head 1, query 2, column 3: expected 0.5, got nan, allowed error 1e-06"; empty if the
// evidence names no element.
std::string EvidenceText(const Evidence& evidence);

// The case as the law ran it when it broke, its mask, and the row that the evidence points at:
// which keys it sees, its attention weights and its outputs, as they must be and as the subject
// gave them. Runs the law once more on `c`.
std::string CaseReport(Subject& subject, const Case& c, const Invariant& invariant,
                       const Evidence& evidence);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_CASE_REPORT_H_
