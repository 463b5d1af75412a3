// Spreads numbered tasks over the workers of a call.
#ifndef MASKPROOF_KERNELS_SRC_PARALLEL_H_
#define MASKPROOF_KERNELS_SRC_PARALLEL_H_

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "maskproof/kernels/execution.h"
#include "sizes.h"

namespace maskproof::kernels {

// A caller's threads for the time of one call, in which memory is counted and handed out by their
// number: it is asked for once, and stays within what can be multiplied. On the stack of each
// function of the API that has an Execution.
class ThreadsOfCall final : public ParallelFor {
 public:
  explicit ThreadsOfCall(const Execution& given)
      : parallel_(given.parallel),
        concurrency_(parallel_ == nullptr
                         ? 1
                         : std::clamp<size_t>(parallel_->Concurrency(), 1, kMostConcurrency)),
        execution_(given) {
    if (parallel_ != nullptr) execution_.parallel = this;
  }
  ThreadsOfCall(const ThreadsOfCall&) = delete;
  ThreadsOfCall& operator=(const ThreadsOfCall&) = delete;

  // What was given, with these threads.
  const Execution& execution() const { return execution_; }

  size_t Concurrency() const override { return concurrency_; }
  void Run(size_t count, Task task, void* context) override {
    parallel_->Run(count, task, context);
  }

 private:
  ParallelFor* parallel_;
  size_t concurrency_;
  Execution execution_;
};

// Workers that may be busy at once: per-worker scratch needs that many slots.
inline int64_t WorkerCount(const ParallelFor* parallel, int64_t tasks) {
  if (parallel == nullptr) return 1;
  return std::clamp<int64_t>(tasks, 1, static_cast<int64_t>(parallel->Concurrency()));
}

// Tasks one after the other, for one worker in the first place. Apart from others: processors fetch
// two lines at a time.
struct alignas(128) TaskRange {
  std::atomic<int64_t> next;
  int64_t end;
};

// Workers beyond these begin where another one does.
inline constexpr int64_t kMostTaskRanges = 64;

// Calls body(task, worker) once for every task in [0, tasks), worker in [0, WorkerCount). Each
// worker begins with tasks of its own, next to each other, so that it writes where others do not,
// and then fetches what others have left. Which worker does what is up to chance: only what it
// scribbles into its slot may depend on `worker`.
template <typename Body>
void ForEachTask(ParallelFor* parallel, int64_t tasks, const Body& body) {
  const int64_t workers = WorkerCount(parallel, tasks);
  if (workers == 1) {
    for (int64_t task = 0; task < tasks; ++task) body(task, int64_t{0});
    return;
  }
  struct Shared {
    std::array<TaskRange, kMostTaskRanges> ranges;
    int64_t count;
    const Body* body;
  };
  Shared shared{.ranges = {}, .count = std::min(workers, kMostTaskRanges), .body = &body};
  for (int64_t i = 0; i < shared.count; ++i) {
    TaskRange& range = shared.ranges[static_cast<size_t>(i)];
    range.next = PartBegin(tasks, shared.count, i);
    range.end = PartBegin(tasks, shared.count, i + 1);
  }
  parallel->Run(
      static_cast<size_t>(workers),
      [](void* context, size_t worker) {
        auto& common = *static_cast<Shared*>(context);
        for (int64_t i = 0; i < common.count; ++i) {
          const auto index = static_cast<int64_t>(worker) + i;
          TaskRange& range = common.ranges[static_cast<size_t>(index % common.count)];
          while (true) {
            const int64_t task = range.next.fetch_add(1, std::memory_order_relaxed);
            if (task >= range.end) break;
            (*common.body)(task, static_cast<int64_t>(worker));
          }
        }
      },
      &shared);
}

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_PARALLEL_H_
