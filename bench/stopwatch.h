// What time is counted in.
#ifndef MASKPROOF_BENCH_STOPWATCH_H_
#define MASKPROOF_BENCH_STOPWATCH_H_

#include <cstdint>
#include <ctime>

namespace maskproof::bench {

enum class TimeKind : uint8_t {
  kWall,
  // Of all threads of this process: leaves out the time for which other programs had the processor.
  kProcessor,
};

inline const char* TimeKindName(TimeKind kind) {
  return kind == TimeKind::kWall ? "wall" : "processor";
}

// Counts from its construction.
class Stopwatch {
 public:
  explicit Stopwatch(TimeKind kind)
      : clock_(kind == TimeKind::kWall ? CLOCK_MONOTONIC : CLOCK_PROCESS_CPUTIME_ID),
        start_(Now()) {}

  double Seconds() const { return Now() - start_; }

 private:
  double Now() const {
    std::timespec time{};
    (void)clock_gettime(clock_, &time);
    return static_cast<double>(time.tv_sec) + (static_cast<double>(time.tv_nsec) * 1e-9);
  }

  clockid_t clock_;
  double start_;
};

}  // namespace maskproof::bench

#endif  // MASKPROOF_BENCH_STOPWATCH_H_
