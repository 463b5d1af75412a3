// The default ParallelFor, and that every task is done once.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "maskproof/kernels/execution.h"
#include "parallel.h"
#include "sizes.h"

namespace maskproof::kernels {
namespace {

struct Counts {
  std::vector<std::atomic<int>> of;
  explicit Counts(size_t size) : of(size) {}
  static void Add(void* context, size_t index) { ++static_cast<Counts*>(context)->of[index]; }
};

TEST(ThreadPoolTest, RunsEveryTaskOnce) {
  for (const size_t threads : {0U, 1U, 2U, 3U, 8U}) {
    const std::unique_ptr<ParallelFor> pool = MakeThreadPool(threads);
    ASSERT_NE(pool, nullptr);
    EXPECT_EQ(pool->Concurrency(), threads == 0 ? 1 : threads);
    for (const size_t count : {0U, 1U, 2U, 7U, 1000U}) {
      Counts counts(count);
      pool->Run(count, &Counts::Add, &counts);
      for (const std::atomic<int>& n : counts.of) EXPECT_EQ(n.load(), 1);
    }
  }
}

TEST(ThreadPoolTest, ServesManyCallersAndManyJobs) {
  const std::unique_ptr<ParallelFor> pool = MakeThreadPool(3);
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int caller = 0; caller < 4; ++caller) {
    callers.emplace_back([&] {
      for (int job = 0; job < 200; ++job) {
        Counts counts(5);
        pool->Run(5, &Counts::Add, &counts);
        for (const std::atomic<int>& n : counts.of) wrong += n.load() == 1 ? 0 : 1;
      }
    });
  }
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(wrong.load(), 0);
}

TEST(ThreadPoolTest, ATaskMayRunTasks) {
  struct Nested {
    ParallelFor* pool;
    Counts counts{6};
  };
  const std::unique_ptr<ParallelFor> pool = MakeThreadPool(2);
  Nested nested{.pool = pool.get()};
  pool->Run(
      4,
      [](void* context, size_t /*index*/) {
        auto& n = *static_cast<Nested*>(context);
        n.pool->Run(6, &Counts::Add, &n.counts);
      },
      &nested);
  for (const std::atomic<int>& n : nested.counts.of) EXPECT_EQ(n.load(), 4);
}

// Which pool a task belongs to is known after it has run tasks of another, too.
TEST(ThreadPoolTest, ATaskMayRunTasksOfAnotherPoolBeforehand) {
  struct Nested {
    ParallelFor* pool;
    ParallelFor* other;
    Counts counts{6};
  };
  const std::unique_ptr<ParallelFor> pool = MakeThreadPool(2);
  const std::unique_ptr<ParallelFor> other = MakeThreadPool(2);
  Nested nested{.pool = pool.get(), .other = other.get()};
  pool->Run(
      4,
      [](void* context, size_t /*index*/) {
        auto& n = *static_cast<Nested*>(context);
        n.other->Run(6, &Counts::Add, &n.counts);
        n.pool->Run(6, &Counts::Add, &n.counts);
      },
      &nested);
  for (const std::atomic<int>& n : nested.counts.of) EXPECT_EQ(n.load(), 8);
}

TEST(ForEachTaskTest, WorkersHaveSlotsOfTheirOwn) {
  const std::unique_ptr<ParallelFor> pool = MakeThreadPool(4);
  constexpr int64_t kTasks = 500;
  const int64_t workers = WorkerCount(pool.get(), kTasks);
  EXPECT_EQ(workers, 4);
  EXPECT_EQ(WorkerCount(pool.get(), 2), 2);
  EXPECT_EQ(WorkerCount(nullptr, kTasks), 1);
  std::vector<std::atomic<int>> busy(static_cast<size_t>(workers));
  std::vector<std::atomic<int>> done(kTasks);
  std::atomic<bool> shared{false};
  ForEachTask(pool.get(), kTasks, [&](int64_t task, int64_t worker) {
    std::atomic<int>& slot = busy[static_cast<size_t>(worker)];
    if (slot.fetch_add(1) != 0) shared = true;
    ++done[static_cast<size_t>(task)];
    --slot;
  });
  EXPECT_FALSE(shared.load());
  for (const std::atomic<int>& n : done) EXPECT_EQ(n.load(), 1);
}

TEST(ForEachTaskTest, WorkersBeginApartAndLeaveNothing) {
  // Everything by whichever worker comes first: the others find nothing.
  class OneAfterTheOther final : public ParallelFor {
   public:
    size_t Concurrency() const override { return 100; }
    void Run(size_t count, Task task, void* context) override {
      for (size_t i = count; i > 0; --i) task(context, i - 1);
    }
  };
  OneAfterTheOther parallel;
  for (const int64_t tasks : {2, 7, 64, 65, 100, 1000}) {
    std::vector<int64_t> order;
    ForEachTask(&parallel, tasks, [&](int64_t task, int64_t /*worker*/) { order.push_back(task); });
    ASSERT_EQ(static_cast<int64_t>(order.size()), tasks);
    // The last worker, which comes first, begins with tasks of its own, in order.
    const int64_t ranges = std::min<int64_t>({tasks, 100, kMostTaskRanges});
    const int64_t last = std::min<int64_t>(tasks, 100) - 1;
    EXPECT_EQ(order[0], PartBegin(tasks, ranges, last % ranges));
    std::sort(order.begin(), order.end());
    for (int64_t i = 0; i < tasks; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
  }
}

}  // namespace
}  // namespace maskproof::kernels
