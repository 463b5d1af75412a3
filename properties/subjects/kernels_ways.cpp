#include "properties/subjects/kernels_ways.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <type_traits>
#include <vector>

#include "maskproof/kernels/attention.h"
#include "properties/base/rng.h"

namespace maskproof {
namespace {

// Around lent memory. Not what a kernel would write: zeros, or the ones of a mask.
constexpr std::byte kWatched{0xC7};

// Steps round a circle of `count` that meet all of them once before the first one again.
size_t StepOf(KernelsWay::Order order, size_t count) {
  switch (order) {
    case KernelsWay::Order::kAscending:
      break;
    case KernelsWay::Order::kDescending:
      return count - 1;
    case KernelsWay::Order::kScattered: {
      // About the golden ratio: neighbours come at very different times.
      size_t step = std::max<size_t>(count * 5 / 8, 1);
      while (std::gcd(step, count) != 1) ++step;
      return step;
    }
  }
  return 1;
}

}  // namespace

KernelsWay WayOf(const Case& c) {
  uint64_t hash = c.salt;
  for (const auto& tensor : c.tensors) {
    if (!tensor) continue;
    for (const int64_t dim : tensor->dims) hash = MixSeeds(hash, static_cast<uint64_t>(dim));
  }
  Rng rng(hash);
  KernelsWay way{
      .packed_weights = rng.OneIn(2), .own_workspace = rng.OneIn(2), .in_c = rng.OneIn(4)};
  if (rng.OneIn(3)) {
    constexpr std::array<size_t, 7> kWorkers{2, 3, 5, 8, 13, 24, 70};
    way.workers = kWorkers[rng.Below(kWorkers.size())];
    way.worker = rng.Below(way.workers);
  }
  way.asks_without_data = rng.OneIn(2);
  way.repacks = rng.OneIn(2);
  way.offers_less = rng.OneIn(4);
  way.calls_in_between = rng.OneIn(2);
  // Seldom whole cache lines.
  constexpr uint64_t kMostSpare = 5000;
  if (rng.OneIn(4)) way.spare_workspace = 1 + rng.Below(kMostSpare);
  way.own_layouts = rng.OneIn(2);
  way.shares_memory = rng.OneIn(2);
  way.arrangement = rng.Next();
  way.order = static_cast<KernelsWay::Order>(rng.Below(3));
  way.asks_for_best = rng.OneIn(2);
  way.packs_by_other_name = rng.OneIn(2);
  way.keeps_stale_weights = rng.OneIn(2);
  return way;
}

kernels::Execution ByOtherName(kernels::Execution execution) {
  const int64_t best = kernels::SupportedTargets().front().id;
  if (execution.target == 0) {
    execution.target = best;
  } else if (execution.target == best) {
    execution.target = 0;
  }
  return execution;
}

void LoneWorker::Run(size_t count, Task task, void* context) {
  if (calls_in_between_) CallInBetween();
  if (count == 0) return;
  const size_t step = StepOf(order_, count);
  for (size_t i = 0; i < count; ++i) task(context, (worker_ + i * step) % count);
}

// A core of 4 x 40 scores: small, but not so small that its scratch memory ends before anything of
// use in another's.
void LoneWorker::CallInBetween() {
  constexpr int64_t kQueries = 4;
  constexpr int64_t kKeys = 40;
  constexpr int64_t kSize = 8;
  static const std::vector<float> numbers(kKeys * kSize, 0.75F);
  std::array<float, kQueries * kSize> output{};
  const auto dense = [](auto* data, int64_t rows) {
    return kernels::StridedTensor<std::remove_pointer_t<decltype(data)>>{data, rows * kSize,
                                                                         rows * kSize, kSize};
  };
  kernels::CoreArguments arguments;
  arguments.shape = {.batch = 1,
                     .heads = 1,
                     .query_length = kQueries,
                     .total_length = kKeys,
                     .head_size = kSize,
                     .value_head_size = kSize};
  arguments.query = dense(numbers.data(), kQueries);
  arguments.key = dense(numbers.data(), kKeys);
  arguments.value = dense(numbers.data(), kKeys);
  arguments.output = dense(output.data(), kQueries);
  static_cast<void>(kernels::ScaledDotProductAttention(arguments, {}));
}

void* OwnWorkspace::Memory(size_t bytes) {
  constexpr int kOnes = 0xFF;
  constexpr size_t kAlignment = kernels::kWorkspaceAlignment;
  const size_t whole = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  const MemoryArena::Placement placed = arena_.Place(whole, MemoryArena::Edge::kEnd);
  if (placed.data == nullptr) return nullptr;
  std::memset(placed.data, kOnes, bytes);
  lent_ = bytes;
  before_ = placed.canary;
  after_ = {placed.data + bytes, whole - bytes};
  std::ranges::fill(before_, kWatched);
  std::ranges::fill(after_, kWatched);
  return placed.data;
}

std::optional<int64_t> OwnWorkspace::TakeBack() {
  const auto first_other = [](std::span<const std::byte> bytes) -> std::optional<int64_t> {
    const auto other = std::ranges::find_if(bytes, [](std::byte b) { return b != kWatched; });
    if (other == bytes.end()) return std::nullopt;
    return other - bytes.begin();
  };
  std::optional<int64_t> written = first_other(before_);
  if (written) {
    *written -= static_cast<int64_t>(before_.size());
  } else if (written = first_other(after_); written) {
    *written += static_cast<int64_t>(lent_);
  }
  asked_ = lent_ = 0;
  before_ = after_ = {};
  return written;
}

}  // namespace maskproof
