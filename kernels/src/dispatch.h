// Choice of the SIMD target by the call, without touching Highway's process-wide choice.
#ifndef MASKPROOF_KERNELS_SRC_DISPATCH_H_
#define MASKPROOF_KERNELS_SRC_DISPATCH_H_

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "extensions.h"
#include "hwy/highway.h"

// The version of FUNC (named in a HWY_EXPORT of the same scope) compiled for `target`, which must
// be one of SupportedTargets().
#if HWY_IDE || ((HWY_TARGETS & (HWY_TARGETS - 1)) == 0)
#define MASKPROOF_FOR_TARGET(FUNC, target) (static_cast<void>(target), HWY_DISPATCH_TABLE(FUNC)[0])
#else
#define MASKPROOF_FOR_TARGET(FUNC, target) \
  HWY_DISPATCH_TABLE(FUNC)[::maskproof::kernels::DispatchIndex(target)]
#endif

namespace maskproof::kernels {

inline size_t DispatchIndex(int64_t target) {
  hwy::ChosenTarget chosen;
  chosen.Update(HighwayTarget(target));
  return chosen.GetIndex();
}

// "AMX", "NEON_DOT", or Highway's name. `target` as by ResolveTarget.
std::string_view TargetName(int64_t target);

// `requested` if it is one of SupportedTargets(), the best one if it is 0, and 0 if it is unusable.
int64_t ResolveTarget(int64_t requested);

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_DISPATCH_H_
