// What this machine can do at most, and what it is.
#ifndef MASKPROOF_BENCH_MACHINE_H_
#define MASKPROOF_BENCH_MACHINE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "bench/stopwatch.h"
#include "maskproof/kernels/execution.h"

namespace maskproof::bench {

struct MachineInfo {
  std::string processor;
  int64_t processors = 0;  // that this process may run on
  std::string best_target;
  std::string compiler;
};
MachineInfo DescribeMachine();

// GFLOP/s of float32 multiply-adds that never leave the registers of `target`, on every thread of
// `parallel` at once (null: on this one). Takes about a millisecond. Several threads are always
// timed by the wall clock.
double MeasureFmaPeak(int64_t target, kernels::ParallelFor* parallel, TimeKind time);

// GB/s of reading these floats once, by all threads of `parallel`.
double MeasureReading(std::span<const float> first, std::span<const float> second, int64_t target,
                      kernels::ParallelFor* parallel, TimeKind time);

}  // namespace maskproof::bench

#endif  // MASKPROOF_BENCH_MACHINE_H_
