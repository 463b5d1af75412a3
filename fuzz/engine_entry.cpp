// What a fuzzing engine calls. The custom mutator serves libFuzzer; engines that do not know of it
// mutate plain bytes, every string of which decodes.
#include <cstddef>
#include <cstdint>
#include <string>

#include "fuzz/mutator.h"
#include "fuzz/target.h"

extern "C" {
// libFuzzer's own mutation of plain bytes. Weak: other engines do not have it.
[[gnu::weak]] size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size);

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size,
                                 uint8_t* out, size_t max_size, unsigned int seed);
}

namespace {

size_t MutateBytes(uint8_t* data, size_t size, size_t max_size) {
  return LLVMFuzzerMutate == nullptr ? size : LLVMFuzzerMutate(data, size, max_size);
}

}  // namespace

int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using maskproof::fuzz::InputResult;
  const maskproof::fuzz::Target& target = maskproof::fuzz::ThisTarget();
  std::string error;
  return target.run(target, data, size, error) == InputResult::kRan ? 0 : -1;
}

size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned int seed) {
  return maskproof::fuzz::MutateInput(maskproof::fuzz::ThisTarget(), data, size, max_size, seed,
                                      MutateBytes);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t* a, size_t a_size, const uint8_t* b, size_t b_size,
                                 uint8_t* out, size_t max_size, unsigned int seed) {
  return maskproof::fuzz::CrossInputs(maskproof::fuzz::ThisTarget(), a, a_size, b, b_size, out,
                                      max_size, seed);
}
