// Which SIMD targets are compiled in and usable here.
#include "hwy/targets.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <vector>

#include "dispatch.h"
#include "extensions.h"
#include "maskproof/kernels/execution.h"

namespace maskproof::kernels {
namespace {

std::vector<Target> FindTargets() {
  // Highway numbers its targets so that a lower bit is a better target.
  std::vector<int64_t> ids = hwy::SupportedAndGeneratedTargets();
  if (ids.empty()) ids = {static_cast<int64_t>(HWY_STATIC_TARGET)};
  std::vector<Target> targets;
  const auto add = [&](int64_t id) { targets.push_back({.name = TargetName(id), .id = id}); };
  for (const int64_t id : ids) {
    if (Bf16IsUsable(id)) add(id | kExtensionBit | kBf16Bit);
    if (ExtensionIsUsable(id)) add(id | kExtensionBit);
    add(id);
  }
  return targets;
}

}  // namespace

const std::vector<Target>& SupportedTargets() {
  static const std::vector<Target> targets = FindTargets();
  return targets;
}

std::string_view TargetName(int64_t target) {
  return IsExtended(target) ? ExtensionName(target) : hwy::TargetName(target);
}

int64_t ResolveTarget(int64_t requested) {
  const std::vector<Target>& targets = SupportedTargets();
  if (requested == 0) return targets.front().id;
  const bool usable = std::any_of(targets.begin(), targets.end(),
                                  [=](const Target& target) { return target.id == requested; });
  return usable ? requested : 0;
}

}  // namespace maskproof::kernels
