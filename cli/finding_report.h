// A finding in words: what was tried, what was expected, what came, and how to run it again.
#ifndef MASKPROOF_CLI_FINDING_REPORT_H_
#define MASKPROOF_CLI_FINDING_REPORT_H_

#include <string>

#include "properties/invariants/invariant.h"
#include "properties/recipe/recipe.h"
#include "properties/subjects/subject.h"

namespace maskproof::cli {

// "batch 0, head 1, query 2, column 3: expected 0.5, got nan, allowed error 1e-06"; empty if the
// evidence names no element.
std::string EvidenceText(const Evidence& evidence);

// The case, its mask, and the row that the evidence points at: which keys it sees, its attention
// weights and its outputs, as they must be and as the subject gives them.
std::string CaseReport(Subject& subject, const Case& c, const Evidence& evidence);

// The command that runs a recipe file again.
std::string ReplayCommand(const std::string& file, const std::string& subject,
                          const Invariant& invariant);

// The two files of a finding: the recipe with a comment above it, and the report for people.
struct FindingText {
  const Invariant* invariant = nullptr;
  Recipe recipe;
  Verdict verdict;
  std::string origin;   // one line: when it was found, from which seed
  std::string command;  // ReplayCommand
};
std::string RecipeFileText(const FindingText& finding, const Subject& subject);
std::string ReportFileText(const FindingText& finding, Subject& subject);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_FINDING_REPORT_H_
