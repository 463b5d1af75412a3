#include "properties/subjects/lone_worker.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <type_traits>
#include <vector>

#include "maskproof/kernels/attention.h"

namespace maskproof {
namespace {

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

// A core of 4 x 40 scores: small, but not so small that its scratch memory ends before anything of
// use in another's.
void CallInBetween() {
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

}  // namespace

void LoneWorker::Run(size_t count, Task task, void* context) {
  if (calls_in_between_) CallInBetween();
  if (count == 0) return;
  const size_t step = StepOf(order_, count);
  for (size_t i = 0; i < count; ++i) task(context, (worker_ + i * step) % count);
}

}  // namespace maskproof
