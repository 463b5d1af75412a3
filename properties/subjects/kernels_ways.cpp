#include "properties/subjects/kernels_ways.h"

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
  return {.packed_weights = rng.OneIn(2), .own_workspace = rng.OneIn(2), .in_c = rng.OneIn(4)};
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
