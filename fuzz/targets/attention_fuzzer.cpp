// Valid cases of com.microsoft.Attention.
#include "fuzz/checks.h"
#include "fuzz/target.h"

namespace maskproof::fuzz {

const Target& ThisTarget() {
  static constexpr Target kTarget = {
      .name = "attention_fuzzer", .op = Op::kAttention, .faults = false, .run = RunCase};
  return kTarget;
}

}  // namespace maskproof::fuzz
