// Cases of every operator with structural faults: refused or computed, never half of each.
#include "fuzz/checks.h"
#include "fuzz/target.h"

namespace maskproof::fuzz {

const Target& ThisTarget() {
  static constexpr Target kTarget = {
      .name = "malformed_fuzzer", .op = std::nullopt, .faults = true, .run = RunCase};
  return kTarget;
}

}  // namespace maskproof::fuzz
