#include "properties/subjects/kernels_ways.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "properties/base/rng.h"

namespace maskproof {

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
  return way;
}

void* OwnWorkspace::Memory(size_t bytes) {
  constexpr int kOnes = 0xFF;
  constexpr size_t kAlignment = kernels::kWorkspaceAlignment;
  const size_t whole = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  std::byte* const memory = arena_.Place(whole, MemoryArena::Edge::kEnd).data;
  if (memory != nullptr) std::memset(memory, kOnes, whole);
  return memory;
}

}  // namespace maskproof
