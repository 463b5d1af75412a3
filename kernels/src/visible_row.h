// Which keys one query row sees, in the form the kernels read it.
#ifndef MASKPROOF_KERNELS_SRC_VISIBLE_ROW_H_
#define MASKPROOF_KERNELS_SRC_VISIBLE_ROW_H_

#include <algorithm>
#include <bit>
#include <cstdint>

namespace maskproof::kernels {

inline constexpr int64_t kKeysPerWord = 64;

// Bit i is key (64 * word + i). Keys below `begin` and from `end` on are not seen. Without `bits`,
// every key between is.
struct VisibleRow {
  int64_t begin = 0;
  int64_t end = 0;  // begin == end == 0: the row sees no key
  const uint64_t* bits = nullptr;

  bool empty() const { return begin == end; }
  // Without looking at bits.
  bool SeesTheSameAs(const VisibleRow& other) const {
    return begin == other.begin && end == other.end && bits == other.bits;
  }
};

// The lowest `count` bits, 0 <= count <= 64.
constexpr uint64_t LowBits(int64_t count) {
  return count >= kKeysPerWord ? ~uint64_t{0} : (uint64_t{1} << count) - 1;
}

// Word of the keys in [begin, end).
constexpr uint64_t IntervalWord(int64_t begin, int64_t end, int64_t word) {
  const int64_t first = word * kKeysPerWord;
  const int64_t low = std::clamp<int64_t>(begin - first, 0, kKeysPerWord);
  const int64_t high = std::clamp<int64_t>(end - first, 0, kKeysPerWord);
  return LowBits(high) & ~LowBits(low);
}

inline uint64_t VisibleWord(const VisibleRow& row, int64_t word) {
  const uint64_t interval = IntervalWord(row.begin, row.end, word);
  return row.bits == nullptr || interval == 0 ? interval : row.bits[word] & interval;
}

// The smallest description of the keys that are in [begin, end) and set in `first` and `second`,
// either of which may be null: the same for the same keys, however the mask was written. `storage`
// holds the bits where they are needed.
inline VisibleRow MakeVisibleRow(int64_t begin, int64_t end, const uint64_t* first,
                                 const uint64_t* second, uint64_t* storage) {
  if (begin >= end) return {};
  if (first == nullptr && second == nullptr) return {.begin = begin, .end = end, .bits = nullptr};
  int64_t lowest = end;
  int64_t highest = -1;
  int64_t count = 0;
  for (int64_t word = begin / kKeysPerWord; word * kKeysPerWord < end; ++word) {
    uint64_t bits = IntervalWord(begin, end, word);
    if (first != nullptr) bits &= first[word];
    if (second != nullptr) bits &= second[word];
    storage[word] = bits;
    if (bits == 0) continue;
    lowest = std::min(lowest, word * kKeysPerWord + std::countr_zero(bits));
    highest = word * kKeysPerWord + (kKeysPerWord - 1 - std::countl_zero(bits));
    count += std::popcount(bits);
  }
  if (count == 0) return {};
  const bool contiguous = count == highest + 1 - lowest;
  return {.begin = lowest, .end = highest + 1, .bits = contiguous ? nullptr : storage};
}

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_VISIBLE_ROW_H_
