// What `maskproof power` found out, as it is printed, as JSON (docs/command.md) and as a plot.
#ifndef MASKPROOF_CLI_POWER_RESULTS_H_
#define MASKPROOF_CLI_POWER_RESULTS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/machine.h"
#include "cli/power.h"
#include "cli/table.h"

namespace maskproof::cli {

struct PowerRow {
  std::string subject;
  std::string what;  // is wrong; "" if nobody has said
  std::string sanitizer;
  bool control = false;  // correct: whatever is found is a false alarm
  // The shrunk case is to have no more; 0 if nobody has said how small it can get.
  int64_t heads = 0;
  int64_t tokens = 0;
  SuiteHunt suite;
  std::optional<Hunt> vectors;  // absent if there are none
  std::optional<Hunt> random;   // absent if the suite was to be tried alone

  bool TooLarge() const;  // the shrunk case is larger than that
};

struct PowerResults {
  std::string version;
  uint64_t seed = 0;
  double budget = 0.0;  // seconds of processor time for each subject and way to test
  int64_t vectors = 0;  // how many were tried; 0: absent
  bool random = true;   // whether random inputs were tried
  bool interrupted = false;
  std::vector<PowerRow> rows;
};

// How one way to test did on all bugs.
struct PowerSummary {
  int64_t bugs = 0;
  int64_t caught = 0;
  int64_t false_alarms = 0;
  double median_seconds = 0.0;  // over the bugs that were caught
  double most_seconds = 0.0;
};
enum class Way : uint8_t { kSuite, kVectors, kRandom };
PowerSummary Summarise(const PowerResults& results, Way way);
bool Tried(const PowerResults& results, Way way);
// Null if that way was not tried.
const Hunt* HuntOf(const PowerRow& row, Way way);
const char* WayName(Way way);

Table PowerTable(const PowerResults& results);
Table PowerTotals(const PowerResults& results);
// What the tables cannot say: bugs missed, cases left large, findings that did not come back, false
// alarms. One line each.
std::string PowerNotes(const PowerResults& results);

// Schema "maskproof-power/1".
std::string ToJson(const PowerResults& results, const bench::MachineInfo& machine);
// For a page: totals, table and notes.
std::string PowerMarkdown(const PowerResults& results, const bench::MachineInfo& machine);
// Bugs caught against processor time, one line for each way to test.
std::string PowerSvg(const PowerResults& results, const bench::MachineInfo& machine);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_POWER_RESULTS_H_
