// Which worker gets which step of which head, and when.
#include "head_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "maskproof/kernels/execution.h"
#include "panel_order.h"
#include "parallel.h"

namespace maskproof::kernels {
namespace {

constexpr HeadSteps kSteps{.prepare = 1, .pack = 3, .run = 4};

std::vector<HeadPlace> Places(int64_t count) {
  return std::vector<HeadPlace>(static_cast<size_t>(count));
}

// What one worker alone is given, in order.
std::vector<HeadStep> Alone(int64_t places, int64_t heads, const HeadSteps& steps) {
  std::vector<HeadPlace> memory = Places(places);
  HeadQueue queue(memory.data(), places, heads, steps);
  std::vector<HeadStep> given;
  while (const std::optional<HeadStep> step = queue.Next(0)) {
    given.push_back(*step);
    queue.Finish(*step);
  }
  return given;
}

TEST(HeadQueueTest, OneWorkerGetsHeadAfterHead) {
  size_t at = 0;
  const std::vector<HeadStep> given = Alone(1, 3, kSteps);
  ASSERT_EQ(given.size(), 24U);
  for (int64_t head = 0; head < 3; ++head) {
    for (const auto& [stage, steps] : {std::pair{HeadStage::kPrepare, int64_t{1}},
                                       {HeadStage::kPack, int64_t{3}},
                                       {HeadStage::kRun, int64_t{4}}}) {
      for (int64_t index = 0; index < steps; ++index, ++at) {
        EXPECT_EQ(given[at].head, head);
        EXPECT_EQ(given[at].stage, stage);
        EXPECT_EQ(given[at].index, index);
        EXPECT_EQ(given[at].place, 0);
      }
    }
  }
}

TEST(HeadQueueTest, AStageMayBeEmpty) {
  for (const HeadStep& step : Alone(2, 2, {.pack = 1, .run = 2})) {
    EXPECT_NE(step.stage, HeadStage::kPrepare);
  }
  EXPECT_EQ(Alone(2, 2, {.pack = 1, .run = 2}).size(), 6U);
}

TEST(HeadQueueTest, EveryWorkerHasHeadsOfItsOwn) {
  std::vector<HeadPlace> memory = Places(2);
  HeadQueue queue(memory.data(), 2, 6, {.pack = 1, .run = 1});
  std::array<std::vector<int64_t>, 2> heads;
  for (int round = 0; round < 6; ++round) {
    for (const int64_t worker : {1, 0}) {
      const std::optional<HeadStep> step = queue.Next(worker);
      ASSERT_TRUE(step.has_value());
      EXPECT_EQ(step->place, worker);
      heads[static_cast<size_t>(worker)].push_back(step->head);
      queue.Finish(*step);
    }
  }
  EXPECT_EQ(heads[0], (std::vector<int64_t>{0, 0, 1, 1, 2, 2}));
  EXPECT_EQ(heads[1], (std::vector<int64_t>{3, 3, 4, 4, 5, 5}));
  EXPECT_FALSE(queue.Next(0).has_value());
}

TEST(HeadQueueTest, WhoHasNoHeadHelps) {
  std::vector<HeadPlace> memory = Places(1);
  HeadQueue queue(memory.data(), 1, 1, {.pack = 2, .run = 2});
  const std::optional<HeadStep> first = queue.Next(0);
  const std::optional<HeadStep> second = queue.Next(1);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->index + second->index, 1);
  queue.Finish(*first);
  queue.Finish(*second);
  const std::optional<HeadStep> third = queue.Next(1);
  ASSERT_TRUE(third.has_value());
  EXPECT_EQ(third->stage, HeadStage::kRun);
  ASSERT_TRUE(queue.Next(0).has_value());
  // All has been given out: nobody needs to wait for the ends of others.
  EXPECT_FALSE(queue.Next(2).has_value());
}

TEST(HeadQueueTest, AWorkerTakesHeadsThatAreLeftOver) {
  std::vector<HeadPlace> memory = Places(2);
  HeadQueue queue(memory.data(), 2, 5, {.pack = 1, .run = 1});
  // Worker 1 never comes back from its first step.
  const std::optional<HeadStep> kept = queue.Next(1);
  ASSERT_TRUE(kept.has_value());
  std::vector<int64_t> heads;
  for (int step = 0; step < 8; ++step) {
    const std::optional<HeadStep> next = queue.Next(0);
    ASSERT_TRUE(next.has_value());
    heads.push_back(next->head);
    queue.Finish(*next);
  }
  EXPECT_EQ(heads, (std::vector<int64_t>{0, 0, 1, 1, 2, 2, 4, 4}));
}

// Until the last step of a stage has been finished, not only begun.
TEST(HeadQueueTest, WaitsForWhatComesFirst) {
  std::vector<HeadPlace> memory = Places(1);
  HeadQueue queue(memory.data(), 1, 1, {.pack = 2, .run = 1});
  const std::optional<HeadStep> first = queue.Next(0);
  const std::optional<HeadStep> second = queue.Next(0);
  ASSERT_TRUE(first && second);
  queue.Finish(*first);
  std::atomic<bool> packed{false};
  std::atomic<bool> early{false};
  std::atomic<bool> ran{false};
  std::thread other([&] {
    const std::optional<HeadStep> run = queue.Next(1);
    early = !packed;
    ran = run && run->stage == HeadStage::kRun;
    if (run) queue.Finish(*run);
  });
  // Longer than it looks out before it sleeps.
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  packed = true;
  queue.Finish(*second);
  other.join();
  EXPECT_FALSE(early);
  EXPECT_TRUE(ran);
  EXPECT_FALSE(queue.Next(0).has_value());
}

// All of them, not one: whoever is woken first may do all that there is and wake nobody.
TEST(HeadQueueTest, WakesAllWhoWait) {
  std::vector<HeadPlace> memory = Places(1);
  HeadQueue queue(memory.data(), 1, 1, {.pack = 1, .run = 1});
  const std::optional<HeadStep> pack = queue.Next(0);
  ASSERT_TRUE(pack);
  std::atomic<int> runs{0};
  std::vector<std::thread> others;
  for (int64_t worker = 1; worker <= 4; ++worker) {
    others.emplace_back([&, worker] {
      while (const std::optional<HeadStep> step = queue.Next(worker)) {
        ++runs;
        queue.Finish(*step);
      }
    });
  }
  // Longer than they look out before they sleep.
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  queue.Finish(*pack);
  for (std::thread& other : others) other.join();
  EXPECT_EQ(runs, 1);
}

// Many workers, each checking that what must have been done has been done.
TEST(HeadQueueTest, NoStepComesEarlyOrTwice) {
  for (const int64_t places : {1, 2, 3}) {
    for (const int64_t heads : {3, 7}) {
      const std::unique_ptr<ParallelFor> pool = MakeThreadPool(4);
      std::vector<HeadPlace> memory = Places(places);
      HeadQueue queue(memory.data(), places, heads, kSteps);
      constexpr std::array<int64_t, 3> kCounts{1, 3, 4};
      std::vector<std::array<std::atomic<int64_t>, 3>> done(static_cast<size_t>(heads));
      std::vector<std::atomic<int64_t>> steps(static_cast<size_t>(heads) * 12);
      std::vector<std::atomic<int64_t>> held(static_cast<size_t>(places));
      for (std::atomic<int64_t>& head : held) head = -1;
      std::atomic<int> wrong{0};
      ForEachTask(pool.get(), 4, [&](int64_t /*task*/, int64_t worker) {
        while (const std::optional<HeadStep> step = queue.Next(worker)) {
          const auto head = static_cast<size_t>(step->head);
          const auto stage = static_cast<size_t>(step->stage);
          std::atomic<int64_t>& holds = held[static_cast<size_t>(step->place)];
          if (stage == 0) {
            const int64_t before = holds.exchange(step->head);
            if (before >= 0 && done[static_cast<size_t>(before)][2] != kCounts[2]) ++wrong;
          } else {
            if (holds != step->head) ++wrong;
            if (done[head][stage - 1] != kCounts[stage - 1]) ++wrong;
          }
          std::this_thread::yield();  // so that others come between
          if (steps[head * 12 + stage * 4 + static_cast<size_t>(step->index)]++ != 0) ++wrong;
          ++done[head][stage];
          queue.Finish(*step);
        }
      });
      EXPECT_EQ(wrong, 0);
      for (const auto& of_head : done) {
        for (size_t stage = 0; stage < 3; ++stage) EXPECT_EQ(of_head[stage], kCounts[stage]);
      }
    }
  }
}

TEST(PanelOrderTest, EveryPanelOnceAndThirdsTogether) {
  for (const auto& [first, last, panels, sections] : {std::array<int64_t, 4>{0, 12, 12, 3},
                                                      {0, 4, 12, 1},
                                                      {4, 12, 12, 2},
                                                      {5, 12, 12, 1},
                                                      {0, 13, 13, 1},
                                                      {3, 3, 3, 1},
                                                      {0, 0, 0, 1}}) {
    const PanelOrder order = PanelOrder::Of(first, last, panels);
    EXPECT_EQ(order.sections, sections);
    std::vector<int64_t> all;
    for (int64_t i = 0; i < order.count; ++i) all.push_back(order.At(i));
    if (sections > 1) {
      EXPECT_EQ(all[1], all[0] + panels / 3);
    }
    std::sort(all.begin(), all.end());
    ASSERT_EQ(static_cast<int64_t>(all.size()), last - first);
    for (int64_t i = 0; i < last - first; ++i) EXPECT_EQ(all[static_cast<size_t>(i)], first + i);
  }
}

}  // namespace
}  // namespace maskproof::kernels
