// The softmax of one row: maximum, exp, sum, division.
#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <thread>
#include <utility>

#include "properties/case/floats.h"
#include "properties/subjects/planted_row.h"

namespace maskproof::planted {
namespace {

constexpr float kEpsilon = 1e-6F;
constexpr float kCoarse = 1e-4F;
constexpr float kWaves = 40.0F;
constexpr float kSentinel = -5e4F;

// Keys in whole vectors; all of them if there is not even one vector.
size_t WholeVectors(const Row& row) {
  const size_t total = row.part.size();
  const size_t whole = total / kLanes * kLanes;
  return whole == 0 ? total : whole;
}

float MaximumOf(const Row& row, size_t keys, bool masked_too) {
  float maximum = -kInfinity;
  for (size_t t = 0; t < keys; ++t) {
    if ((row.part[t] != 0 || masked_too) && row.logit[t] > maximum) maximum = row.logit[t];
  }
  return maximum;
}

float MinimumOf(const Row& row) {
  float minimum = kInfinity;
  for (size_t t = 0; t < row.part.size(); ++t) {
    if (row.part[t] != 0) minimum = std::min(minimum, row.logit[t]);
  }
  return minimum;
}

float RowMaximum(const Problem& p, const Row& row) {
  const size_t total = row.part.size();
  if (p.Has(Defect::kMaxBeforeScale) && p.scale < 0.0F) return MinimumOf(row);
  if (p.Has(Defect::kNoMaxSubtraction)) return 0.0F;
  if (p.Has(Defect::kMaskedMax)) return MaximumOf(row, total, true);
  if (p.Has(Defect::kTailMax)) {
    const float maximum = MaximumOf(row, WholeVectors(row), false);
    if (maximum > -kInfinity) return maximum;
  }
  if (p.Has(Defect::kStaleMax)) {
    const float first = MaximumOf(row, std::min<size_t>(kLanes, total), false);
    if (first > -kInfinity) return first;
  }
  const float maximum = MaximumOf(row, total, false);
  if (p.Has(Defect::kMaxFromZero)) return std::max(maximum, 0.0F);
  if (p.Has(Defect::kMaxFromSentinel)) return std::max(maximum, kSentinel);
  if (p.Has(Defect::kMaskedBlockMaxZero) &&
      MaximumOf(row, std::min<size_t>(kLanes, total), false) == -kInfinity) {
    return std::max(maximum, 0.0F);
  }
  return maximum;
}

// Two threads, each with half of the keys, and one sum without a lock.
float RacySum(const Row& row) {
  volatile float sum = 0.0F;
  std::atomic<int> ready = 0;
  const size_t middle = row.weight.size() / 2;
  auto add = [&](size_t begin, size_t end) {
    // Together at the start, or the first would be done before the second begins.
    ready.fetch_add(1);
    while (ready.load() < 2) std::this_thread::yield();
    for (size_t t = begin; t < end; ++t) sum = sum + row.weight[t];
  };
  std::thread other(add, 0, middle);
  add(middle, row.weight.size());
  other.join();
  return sum;
}

float SumOf(const Problem& p, const Row& row) {
  const size_t total = row.weight.size();
  // Threads cost more than rows; the last row of a head stands for all.
  constexpr size_t kLongRow = 16;
  if (p.Has(Defect::kRacyRowSum) && total >= kLongRow && row.s == p.g.sequence - 1) {
    return RacySum(row);
  }
  float sum = 0.0F;
  if (p.Has(Defect::kThreadOrder) && p.threads > 1) {
    for (size_t t = total; t-- > 0;) sum += row.weight[t];
    return sum;
  }
  const size_t keys = p.Has(Defect::kTailSum) ? WholeVectors(row) : total;
  for (size_t t = 0; t < keys; ++t) sum += row.weight[t];
  return sum;
}

float RoundToBf16(float x) {
  const auto bits = std::bit_cast<uint32_t>(x);
  if (std::isnan(x)) return x;
  return std::bit_cast<float>((bits + 0x8000U) & 0xFFFF0000U);
}

}  // namespace

void FillWeights(const Problem& p, Row& row) {
  const size_t total = row.part.size();
  const float maximum = RowMaximum(p, row);
  row.weight.assign(total, 0.0F);
  for (size_t t = 0; t < total; ++t) {
    if (row.part[t] == 0) continue;
    float x = row.logit[t] - maximum;
    constexpr float kLowestArgument = -87.0F;
    if (p.Has(Defect::kExpFloor) && x < kLowestArgument) x = kLowestArgument;
    row.weight[t] = std::exp(x);
    // The first digits of a table, without the last step of its interpolation.
    if (p.Has(Defect::kCoarseExp)) row.weight[t] *= 1.0F + kCoarse * std::sin(kWaves * x);
  }
  float sum = SumOf(p, row);
  if (p.Has(Defect::kSumEpsilon)) sum += kEpsilon;
  if (p.Has(Defect::kMaxFromSentinel) && sum == 0.0F) sum = 1.0F;
  if (p.Has(Defect::kStaleSum)) {
    const bool next_item = row.b > 0 && row.n == 0 && row.s == 0;
    std::swap(row.last_sum, sum);
    sum = next_item ? sum + row.last_sum : row.last_sum;
  }
  for (size_t t = 0; t < total; ++t) {
    if (row.part[t] == 0) continue;
    row.weight[t] /= sum;
    if (p.Has(Defect::kWeightThreshold) && row.weight[t] < kEpsilon) row.weight[t] = 0.0F;
    if (p.Has(Defect::kBf16Weights)) row.weight[t] = RoundToBf16(row.weight[t]);
  }
}

}  // namespace maskproof::planted
