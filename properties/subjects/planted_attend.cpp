// From q, k, v to the output, row by row.
#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <thread>
#include <vector>

#include "properties/subjects/planted_mask.h"
#include "properties/subjects/planted_problem.h"
#include "properties/subjects/planted_row.h"

namespace maskproof::planted {
namespace {

// Every key with the same weight: the mean of all values.
void FullyMaskedRow(const Problem& p, const Row& row, float* out) {
  for (int64_t i = 0; i < p.g.value_head_size; ++i) {
    float sum = 0.0F;
    const int64_t keys = p.Has(Defect::kUniformOverSequence) ? p.g.sequence : p.g.total;
    const int64_t item = p.Has(Defect::kUniformFirstBatch) ? 0 : row.b;
    for (int64_t t = 0; t < keys; ++t) sum += p.Value(item, row.n, t, i);
    const bool zero = p.Has(Defect::kFullyMaskedZero);
    out[i] = zero ? 0.0F : sum / static_cast<float>(keys);
  }
}

// Weights of masked keys as the last batch item left them.
void RecallStaleWeights(const Problem& p, Row& row) {
  float* const memory = row.memory.data() + (row.n * p.g.sequence + row.s) * p.g.total;
  for (size_t t = 0; t < row.weight.size(); ++t) {
    if (row.part[t] != 0) memory[t] = row.weight[t];
    row.weight[t] = memory[t];
  }
}

// Through memory of the process. Atomic, so that it is no race by the language, only by intent.
// Others come on meanwhile, as they would during the long rows of a real kernel: on a busy machine
// two calls of a microsecond hardly ever meet.
void ShareWeights(Row& row) {
  constexpr size_t kShared = 64;
  static std::array<std::atomic<float>, kShared> scratch{};
  const size_t count = std::min(row.weight.size(), kShared);
  for (size_t t = 0; t < count; ++t) scratch[t].store(row.weight[t], std::memory_order_relaxed);
  std::this_thread::yield();
  for (size_t t = 0; t < count; ++t) row.weight[t] = scratch[t].load(std::memory_order_relaxed);
}

void MixValues(const Problem& p, const Row& row, float* out) {
  const bool all = p.Has(Defect::kZeroTimesNan) || p.Has(Defect::kStaleScratch);
  for (int64_t i = 0; i < p.g.value_head_size; ++i) {
    float sum = 0.0F;
    const bool tail = i >= p.g.value_head_size / kLanes * kLanes;
    const int64_t keys =
        p.Has(Defect::kValueTail) && tail ? std::min(p.g.total, kLanes) : p.g.total;
    for (int64_t t = 0; t < keys; ++t) {
      const auto at = static_cast<size_t>(t);
      if (row.part[at] != 0 || all) sum += row.weight[at] * p.Value(row.b, row.n, t, i);
    }
    constexpr float kTooLarge = 1.001F;
    if (p.Has(Defect::kLane1e3) && i % 4 == 3) sum *= kTooLarge;
    out[i] = sum;
  }
  const std::span row_out(out, static_cast<size_t>(p.g.value_head_size));
  if (p.Has(Defect::kNanInAnyLane) &&
      std::ranges::any_of(row_out, [](float x) { return std::isnan(x); })) {
    std::ranges::fill(row_out, std::numeric_limits<float>::quiet_NaN());
  }
  if (p.Has(Defect::kInfinityClamped)) {
    constexpr float kMost = std::numeric_limits<float>::max();
    for (float& x : row_out) {
      if (std::isinf(x)) x = std::copysign(kMost, x);
    }
  }
}

void AttendRow(const Problem& p, const MaskReader& mask, Row& row, float* out) {
  FillLogits(p, mask, row);
  if (!row.AnyPart()) {
    FullyMaskedRow(p, row, out);
  } else if (p.Has(Defect::kBlockInfMinusInf) || p.Has(Defect::kLateRescale) ||
             p.Has(Defect::kLateRescale256)) {
    OnlineRow(p, row, out);
  } else {
    FillWeights(p, row);
    if (p.Has(Defect::kStaleScratch)) RecallStaleWeights(p, row);
    if (p.Has(Defect::kSharedScratch)) ShareWeights(row);
    MixValues(p, row, out);
  }
}

}  // namespace

void Attend(const Problem& p) {
  const Geometry& g = p.g;
  const MaskReader mask(p);
  Row row;
  if (p.Has(Defect::kStaleScratch)) {
    row.memory.resize(static_cast<size_t>(g.heads * g.sequence * g.total));
  }
  const int64_t rows = g.batch * g.heads * g.sequence;
  const int64_t done = p.Has(Defect::kLostRows) ? rows / p.threads * p.threads : rows;
  for (int64_t index = 0; index < done; ++index) {
    row.b = index / (g.heads * g.sequence);
    row.n = index / g.sequence % g.heads;
    row.s = index % g.sequence;
    // Core (B,N,S,Hv), the operators (B,S,N,Hv).
    const int64_t place =
        p.bound.c->op == Op::kCore ? index : (row.b * g.sequence + row.s) * g.heads + row.n;
    AttendRow(p, mask, row, p.bound.output + place * g.value_head_size);
  }
}

}  // namespace maskproof::planted
