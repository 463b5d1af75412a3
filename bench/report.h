// What was measured, for programs and for the eye.
#ifndef MASKPROOF_BENCH_REPORT_H_
#define MASKPROOF_BENCH_REPORT_H_

#include <string>

#include "bench/machine.h"
#include "bench/run.h"

namespace maskproof::bench {

// Schema "maskproof-bench/1": docs/benchmarks.md.
std::string ToJson(const Results& results, const MachineInfo& machine,
                   const std::string& maskproof_version);

// One line for every row of ours: a dot at its speed relative to the first peer, a bar from
// quartile to quartile, on a logarithmic axis. Without peers, the share of the FMA peak.
std::string ToSvg(const Results& results, const MachineInfo& machine);

}  // namespace maskproof::bench

#endif  // MASKPROOF_BENCH_REPORT_H_
