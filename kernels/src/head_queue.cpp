#include "head_queue.h"

#include <algorithm>
#include <cstdint>
#include <mutex>
#include <optional>

#include "look_out.h"
#include "sizes.h"

namespace maskproof::kernels {

HeadQueue::HeadQueue(HeadPlace* places, int64_t place_limit, int64_t heads, const HeadSteps& steps)
    : places_(places),
      place_count_(place_limit),
      heads_(heads),
      steps_{steps.prepare, steps.pack, steps.run} {
  for (int64_t i = 0; i < place_count_; ++i) {
    places_[i] = {.next_head = PartBegin(heads, place_limit, i),
                  .end_head = PartBegin(heads, place_limit, i + 1)};
  }
}

void HeadQueue::Advance(HeadPlace& place) const {
  place.begun = 0;
  place.finished = 0;
  do {
    place.stage = static_cast<HeadStage>(static_cast<uint8_t>(place.stage) + 1);
  } while (place.stage != HeadStage::kDone && StepsOf(place.stage) == 0);
}

int64_t HeadQueue::TakeHead(int64_t place) {
  ++taken_;
  while (places_[place].next_head == places_[place].end_head) place = (place + 1) % place_count_;
  return places_[place].next_head++;
}

// From the worker's own place if there is anything.
std::optional<HeadStep> HeadQueue::Take(int64_t worker) {
  for (int64_t i = 0; i < place_count_; ++i) {
    const int64_t index = (worker + i) % place_count_;
    HeadPlace& place = places_[index];
    if (place.stage == HeadStage::kDone && taken_ < heads_) {
      place.head = TakeHead(index);
      place.stage = HeadStage::kPrepare;
      if (StepsOf(HeadStage::kPrepare) == 0) Advance(place);
    }
    if (place.stage != HeadStage::kDone && place.begun < StepsOf(place.stage)) {
      return HeadStep{
          .head = place.head, .place = index, .stage = place.stage, .index = place.begun++};
    }
  }
  return std::nullopt;
}

// Once all places are taken: whether there will be steps that nobody can begin yet.
bool HeadQueue::MoreWillCome() const {
  return taken_ < heads_ || std::any_of(
                                places_, places_ + place_count_,
                                [](const auto& place) { return place.stage < HeadStage::kRun; });
}

std::optional<HeadStep> HeadQueue::Next(int64_t worker) {
  std::unique_lock lock(mutex_);
  while (true) {
    std::optional<HeadStep> step = Take(worker);
    if (step || !MoreWillCome()) return step;
    const int64_t seen = changes_;
    lock.unlock();
    LookOutFor([&] { return changes_ != seen; });
    lock.lock();
    changed_.wait(lock, [&] { return changes_ != seen; });
  }
}

void HeadQueue::Finish(const HeadStep& step) {
  const std::lock_guard lock(mutex_);
  HeadPlace& place = places_[step.place];
  if (++place.finished < StepsOf(place.stage)) return;
  Advance(place);
  ++changes_;
  changed_.notify_all();
}

}  // namespace maskproof::kernels
