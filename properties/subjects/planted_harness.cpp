#include "properties/subjects/planted_harness.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <span>

#include "properties/case/floats.h"
#include "properties/oracle/oracle.h"

namespace maskproof::planted {
namespace {

std::span<float> OutputOf(const BoundCase& bound) {
  return {bound.output, static_cast<size_t>(ElementCount(bound.output_dims))};
}

std::span<float> PresentOf(const BoundCase& bound) {
  if (bound.present == nullptr) return {};
  return {bound.present, static_cast<size_t>(ElementCount(bound.present_dims))};
}

void FillAll(const BoundCase& bound, float value) {
  for (const std::span<float> out : {OutputOf(bound), PresentOf(bound)}) {
    std::fill(out.begin(), out.end(), value);
  }
}

const BoundTensor& FirstInput(const BoundCase& bound) {
  return bound[bound.c->op == Op::kCore ? TensorId::kQuery : TensorId::kInput];
}

void EchoInput(const BoundCase& bound) {
  const Tensor& input = *FirstInput(bound).tensor;
  const int64_t size = input.size();
  int64_t i = 0;
  for (float& value : OutputOf(bound)) {
    value = size == 0 ? 0.0F : static_cast<float>(input.Get(i++ % size));
  }
}

void GivePrevious(const BoundCase& bound, CallMemory& memory) {
  const std::span<float> out = OutputOf(bound);
  const std::vector<float> current(out.begin(), out.end());
  for (size_t i = 0; i < out.size(); ++i) {
    out[i] = memory.previous.empty() ? 0.0F : memory.previous[i % memory.previous.size()];
  }
  memory.previous = current;
}

// Moves the element with the tightest bound to the first float outside of it.
void LeaveBound(const BoundCase& bound, const NumericsProfile& profile) {
  if (OutputOf(bound).empty()) return;
  OracleOptions options;
  options.profile = profile;
  const Reference reference = ComputeReference(*bound.c, options);
  const Geometry& g = reference.geometry;
  size_t tightest = reference.bound.size();
  for (int64_t row = 0; row < g.batch * g.heads * g.sequence; ++row) {
    const int64_t b = row / (g.heads * g.sequence);
    const int64_t n = row / g.sequence % g.heads;
    const int64_t s = row % g.sequence;
    if (reference.row(b, n, s) != RowState::kBounded) continue;
    for (int64_t i = 0; i < g.value_head_size; ++i) {
      const auto at = static_cast<size_t>(OutputIndex(bound.c->op, g, b, n, s, i));
      if (tightest == reference.bound.size() || reference.bound[at] < reference.bound[tightest]) {
        tightest = at;
      }
    }
  }
  if (tightest == reference.bound.size()) return;
  const double expected = reference.output[tightest];
  const double allowed = reference.bound[tightest];
  // The least float above the bound: rounding has left this one at most a few steps from it.
  auto outside = static_cast<float>(expected + allowed);
  while (Within(outside, expected, allowed)) outside = std::nextafter(outside, kInfinity);
  while (true) {
    const float below = std::nextafter(outside, -kInfinity);
    if (Within(below, expected, allowed)) break;
    outside = below;
  }
  if (std::isinf(outside)) return;  // the bound allows every float
  OutputOf(bound)[tightest] = outside;
}

void FlipLastBits(const BoundCase& bound) {
  for (float& value : OutputOf(bound)) {
    value = std::bit_cast<float>(std::bit_cast<uint32_t>(value) ^ 1U);
  }
}

void Scribble(const BoundCase& bound) {
  const BoundTensor& input = FirstInput(bound);
  if (input.data != nullptr) *static_cast<std::byte*>(input.data) ^= std::byte{1};
}

}  // namespace

bool NeedsMemory(Defect defect) {
  return defect == Defect::kPreviousOutput || defect == Defect::kNondeterministic;
}

void SpoilResult(Defect defect, const BoundCase& bound, const NumericsProfile& profile,
                 CallMemory& memory) {
  const uint64_t calls = ++memory.calls;
  switch (defect) {
    case Defect::kAllNan:
      FillAll(bound, std::numeric_limits<float>::quiet_NaN());
      break;
    case Defect::kAllZeros:
      FillAll(bound, 0.0F);
      break;
    case Defect::kEchoInput:
      EchoInput(bound);
      break;
    case Defect::kPreviousOutput:
      GivePrevious(bound, memory);
      break;
    case Defect::kOneBitOff:
      LeaveBound(bound, profile);
      break;
    case Defect::kNondeterministic:
      if (calls % 2 == 0) FlipLastBits(bound);
      break;
    case Defect::kInputScribbler:
      Scribble(bound);
      break;
    default:
      break;
  }
}

}  // namespace maskproof::planted
