// Transformations of valid cases into other valid cases.
#ifndef MASKPROOF_PROPERTIES_INVARIANTS_TRANSFORM_H_
#define MASKPROOF_PROPERTIES_INVARIANTS_TRANSFORM_H_

#include <cstdint>
#include <span>

#include "properties/base/rng.h"
#include "properties/case/case.h"

namespace maskproof {

// True if some dimension is zero, so that there is no output element to speak of.
bool Empty(const Case& c);

// The batches (heads) named, in that order, repeats allowed.
Case TakeBatches(const Case& c, std::span<const int64_t> batches);
Case TakeHeads(const Case& c, std::span<const int64_t> heads);

// The case without its last tokens: `tokens` of its S remain.
Case KeepFirstTokens(const Case& c, int64_t tokens);
// The case whose first `tokens` tokens have become past; `past` replaces the past it had. Not Core.
Case ContinueAfter(const Case& c, int64_t tokens, Tensor past);
// `count` more tokens of random values at the end. Masked: no row that was there sees them.
Case AppendTokens(const Case& c, int64_t count, bool masked, Rng& rng);

// The case without its past; the mask keeps its meaning for the other tokens. Core: T = S.
Case WithoutPast(const Case& c);
// `count` more past rows of random values in front, all kept by the mask. Makes want_present true
// where the operator needs it and drops an attention_bias that it cannot have beside a past.
Case PrependPast(const Case& c, int64_t count, Rng& rng);

// Gives value heads the size of query's by repeating or dropping columns. Core: unchanged.
Case WithEqualHeadSizes(const Case& c);

// Moves keys: key t of the result is key order[t] of `c`, past rows staying in the past. For
// Attention and QAttention the tokens move with their keys, so that row s of the result is row
// order[P + s] - P of `c`. `c` must have a (B,S,T) mask and no causality.
Case PermuteKeys(const Case& c, std::span<const int64_t> order);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_INVARIANTS_TRANSFORM_H_
