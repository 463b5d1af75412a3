// The files of a finding.
#ifndef MASKPROOF_CLI_FINDING_REPORT_H_
#define MASKPROOF_CLI_FINDING_REPORT_H_

#include <string>

#include "cli/recording_subject.h"
#include "properties/invariants/invariant.h"
#include "properties/recipe/recipe.h"
#include "properties/subjects/subject.h"

namespace maskproof::cli {

// The command that runs a recipe file again.
std::string ReplayCommand(const std::string& file, const std::string& subject,
                          const std::string& dialect, const Invariant& invariant);

// The two files of a finding: the recipe with a comment above it, and the report for people.
struct FindingText {
  const Invariant* invariant = nullptr;
  Recipe recipe;
  Verdict verdict;
  const RecordedRun* run = nullptr;  // that broke the law; null if it did not break again
  std::string origin;                // one line: when it was found, from which seed
  std::string command;               // ReplayCommand
};
std::string RecipeFileText(const FindingText& finding, const Subject& subject);
std::string ReportFileText(const FindingText& finding, Subject& subject);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_FINDING_REPORT_H_
