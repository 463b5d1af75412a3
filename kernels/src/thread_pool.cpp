// The default ParallelFor: a fixed number of threads that sleep between jobs.
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <new>
#include <system_error>
#include <thread>
#include <vector>

#include "look_out.h"
#include "maskproof/kernels/execution.h"

namespace maskproof::kernels {
namespace {

// More than any machine has use for; keeps an absurd request from exhausting the system.
constexpr size_t kMostThreads = 1024;

class ThreadPool;

// The pool whose task this thread is running: a task that calls Run again must not wait for itself.
thread_local const ThreadPool* running_pool = nullptr;

class ThreadPool final : public ParallelFor {
 public:
  ThreadPool() = default;
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  ~ThreadPool() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      wanted_ = true;
    }
    work_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  // Where the system gives fewer threads than asked for, the pool has fewer.
  void Start(size_t workers) {
    workers_.reserve(workers);
    try {
      while (workers_.size() < workers) workers_.emplace_back([this] { Work(); });
    } catch (const std::system_error&) {
      return;
    }
  }

  size_t Concurrency() const override { return workers_.size() + 1; }

  void Run(size_t count, Task task, void* context) override {
    if (count <= 1 || workers_.empty() || running_pool == this) {
      for (size_t i = 0; i < count; ++i) task(context, i);
      return;
    }
    const std::lock_guard one_job_at_a_time(callers_);
    std::unique_lock lock(mutex_);
    job_ = {.task = task, .context = context, .count = count, .next = 0, .unfinished = count};
    wanted_ = true;
    finished_ = false;
    work_.notify_all();
    TakeTasks(lock);
    lock.unlock();
    LookOutFor([this] { return finished_.load(); });
    lock.lock();
    done_.wait(lock, [this] { return job_.unfinished == 0; });
    job_ = {};
  }

 private:
  struct Job {
    Task task = nullptr;
    void* context = nullptr;
    size_t count = 0;
    size_t next = 0;
    size_t unfinished = 0;
  };

  // Runs tasks of the current job until none is left to start. `lock` is held on entry and exit.
  void TakeTasks(std::unique_lock<std::mutex>& lock) {
    const ThreadPool* const outer = running_pool;
    running_pool = this;
    while (job_.next < job_.count) {
      const Task task = job_.task;
      void* const context = job_.context;
      const size_t index = job_.next++;
      if (job_.next == job_.count) wanted_ = stopping_;
      lock.unlock();
      task(context, index);
      lock.lock();
      if (--job_.unfinished == 0) {
        finished_ = true;
        done_.notify_one();
      }
    }
    running_pool = outer;
  }

  void Work() {
    while (true) {
      LookOutFor([this] { return wanted_.load(); });
      std::unique_lock lock(mutex_);
      work_.wait(lock, [this] { return stopping_ || job_.next < job_.count; });
      if (stopping_) return;
      TakeTasks(lock);
    }
  }

  std::mutex callers_;
  std::mutex mutex_;  // guards job_ and stopping_
  std::condition_variable work_;
  std::condition_variable done_;
  Job job_;
  bool stopping_ = false;
  // What those that look out see of the state that mutex_ guards.
  std::atomic<bool> wanted_{false};    // there are tasks to start, or nothing more will come
  std::atomic<bool> finished_{false};  // all tasks of the job are done
  std::vector<std::thread> workers_;
};

}  // namespace

std::unique_ptr<ParallelFor> MakeThreadPool(size_t threads) {
  try {
    auto pool = std::make_unique<ThreadPool>();
    pool->Start(std::clamp<size_t>(threads, 1, kMostThreads) - 1);
    return pool;
  } catch (const std::bad_alloc&) {
    return nullptr;  // which every Execution takes as: on the calling thread
  }
}

}  // namespace maskproof::kernels
