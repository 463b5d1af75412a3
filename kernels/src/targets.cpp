// Which SIMD targets are compiled in and usable here.
#include "hwy/targets.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "amx.h"
#include "dispatch.h"
#include "maskproof/kernels/execution.h"

namespace maskproof::kernels {
namespace {

std::vector<Target> FindTargets() {
  std::vector<Target> targets;
  // Highway numbers its targets so that a lower bit is a better target.
  for (const int64_t id : hwy::SupportedAndGeneratedTargets()) {
    if (id == HWY_AVX3_DL && AmxIsUsable()) {
      targets.push_back({.name = TargetName(kAmxTarget), .id = kAmxTarget});
    }
    targets.push_back({.name = TargetName(id), .id = id});
  }
  if (targets.empty()) {
    const auto baseline = static_cast<int64_t>(HWY_STATIC_TARGET);
    targets.push_back({.name = TargetName(baseline), .id = baseline});
  }
  return targets;
}

}  // namespace

const std::vector<Target>& SupportedTargets() {
  static const std::vector<Target> targets = FindTargets();
  return targets;
}

std::string_view TargetName(int64_t target) {
  return target == kAmxTarget ? "AMX" : hwy::TargetName(target);
}

int64_t ResolveTarget(int64_t requested) {
  const std::vector<Target>& targets = SupportedTargets();
  if (requested == 0) return targets.front().id;
  const bool usable = std::any_of(targets.begin(), targets.end(),
                                  [=](const Target& target) { return target.id == requested; });
  return usable ? requested : 0;
}

}  // namespace maskproof::kernels
