// Valid cases of com.microsoft.QAttention.
#include "fuzz/checks.h"
#include "fuzz/target.h"

namespace maskproof::fuzz {

const Target& ThisTarget() {
  static constexpr Target kTarget = {
      .name = "qattention_fuzzer", .op = Op::kQAttention, .faults = false, .run = RunCase};
  return kTarget;
}

}  // namespace maskproof::fuzz
