#include "fuzz/mutator.h"

#include <cstring>
#include <optional>
#include <string>
#include <vector>

#include "fuzz/input.h"
#include "properties/base/rng.h"

namespace maskproof::fuzz {
namespace {

// One mutation in so many ...
constexpr uint64_t kRawShare = 8;      // is the engine's own, on the bytes
constexpr uint64_t kRawTextShare = 2;  // the same, for targets that mutate text
constexpr uint64_t kFreshShare = 32;   // starts afresh
constexpr uint64_t kNewSaltShare = 3;  // also turns to other laws and subjects

// 0 if it does not fit.
template <typename Bytes>
size_t Store(const Bytes& bytes, uint8_t* out, size_t max_size) {
  if (bytes.empty() || bytes.size() > max_size) return 0;
  std::memcpy(out, bytes.data(), bytes.size());
  return bytes.size();
}

size_t StoreRecipe(const Target& target, const Recipe& recipe, Rng& rng, uint8_t* out,
                   size_t max_size) {
  if (target.mutate_text && !rng.OneIn(4)) return Store(ToText(recipe), out, max_size);
  return Store(EncodeBytes(recipe), out, max_size);
}

Recipe Edit(const Target& target, const Recipe& recipe, Rng& rng) {
  const GenerateOptions options = OptionsOf(target);
  Recipe edited = rng.OneIn(kFreshShare) ? Generate(rng, options) : Mutate(recipe, rng, options);
  // Short inputs decode to salt 0: it would have more than its share of turns.
  if (edited.salt == 0 || rng.OneIn(kNewSaltShare)) edited.salt = rng.Next();
  Normalize(edited, options.limits);
  return edited;
}

}  // namespace

size_t MutateInput(const Target& target, uint8_t* data, size_t size, size_t max_size, uint64_t seed,
                   RawMutator raw) {
  Rng rng(seed);
  if (rng.OneIn(target.mutate_text ? kRawTextShare : kRawShare)) return raw(data, size, max_size);
  std::string error;
  const std::optional<Recipe> recipe = DecodeInput(target, data, size, error);
  if (!recipe) return raw(data, size, max_size);
  const size_t stored = StoreRecipe(target, Edit(target, *recipe, rng), rng, data, max_size);
  return stored != 0 ? stored : raw(data, size, max_size);
}

size_t CrossInputs(const Target& target, const uint8_t* a, size_t a_size, const uint8_t* b,
                   size_t b_size, uint8_t* out, size_t max_size, uint64_t seed) {
  Rng rng(seed);
  std::string error;
  const std::optional<Recipe> first = DecodeInput(target, a, a_size, error);
  const std::optional<Recipe> second = DecodeInput(target, b, b_size, error);
  if (!first || !second) return 0;
  const Recipe child = CrossOver(*first, *second, rng, OptionsOf(target));
  return StoreRecipe(target, child, rng, out, max_size);
}

}  // namespace maskproof::fuzz
