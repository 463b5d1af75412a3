// What sets one fuzz target apart from the others. Each file in fuzz/targets defines ThisTarget();
// the engine's entry points and the replay program are linked to it.
#ifndef MASKPROOF_FUZZ_TARGET_H_
#define MASKPROOF_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "properties/recipe/recipe.h"

namespace maskproof::fuzz {

// What became of one input.
enum class InputResult : uint8_t {
  kRan,
  kRejected,  // text that is no recipe: not worth keeping
};

struct Target {
  const char* name = "";
  std::optional<Op> op;      // forced on every recipe; empty: the input decides
  bool faults = false;       // keep structural faults; otherwise they are dropped
  bool mutate_text = false;  // inputs are mutated as text at least as often as as recipes
  // Does not return if a law is broken. `error` says why an input was rejected.
  InputResult (*run)(const Target& target, const uint8_t* data, size_t size,
                     std::string& error) = nullptr;
};

const Target& ThisTarget();

}  // namespace maskproof::fuzz

#endif  // MASKPROOF_FUZZ_TARGET_H_
