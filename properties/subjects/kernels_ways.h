// The ways in which a caller may bring a case to the kernels: weights packed beforehand or not,
// scratch memory of his own or not, in C++ or in C, with threads that share the tasks or with one
// that does all of them. None of them may change a bit of a result, so each case is brought in one
// of them.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_WAYS_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_WAYS_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "maskproof/kernels/execution.h"
#include "maskproof/kernels/status.h"
#include "properties/case/case.h"
#include "properties/subjects/memory_arena.h"

namespace maskproof {

struct KernelsWay {
  bool packed_weights = false;
  // Packs into what has held other weights, from memory that has held and will hold others.
  bool repacks = false;
  bool own_workspace = false;
  bool asks_without_data = false;  // for the size of the workspace
  bool offers_less = false;        // workspace than that at first
  bool in_c = false;
  // 0: as many threads as the subject has. Otherwise a LoneWorker of so many, of which number
  // `worker` works.
  size_t workers = 0;
  size_t worker = 0;
  // The LoneWorker's tasks after the first one.
  enum class Order : uint8_t { kAscending, kDescending, kScattered };
  Order order = Order::kAscending;
  // The LoneWorker makes a call of other data before each of its jobs, as a thread may that takes
  // up whatever work there is.
  bool calls_in_between = false;
  size_t spare_workspace = 0;  // bytes lent beyond those that were asked for
  // Of the core. Each tensor is laid out by itself, or inputs are packed into one; what repeats, or
  // is equal to another input, stands in memory once. Both are drawn from `arrangement`.
  bool own_layouts = false;
  bool shares_memory = false;
  uint64_t arrangement = 0;
  bool keeps_stale_weights = false;  // gives other weights beside the packed ones, not to be read
  // Where the target is the best one, which 0 stands for: calls with 0; packs with 0 for a call
  // with the id, or the reverse.
  bool asks_for_best = false;
  bool packs_by_other_name = false;
};

// What a case comes to whose weights were to be packed first. Weights that cannot be packed are for
// the call to refuse; where it does not, packing has refused what is right.
inline kernels::Status AfterPacking(const kernels::Status& packing, const kernels::Status& call) {
  return call.ok() && !packing.ok() ? packing : call;
}

// The same execution, with the other one of the two names that the best target has.
kernels::Execution ByOtherName(kernels::Execution execution);

// Drawn from the salt and the sizes, so that the runs that a law compares differ in it now and
// then.
KernelsWay WayOf(const Case& c);

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
  static void CallInBetween();

  size_t workers_;
  size_t worker_;
  KernelsWay::Order order_;
  bool calls_in_between_;
};

// Scratch memory of the size that was asked for, or a little more. It ends at an unreadable page,
// up to its alignment, and is full of ones: NaN as a float, so that what is read before it is
// written shows. What is next to it is watched.
class OwnWorkspace {
 public:
  // Asks `size_of(execution, bytes)`, and lends `execution` so many bytes and `spare` more; the
  // status if the size is refused. Sizes that would take long to fill are left to the library.
  template <typename SizeOf>
  kernels::Status Lend(kernels::Execution& execution, size_t spare, const SizeOf& size_of) {
    size_t bytes = 0;
    kernels::Status status = size_of(execution, bytes);
    if (!status.ok() || bytes > kMostBytes) return status;
    asked_ = bytes;
    execution.workspace = Memory(bytes + spare);
    execution.workspace_size = bytes + spare;
    return status;
  }

  // What was asked for.
  size_t asked() const { return asked_; }

  // Ends the loan, if there is one. The first byte outside of the lent memory that was written,
  // from the first byte of that; absent if all is well.
  std::optional<int64_t> TakeBack();

 private:
  static constexpr size_t kMostBytes = size_t{64} << 20;

  void* Memory(size_t bytes);

  MemoryArena arena_;
  size_t asked_ = 0;
  size_t lent_ = 0;
  std::span<std::byte> before_;
  std::span<std::byte> after_;
};

// What is wrong with `call(execution)` if it is lent a byte less than the `asked` that it needs: it
// must refuse, and `unwritten()` must say that the outputs are as they were. Ok also where nothing
// is lent.
template <typename Call, typename Unwritten>
kernels::Status OfferLess(kernels::Execution lent, size_t asked, const Call& call,
                          const Unwritten& unwritten) {
  if (lent.workspace == nullptr || asked == 0) return {};
  lent.workspace_size = asked - 1;
  const bool refused = !call(lent).ok();
  if (refused && unwritten()) return {};
  return {kernels::StatusCode::kInvalidArgument,
          refused ? "workspace: one that is too small was refused after outputs were written"
                  : "workspace: one that is too small was taken"};
}

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_WAYS_H_
