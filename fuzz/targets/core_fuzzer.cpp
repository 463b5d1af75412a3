// Valid cases of scaled dot-product attention on given query, key and value.
#include "fuzz/checks.h"
#include "fuzz/target.h"

namespace maskproof::fuzz {

const Target& ThisTarget() {
  static constexpr Target kTarget = {
      .name = "core_fuzzer", .op = Op::kCore, .faults = false, .run = RunCase};
  return kTarget;
}

}  // namespace maskproof::fuzz
