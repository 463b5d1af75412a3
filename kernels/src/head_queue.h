// Which worker of a call does what for which head.
#ifndef MASKPROOF_KERNELS_SRC_HEAD_QUEUE_H_
#define MASKPROOF_KERNELS_SRC_HEAD_QUEUE_H_

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>

namespace maskproof::kernels {

// A head goes through these one after the other. The steps of one may be done at the same time.
enum class HeadStage : uint8_t { kPrepare, kPack, kRun, kDone };

// Steps of each stage of a head; a stage may have none.
struct HeadSteps {
  int64_t prepare = 0;
  int64_t pack = 0;
  int64_t run = 0;
};

struct HeadStep {
  int64_t head = 0;
  int64_t place = 0;  // where the head is held
  HeadStage stage = HeadStage::kDone;
  int64_t index = 0;  // of the step in its stage
};

// A place for a head that is being worked on.
struct HeadPlace {
  int64_t head = 0;
  HeadStage stage = HeadStage::kDone;
  int64_t begun = 0;      // steps of the stage
  int64_t finished = 0;   // steps of the stage
  int64_t next_head = 0;  // of those that are the place's own
  int64_t end_head = 0;
};

// Gives every worker a head of its own for as long as there are any: what it packs then is in its
// own second-level cache when it is read. Who has none helps others. For any number of threads,
// each of which asks until there is nothing.
class HeadQueue {
 public:
  // `places` outlives the queue; there are at most as many as heads. Heads are numbered from 0.
  HeadQueue(HeadPlace* places, int64_t place_limit, int64_t heads, const HeadSteps& steps);

  // Something to do; waits where nothing can be done before others have finished a step. Nothing
  // once all has been given out.
  std::optional<HeadStep> Next(int64_t worker);
  // To be called for every step when it is done.
  void Finish(const HeadStep& step);

 private:
  int64_t StepsOf(HeadStage stage) const { return steps_[static_cast<size_t>(stage)]; }
  std::optional<HeadStep> Take(int64_t worker);
  // The next head for this place: heads next to each other, as long as there are such.
  int64_t TakeHead(int64_t place);
  bool MoreWillCome() const;
  // To the next stage that has steps.
  void Advance(HeadPlace& place) const;

  HeadPlace* places_;
  int64_t place_count_;
  int64_t heads_;
  std::array<int64_t, 3> steps_;

  std::mutex mutex_;  // guards all below and the places
  std::condition_variable changed_;
  int64_t taken_ = 0;                // heads
  std::atomic<int64_t> changes_{0};  // of stages; read without the lock, too
};

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_HEAD_QUEUE_H_
