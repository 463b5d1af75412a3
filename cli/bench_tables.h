// What `maskproof bench` prints.
#ifndef MASKPROOF_CLI_BENCH_TABLES_H_
#define MASKPROOF_CLI_BENCH_TABLES_H_

#include <span>
#include <string>

#include "bench/machine.h"
#include "bench/run.h"
#include "cli/table.h"

namespace maskproof::cli {

// One row for every contender and case. Columns that say nothing about these rows are left out.
Table BenchTable(std::span<const bench::Row> rows);

// One row for every case: everybody's median time, and what BenchTable says of the first contender.
Table CaseTable(std::span<const bench::Row> rows);

// Over the shapes: what ours gain on the first peer.
Table GainTable(const bench::Results& results);

// The peaks that shares are shares of.
Table PeakTable(const bench::Results& results);

// Everything, for a page: tables under headings, what was skipped, where outputs differ.
std::string BenchMarkdown(const bench::Results& results, const bench::MachineInfo& machine);

// A line for every contender that was skipped on a group, with the number of cases and the reason,
// and one for every row whose output differs by more than it may.
std::string BenchNotes(const bench::Results& results);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_BENCH_TABLES_H_
