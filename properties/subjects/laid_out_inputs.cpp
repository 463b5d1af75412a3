#include "properties/subjects/laid_out_inputs.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "properties/subjects/memory_arena.h"
#include "properties/subjects/sanitizers.h"

namespace maskproof {
namespace {

using InputArenas = std::array<MemoryArena, kCoreInputs.size()>;

InputArenas& ThreadInputArenas() {
  thread_local InputArenas arenas;
  return arenas;
}

// Memory of plain copies, of this thread, kept from call to call; AddressSanitizer has to see where
// each ends.
float* ThreadHeap(size_t memory, size_t size) {
  thread_local std::array<std::vector<float>, kCoreInputs.size()> heaps;
  std::vector<float>& heap = heaps[memory];
  if (kAddressSanitizer) {
    heap = std::vector<float>(size);
  } else if (heap.size() < size) {
    heap.resize(size);
  }
  return heap.data();
}

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();

}  // namespace

LaidOutInputs::LaidOutInputs(const BoundCase& bound, const CoreArrangement& arrangement)
    : bound_(bound), arrangement_(arrangement) {
  for (size_t i = 0; i < kCoreInputs.size(); ++i) {
    const auto& place = arrangement.places[i];
    Memory& memory = memories_[place.memory];
    if (memory.data != nullptr || place.layout.empty()) continue;
    if (place.layout.IsDense()) {
      memory.data = Dense(i);
    } else {
      ok_ = ok_ && Copy(place.memory);
    }
  }
}

const float* LaidOutInputs::Dense(size_t input) const {
  return static_cast<const float*>(bound_[kCoreInputs[input]].data);
}

kernels::StridedTensor<const float> LaidOutInputs::View(size_t input) const {
  const auto& place = arrangement_.places[input];
  return place.layout.Over(place.layout.empty() ? nullptr : memories_[place.memory].data);
}

void LaidOutInputs::Fill(size_t memory, float* to) const {
  std::fill_n(to, memories_[memory].size, kNaN);
  for (size_t i = 0; i < kCoreInputs.size(); ++i) {
    const auto& place = arrangement_.places[i];
    if (place.memory != memory) continue;
    place.layout.ForEachRow([&](int64_t dense, int64_t here) {
      std::copy_n(Dense(i) + dense, place.layout.columns, to + here);
    });
  }
}

bool LaidOutInputs::Copy(size_t memory) {
  Memory& copy = memories_[memory];
  for (const auto& place : arrangement_.places) {
    if (place.memory == memory) copy.size = std::max(copy.size, place.layout.Extent());
  }
  const auto size = static_cast<size_t>(copy.size);
  float* data = nullptr;
  if (bound_.placement == MemoryPlacement::kPlain) {
    data = ThreadHeap(memory, size);
  } else {
    const MemoryArena::Placed placed = ThreadInputArenas()[memory].Place(
        size * sizeof(float), bound_.placement, (1 + memory) * sizeof(float));
    if (placed.data == nullptr) return false;
    // On the open sides, too, what is read must not matter.
    std::ranges::fill(placed.before, std::byte{0xFF});
    std::ranges::fill(placed.after, std::byte{0xFF});
    data = reinterpret_cast<float*>(placed.data);
  }
  Fill(memory, data);
  copy.data = data;
  return true;
}

void LaidOutInputs::Check(MemoryReport& report) const {
  for (size_t m = 0; m < memories_.size(); ++m) {
    const Memory& copy = memories_[m];
    std::vector<float> expected(static_cast<size_t>(copy.size));
    if (expected.empty()) continue;
    Fill(m, expected.data());
    const auto same = [](float a, float b) {
      return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
    };
    const auto changed = std::mismatch(expected.begin(), expected.end(), copy.data, same).first;
    if (changed == expected.end()) continue;
    report.inputs_changed = true;
    report.detail = "query, key or value: element " + std::to_string(changed - expected.begin()) +
                    " of its layout changed";
    return;
  }
}

}  // namespace maskproof
