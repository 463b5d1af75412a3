// Reading, writing and making padding masks.
#ifndef MASKPROOF_PROPERTIES_INVARIANTS_MASKS_H_
#define MASKPROOF_PROPERTIES_INVARIANTS_MASKS_H_

#include <cstdint>
#include <vector>

#include "properties/base/rng.h"
#include "properties/case/case.h"
#include "properties/case/visibility.h"

namespace maskproof {

enum class MaskShape : uint8_t {
  kNone,
  kLengths,     // (B)
  kEndsStarts,  // (2B)
  kCumulative,  // (3B+2)
  kRaw2D,       // (B,T)
  kDummy,       // (B,1) or (1,1): ignored
  kRaw3D,       // (B,S,T)
};
MaskShape ShapeOfMask(const Case& c);

// Which keys a mask_index keeps, whatever its form.
struct Padding {
  int64_t batch = 0;
  int64_t queries = 0;
  int64_t keys = 0;
  std::vector<uint8_t> keep;  // (B,S,T)

  Padding(int64_t b, int64_t s, int64_t t)
      : batch(b), queries(s), keys(t), keep(static_cast<size_t>(b * s * t), 1) {}
  uint8_t& at(int64_t b, int64_t s, int64_t t) {
    return keep[static_cast<size_t>((b * queries + s) * keys + t)];
  }
  bool Keeps(int64_t b, int64_t s, int64_t t) const {
    return keep[static_cast<size_t>((b * queries + s) * keys + t)] != 0;
  }
  // True if all queries of a batch keep the same keys.
  bool SameForAllQueries() const;
};

Padding ReadPadding(const Case& c);

// The values that stand for kept and masked in raw forms.
struct RawValues {
  int32_t kept = 1;
  int32_t masked = 0;
};

bool CanExpress(MaskShape shape, const Padding& padding);
// Replaces mask_index; `shape` must be able to express `padding`. kNone takes the mask away.
void WriteMask(Case& c, MaskShape shape, const Padding& padding, const RawValues& values = {});

// The one mask that is padding and causality together, as (B,S,T), with unidirectional off.
Case WithExplicitMask(const Case& c);

// A mask of a random form and pattern, some key of it masked where T > 1.
void WriteRandomMask(Case& c, Rng& rng);
// The same, if no row of `c` has both a key that it sees and one that it does not.
void EnsureMaskedKey(Case& c, Rng& rng);
// Another mask, or none, if no row of `c` sees any key.
void EnsureSeeingRow(Case& c, Rng& rng);

// Keeps for each batch the span from its first to its last kept key: forms of 1-D express it.
Padding SpanOf(const Padding& padding);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_INVARIANTS_MASKS_H_
