// What a block of query rows sees of one tile of keys.
#ifndef MASKPROOF_KERNELS_SRC_BLOCK_MASK_H_
#define MASKPROOF_KERNELS_SRC_BLOCK_MASK_H_

#include <algorithm>
#include <bit>
#include <cstdint>

#include "core_kernels.h"
#include "visible_row.h"

namespace maskproof::kernels {

// Bit i of word w is key (64 w + i) of the tile.
template <int64_t kRows>
struct BlockMask {
  uint64_t row[kRows][kTileWords];
  uint64_t any[kTileWords];  // seen by some row
  uint64_t all[kTileWords];  // seen by every row
  int64_t begin = 0;         // the first key that some row sees
  int64_t end = 0;           // one past the last one; 0 if there is none
  bool full = false;         // every row sees every key in [begin, end)

  bool AnyIn(int64_t key, int64_t count) const {
    return ((any[key / kKeysPerWord] >> (key % kKeysPerWord)) & LowBits(count)) != 0;
  }
};

// Of the rows visible[0 .. rows) and the given tile.
template <int64_t kRows>
void FindBlockMask(const VisibleRow* visible, int64_t rows, int64_t tile, BlockMask<kRows>& mask) {
  std::fill(mask.any, mask.any + kTileWords, uint64_t{0});
  std::fill(mask.all, mask.all + kTileWords, ~uint64_t{0});
  for (int64_t r = 0; r < rows; ++r) {
    if (r > 0 && visible[r].SeesTheSameAs(visible[r - 1])) {
      std::copy_n(mask.row[r - 1], kTileWords, mask.row[r]);
      continue;
    }
    for (int64_t w = 0; w < kTileWords; ++w) {
      const uint64_t word = VisibleWord(visible[r], tile * kTileWords + w);
      mask.row[r][w] = word;
      mask.any[w] |= word;
      mask.all[w] &= word;
    }
  }
  mask.begin = kTileKeys;
  mask.end = 0;
  for (int64_t w = 0; w < kTileWords; ++w) {
    if (mask.any[w] == 0) continue;
    mask.begin = std::min(mask.begin, w * kKeysPerWord + std::countr_zero(mask.any[w]));
    mask.end = (w + 1) * kKeysPerWord - std::countl_zero(mask.any[w]);
  }
  mask.full = mask.end > 0;
  for (int64_t w = 0; w < kTileWords; ++w) {
    mask.full = mask.full && mask.all[w] == mask.any[w] &&
                mask.any[w] == IntervalWord(mask.begin, mask.end, w);
  }
}

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_BLOCK_MASK_H_
