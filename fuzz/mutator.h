// Structure-aware mutation: inputs are decoded, the recipe is edited, and encoded again.
#ifndef MASKPROOF_FUZZ_MUTATOR_H_
#define MASKPROOF_FUZZ_MUTATOR_H_

#include <cstddef>
#include <cstdint>

#include "fuzz/target.h"

namespace maskproof::fuzz {

// Mutates plain bytes in place and gives the new size, at most `max_size`: the engine's own.
using RawMutator = size_t (*)(uint8_t* data, size_t size, size_t max_size);

// `data` has room for `max_size` bytes. Gives the new size.
size_t MutateInput(const Target& target, uint8_t* data, size_t size, size_t max_size, uint64_t seed,
                   RawMutator raw);

// Writes a mixture of both inputs to `out` and gives its size; 0 if it does not fit.
size_t CrossInputs(const Target& target, const uint8_t* a, size_t a_size, const uint8_t* b,
                   size_t b_size, uint8_t* out, size_t max_size, uint64_t seed);

}  // namespace maskproof::fuzz

#endif  // MASKPROOF_FUZZ_MUTATOR_H_
