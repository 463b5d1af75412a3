// Exact products of bytes in AMX's tile registers. Nothing but for AVX3_DL.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "amx-inl.h"
#include "hwy/highway.h"
#include "quantized_kernels.h"
#include "quantized_words-inl.h"
#include "vector-inl.h"

#if defined(MASKPROOF_KERNELS_SRC_QUANTIZED_AMX_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKPROOF_KERNELS_SRC_QUANTIZED_AMX_INL_H_
#undef MASKPROOF_KERNELS_SRC_QUANTIZED_AMX_INL_H_
#else
#define MASKPROOF_KERNELS_SRC_QUANTIZED_AMX_INL_H_
#endif

#if HWY_TARGET == HWY_AVX3_DL

MASKPROOF_BEFORE_QUANTIZED_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

// Two by two tiles of totals, two of the input, two of weights: all eight.
inline constexpr int64_t kAmxRows = 2 * kRegisterWords;

// The tile registers of this thread, for as long as this lives.
class AmxTiles {
 public:
  AmxTiles() = default;
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;
  ~AmxTiles() {
    if (rows_ != 0) _tile_release();
  }

  // totals[row][column] = sum over `words` of x[row][word] . w[word][column] for 1 to kAmxRows rows
  // and the columns of a panel. Rows of x are `stride` words apart; `words` is a multiple of
  // kRegisterWords.
  void Multiply(const int32_t* x, int64_t stride, int64_t rows, const int32_t* w, int64_t words,
                int32_t* totals) {
    Configure(rows);
    if (rows > kRegisterWords) {
      MultiplyTwo(x, stride, w, words, totals);
    } else {
      MultiplyOne(x, stride, w, words, totals);
    }
    MASKPROOF_UNPOISON(totals, static_cast<size_t>(rows * kPanelBytes));
  }

 private:
  static constexpr int64_t kPanelWords = 2 * kRegisterWords;
  static constexpr int64_t kPanelBytes = kPanelWords * kWordBytes;

  void Configure(int64_t rows) {
    if (rows == rows_) return;
    rows_ = rows;
    const int64_t upper = std::min(rows, kRegisterWords);
    TileConfiguration tiles;
    for (const int tile : {0, 1, 4}) tiles.Set(tile, upper);
    for (const int tile : {2, 3, 5}) tiles.Set(tile, rows - upper);
    for (const int tile : {6, 7}) tiles.Set(tile, kRegisterWords);
    tiles.Load();
  }

  static void MultiplyTwo(const int32_t* x, int64_t stride, const int32_t* w, int64_t words,
                          int32_t* totals) {
    const int64_t bytes = stride * kWordBytes;
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
    for (int64_t word = 0; word < words; word += kRegisterWords) {
      _tile_loadd(4, x, bytes);
      _tile_loadd(6, w, kPanelBytes);
      _tile_dpbusd(0, 4, 6);
      _tile_loadd(7, w + kRegisterWords, kPanelBytes);
      _tile_dpbusd(1, 4, 7);
      _tile_loadd(5, x + kRegisterWords * stride, bytes);
      _tile_dpbusd(2, 5, 6);
      _tile_dpbusd(3, 5, 7);
      x += kRegisterWords;
      w += kRegisterWords * kPanelWords;
    }
    _tile_stored(0, totals, kPanelBytes);
    _tile_stored(1, totals + kRegisterWords, kPanelBytes);
    _tile_stored(2, totals + kRegisterWords * kPanelWords, kPanelBytes);
    _tile_stored(3, totals + kRegisterWords * kPanelWords + kRegisterWords, kPanelBytes);
  }

  static void MultiplyOne(const int32_t* x, int64_t stride, const int32_t* w, int64_t words,
                          int32_t* totals) {
    const int64_t bytes = stride * kWordBytes;
    _tile_zero(0);
    _tile_zero(1);
    for (int64_t word = 0; word < words; word += kRegisterWords) {
      _tile_loadd(4, x, bytes);
      _tile_loadd(6, w, kPanelBytes);
      _tile_dpbusd(0, 4, 6);
      _tile_loadd(7, w + kRegisterWords, kPanelBytes);
      _tile_dpbusd(1, 4, 7);
      x += kRegisterWords;
      w += kRegisterWords * kPanelWords;
    }
    _tile_stored(0, totals, kPanelBytes);
    _tile_stored(1, totals + kRegisterWords, kPanelBytes);
  }

  int64_t rows_ = 0;  // that the registers are configured for; 0: not at all
};

// Packs one row, and sums it up block by block.
template <typename Byte>
HWY_INLINE void PackAmxRow(const Byte* from, const InputTile& tile, int64_t row) {
  constexpr int64_t kBlockVectors = kExactDepth / kRegisterRowBytes;
  constexpr uint8_t kFlip = std::is_signed_v<Byte> ? 0x80 : 0;
  const IntTag d;
  const hn::Repartition<uint8_t, IntTag> d8;
  const auto flip = hn::Set(d8, kFlip);
  const IntVector ones = hn::Set(d, Bytes::kOnes);
  const int32_t zero_point =
      tile.zero_point + (std::is_signed_v<Byte> ? Bytes::kSignedInputShift : 0);
  const int64_t vectors = tile.word_count / kRegisterWords;
  int32_t* to = tile.words + row * tile.word_count;
  int32_t* sums = tile.sums + row;
  for (int64_t first = 0; first < vectors; first += kBlockVectors, sums += tile.sum_stride) {
    const int64_t last = std::min(first + kBlockVectors, vectors);
    IntVector sum = hn::Zero(d);
    IntVector more = hn::Zero(d);
    for (int64_t i = first; i < last; ++i, to += kRegisterWords) {
      const int64_t k = i * kRegisterRowBytes;
      // Past the end zeros, once they are flipped.
      HWY_ALIGN uint8_t bytes[kRegisterRowBytes];
      const auto* values = reinterpret_cast<const uint8_t*>(from + k);
      if (k + kRegisterRowBytes > tile.depth) {
        std::memset(bytes, kFlip, sizeof bytes);
        std::memcpy(bytes, values, static_cast<size_t>(tile.depth - k));
        values = bytes;
      }
      const IntVector words = hn::BitCast(d, hn::Xor(hn::LoadU(d8, values), flip));
      hn::Store(words, d, to);
      Bytes::AddProducts(words, ones, sum, more);
    }
    const int64_t depths =
        std::min(last * kRegisterRowBytes, tile.depth) - first * kRegisterRowBytes;
    *sums = hn::GetLane(hn::SumOfLanes(d, sum)) - static_cast<int32_t>(depths) * zero_point;
  }
}

HWY_INLINE void PackAmxRows(const InputTile& tile) {
  for (int64_t row = 0; row < tile.rows; ++row) {
    if (tile.is_signed) {
      PackAmxRow(static_cast<const int8_t*>(tile.input) + row * tile.depth, tile, row);
    } else {
      PackAmxRow(static_cast<const uint8_t*>(tile.input) + row * tile.depth, tile, row);
    }
  }
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET

#endif
