// The ways in which a caller may bring a case to the kernels: weights packed beforehand or not,
// scratch memory of his own or not, in C++ or in C, with threads that share the tasks or with one
// that does all of them. None of them may change a bit of a result, so each case is brought in one
// of them.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_WAYS_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_WAYS_H_

#include <cstddef>
#include <cstdint>

#include "maskproof/kernels/execution.h"
#include "maskproof/kernels/status.h"
#include "properties/case/case.h"

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

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_KERNELS_WAYS_H_
