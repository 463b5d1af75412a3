// What `maskproof check` found out, as it is printed and as JSON (docs/command.md).
#ifndef MASKPROOF_CLI_RESULTS_H_
#define MASKPROOF_CLI_RESULTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/coverage.h"

namespace maskproof::cli {

struct FindingSummary {
  std::string file;
  double seconds = 0.0;  // from the start of the check
  int64_t heads = 0;
  int64_t tokens = 0;
  std::string summary;
  bool reproduced = false;
};

struct ResultRow {
  std::string op;
  std::string invariant;
  std::string target;
  int64_t cases = 0;
  int64_t undecided = 0;
  int64_t violations = 0;
  int64_t not_applicable = 0;
  std::optional<FindingSummary> finding;
};

struct CheckResults {
  std::string version;
  std::string subject;
  std::string dialect = "ideal";
  uint64_t seed = 0;
  double seconds = 0.0;
  bool interrupted = false;
  std::vector<ResultRow> rows;
  std::vector<OpCoverage> coverage;  // if it was asked for

  int64_t Cases() const;
  int64_t Undecided() const;
  int64_t Findings() const;
};

// "BROKEN" if anything was violated, "not applicable" if nothing was checked, "undecided" if
// nothing was decided, "holds" otherwise.
const char* VerdictWord(int64_t cases, int64_t undecided, int64_t violations);

std::string ToJson(const CheckResults& results);
// nullopt with a reason in `error` for a text that is not such JSON.
std::optional<CheckResults> FromJson(const std::string& text, std::string& error);

// The table at the end of a check.
std::string ResultsTable(const CheckResults& results);

// With the thousands apart: "12 345".
std::string Grouped(int64_t count);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_RESULTS_H_
