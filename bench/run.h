// Runs contenders in turn, round after round, and keeps every time.
#ifndef MASKPROOF_BENCH_RUN_H_
#define MASKPROOF_BENCH_RUN_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/contender.h"
#include "bench/problem.h"
#include "bench/statistics.h"
#include "bench/stopwatch.h"

namespace maskproof::bench {

struct RunOptions {
  std::vector<std::unique_ptr<Implementation>> implementations;  // ours first, then the peers
  std::vector<int> threads = {1};
  std::optional<int64_t> rounds;    // of every group
  std::optional<double> seconds;    // for every group, if there is no number of rounds
  TimeKind time = TimeKind::kWall;  // kProcessor only says something of one thread
  std::function<bool()> cancelled = [] { return false; };
};

// A ratio taken in every round, so that whatever slows the machine down for a while slows both.
struct Ratio {
  std::string to;
  Summary summary;
  Interval interval;  // of the median
};

// One contender on one problem.
struct Row {
  std::string family, shape, variant;
  std::string contender;
  bool ours = false;
  int threads = 1;
  std::vector<double> seconds;  // of one call, in each round
  Summary time;                 // of `seconds`
  double gflops = 0.0;
  std::optional<double> peak_share;       // of the FMA peak measured just before; median
  std::optional<double> bandwidth_share;  // of reading key and value once; decoding only
  std::optional<Ratio> speedup;           // the first peer's time over this one's
  std::optional<Ratio> over_variant;      // this one's time over that of the group's first variant
  std::optional<Ratio> over_threads;      // speed over that with the first number of threads
  // The largest difference from the outputs of the first contender that computed this problem.
  // Infinite if anything is NaN.
  std::optional<double> difference;

  std::string CaseName() const { return family + "/" + shape + "/" + variant; }
};
// More than that and two contenders did not compute the same thing.
inline constexpr double kLargestDifference = 1e-3;

struct Skipped {
  std::string name, contender, reason;
  int threads = 1;
};

struct Peak {
  std::string what;  // "FMA AVX3_DL" or "reading Decode-Core/..."
  std::string unit;  // "GFLOP/s" or "GB/s"
  int threads = 1;
  std::vector<double> values;  // of all rounds
};

struct Results {
  std::vector<Row> rows;
  std::vector<Skipped> skipped;
  std::vector<Peak> peaks;
  TimeKind time = TimeKind::kWall;
  bool interrupted = false;
};

// Adds what the group gives to `results`.
void RunGroup(const Group& group, const RunOptions& options, Results& results);

// The geometric mean, over the shapes, of what our first contender gains on the first peer.
struct Gain {
  std::string family, variant, contender, to;
  int threads = 1;
  double mean = 0.0;
  double least = 0.0;
  std::string least_shape;
  int64_t shapes = 0;
};
std::vector<Gain> Gains(const Results& results);

}  // namespace maskproof::bench

#endif  // MASKPROOF_BENCH_RUN_H_
