// The suite's own random stream: tiny, seedable, the same bits on every platform (the standard
// distributions are not), so that a recipe expands to the same case everywhere.
// splitmix64 (Steele, Lea, Flood 2014).
#ifndef MASKPROOF_PROPERTIES_BASE_RNG_H_
#define MASKPROOF_PROPERTIES_BASE_RNG_H_

#include <cstdint>

namespace maskproof {

class Rng {
 public:
  explicit Rng(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    state_ += 0x9E3779B97F4A7C15U;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31);
  }

  // Uniform in [0, n), n >= 1. The bias of at most n / 2^64 is of no concern here.
  uint64_t Below(uint64_t n) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<uint64_t>((static_cast<Wide>(Next()) * n) >> 64);
  }

  // Uniform in [lo, hi], both included.
  int64_t Between(int64_t lo, int64_t hi) {
    return lo + static_cast<int64_t>(Below(static_cast<uint64_t>(hi - lo) + 1));
  }

  // Uniform in [0, 1) with 53 bits.
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1p-53; }

  // True once in `n` calls on average.
  bool OneIn(uint64_t n) { return Below(n) == 0; }

 private:
  uint64_t state_;
};

// Combines two seeds into an unrelated one.
inline uint64_t MixSeeds(uint64_t a, uint64_t b) {
  return Rng(a ^ (b * 0xD6E8FEB86659FD93U)).Next();
}

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_BASE_RNG_H_
