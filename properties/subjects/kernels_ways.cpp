#include "properties/subjects/kernels_ways.h"

#include <array>
#include <cstdint>

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
    // Seldom many: each has scratch memory, and to fill that takes longer than a small case.
    constexpr std::array<size_t, 4> kFew{2, 3, 5, 8};
    constexpr std::array<size_t, 3> kMany{13, 24, 70};
    way.workers = rng.OneIn(8) ? kMany[rng.Below(kMany.size())] : kFew[rng.Below(kFew.size())];
    way.worker = rng.Below(way.workers);
  }
  way.asks_without_data = rng.OneIn(2);
  way.repacks = rng.OneIn(2);
  way.offers_less = rng.OneIn(16);
  way.calls_in_between = rng.OneIn(4);
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

}  // namespace maskproof
