// A caller's threads, of which one does all the work.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_LONE_WORKER_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_LONE_WORKER_H_

#include <cstddef>

#include "maskproof/kernels/execution.h"
#include "properties/subjects/kernels_ways.h"

namespace maskproof {

// A caller's threads of which the first one to come takes every task that there is, as on a machine
// that has no time for the others. A kernel hands out tasks to whichever worker asks, so that one
// does them all in its own scratch memory, in order and always alike. What belongs to workers
// behind others is seldom touched by real threads on a small machine. A kernel with tasks of its
// own for each worker finds them done in any order.
class LoneWorker final : public kernels::ParallelFor {
 public:
  // way.worker comes first, the others after it.
  LoneWorker(size_t workers, const KernelsWay& way)
      : workers_(workers),
        worker_(way.worker),
        order_(way.order),
        calls_in_between_(way.calls_in_between) {}

  size_t Concurrency() const override { return workers_; }
  void Run(size_t count, Task task, void* context) override;

 private:
  size_t workers_;
  size_t worker_;
  KernelsWay::Order order_;
  bool calls_in_between_;
};

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_LONE_WORKER_H_
