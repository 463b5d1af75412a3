// Register-only multiply-adds and plain reading. Compiled once per SIMD target.
#include "bench/machine.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/machine.cpp"
#include "hwy/foreach_target.h"
// After foreach_target.h.
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>

#include "hwy/highway.h"
#include "kernels/src/dispatch.h"

HWY_BEFORE_NAMESPACE();
namespace maskproof::bench::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using FloatTag = hn::ScalableTag<float>;

// Twelve independent chains hide the latency of every multiply-add unit so far, and fit into
// sixteen registers with their two operands. Gives the floating-point operations done.
double MultiplyAdd(int64_t steps, float factor, float addend, float* sink) {
  const FloatTag d;
  const auto a = hn::Set(d, factor);
  const auto b = hn::Set(d, addend);
  // All different, or a compiler could compute one chain for all.
  auto c0 = hn::Set(d, addend + 0.0F);
  auto c1 = hn::Set(d, addend + 1.0F);
  auto c2 = hn::Set(d, addend + 2.0F);
  auto c3 = hn::Set(d, addend + 3.0F);
  auto c4 = hn::Set(d, addend + 4.0F);
  auto c5 = hn::Set(d, addend + 5.0F);
  auto c6 = hn::Set(d, addend + 6.0F);
  auto c7 = hn::Set(d, addend + 7.0F);
  auto c8 = hn::Set(d, addend + 8.0F);
  auto c9 = hn::Set(d, addend + 9.0F);
  auto c10 = hn::Set(d, addend + 10.0F);
  auto c11 = hn::Set(d, addend + 11.0F);
  for (int64_t i = 0; i < steps; ++i) {
    c0 = hn::MulAdd(c0, a, b);
    c1 = hn::MulAdd(c1, a, b);
    c2 = hn::MulAdd(c2, a, b);
    c3 = hn::MulAdd(c3, a, b);
    c4 = hn::MulAdd(c4, a, b);
    c5 = hn::MulAdd(c5, a, b);
    c6 = hn::MulAdd(c6, a, b);
    c7 = hn::MulAdd(c7, a, b);
    c8 = hn::MulAdd(c8, a, b);
    c9 = hn::MulAdd(c9, a, b);
    c10 = hn::MulAdd(c10, a, b);
    c11 = hn::MulAdd(c11, a, b);
  }
  const auto low = hn::Add(hn::Add(hn::Add(c0, c1), hn::Add(c2, c3)), hn::Add(c4, c5));
  const auto high = hn::Add(hn::Add(hn::Add(c6, c7), hn::Add(c8, c9)), hn::Add(c10, c11));
  *sink = hn::GetLane(hn::SumOfLanes(d, hn::Add(low, high)));
  return 2.0 * 12.0 * static_cast<double>(steps) * static_cast<double>(hn::Lanes(d));
}

float ReadAll(const float* HWY_RESTRICT data, size_t count) {
  const FloatTag d;
  const size_t lanes = hn::Lanes(d);
  auto s0 = hn::Zero(d);
  auto s1 = s0;
  auto s2 = s0;
  auto s3 = s0;
  size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    s0 = hn::Add(s0, hn::LoadU(d, data + i));
    s1 = hn::Add(s1, hn::LoadU(d, data + i + lanes));
    s2 = hn::Add(s2, hn::LoadU(d, data + i + 2 * lanes));
    s3 = hn::Add(s3, hn::LoadU(d, data + i + 3 * lanes));
  }
  float sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(s0, s1), hn::Add(s2, s3))));
  for (; i < count; ++i) sum += data[i];
  return sum;
}

}  // namespace

}  // namespace maskproof::bench::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace maskproof::bench {
namespace {

HWY_EXPORT(MultiplyAdd);
HWY_EXPORT(ReadAll);

using Clock = std::chrono::steady_clock;

// Keeps what was computed from being thrown away.
void Keep(float value) {
  static std::atomic<float> kept{0.0F};
  kept.store(value, std::memory_order_relaxed);
}

// Seconds from when all threads have begun to when the last one has finished `part(thread)`.
template <typename Part>
double TimeTogether(kernels::ParallelFor* parallel, TimeKind time, const Part& part) {
  if (parallel == nullptr) {
    const Stopwatch stopwatch(time);
    part(0);
    return stopwatch.Seconds();
  }
  struct State {
    const Part& part;
    size_t threads;
    std::atomic<size_t> arrived{0};
    std::atomic<Clock::rep> first{Clock::time_point::max().time_since_epoch().count()};
    std::atomic<Clock::rep> last{Clock::time_point::min().time_since_epoch().count()};
  };
  State state{.part = part, .threads = parallel->Concurrency()};
  const auto task = [](void* context, size_t thread) {
    State& shared = *static_cast<State*>(context);
    // No thread can take a second task before each has taken one.
    ++shared.arrived;
    while (shared.arrived.load() < shared.threads) {
    }
    const Clock::rep begin = Clock::now().time_since_epoch().count();
    shared.part(thread);
    const Clock::rep end = Clock::now().time_since_epoch().count();
    Clock::rep seen = shared.first.load();
    while (begin < seen && !shared.first.compare_exchange_weak(seen, begin)) {
    }
    seen = shared.last.load();
    while (end > seen && !shared.last.compare_exchange_weak(seen, end)) {
    }
  };
  parallel->Run(state.threads, task, &state);
  const Clock::duration elapsed(state.last.load() - state.first.load());
  return std::chrono::duration<double>(elapsed).count();
}

std::string ProcessorName() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("model name")) continue;
    const size_t colon = line.find(": ");
    if (colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown";
}

int64_t UsableProcessors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) != 0) return 1;
  return CPU_COUNT(&set);
}

}  // namespace

MachineInfo DescribeMachine() {
  return {.processor = ProcessorName(),
          .processors = UsableProcessors(),
          .best_target = std::string(kernels::SupportedTargets().front().name),
#ifdef __clang__
          .compiler = "clang " __clang_version__
#else
          .compiler = "g++ " __VERSION__
#endif
  };
}

double MeasureFmaPeak(int64_t target, kernels::ParallelFor* parallel, TimeKind time) {
  constexpr int64_t kSteps = 200'000;
  const auto multiply_add = MASKPROOF_FOR_TARGET(MultiplyAdd, target);
  std::atomic<double> operations{0.0};
  const double seconds = TimeTogether(parallel, time, [&](size_t /*thread*/) {
    float sum = 0.0F;
    operations.fetch_add(multiply_add(kSteps, 0.5F, 1.0F, &sum));
    Keep(sum);
  });
  return operations.load() / seconds * 1e-9;
}

double MeasureReading(std::span<const float> first, std::span<const float> second, int64_t target,
                      kernels::ParallelFor* parallel, TimeKind time) {
  const auto read_all = MASKPROOF_FOR_TARGET(ReadAll, target);
  const size_t threads = parallel != nullptr ? parallel->Concurrency() : 1;
  const double seconds = TimeTogether(parallel, time, [&](size_t thread) {
    for (const std::span<const float> data : {first, second}) {
      const size_t begin = data.size() * thread / threads;
      const size_t end = data.size() * (thread + 1) / threads;
      Keep(read_all(data.data() + begin, end - begin));
    }
  });
  return static_cast<double>(first.size_bytes() + second.size_bytes()) / seconds * 1e-9;
}

}  // namespace maskproof::bench
#endif  // HWY_ONCE
