// What the driver of the 8-bit projection and its SIMD code agree on.
//
// Depths are packed into 32-bit words: four bytes, or two int16, as the multiply-add instructions
// of the target take them. Products are taken of the packed values and corrected for the zero
// points afterwards:
//   sum (x - zx)(w - zw)  =  sum x w  -  zx sum w  -  zw sum (x - zx)
// With AMX the depths are bytes too, but a row of the input stays a row, and words are taken by
// sixteen.
//
// The right side is computed modulo 2^32. That is exact, as the left side fits an int32 for up to
// kExactDepth products. Longer sums are cut into blocks whose totals are added up in int64.
#ifndef MASKPROOF_KERNELS_SRC_QUANTIZED_KERNELS_H_
#define MASKPROOF_KERNELS_SRC_QUANTIZED_KERNELS_H_

#include <algorithm>
#include <cstdint>

#include "sizes.h"

namespace maskproof::kernels {

// |x - zx| and |w - zw| are at most 255, and 2^15 * 255 * 255 < 2^31. A multiple of the depths of a
// word.
inline constexpr int64_t kExactDepth = 32768;

// Arrays by column are padded to a multiple of this; the columns of any panel divide it.
inline constexpr int64_t kQuantizedAlignment = 32;

// Packed weights. `padded` is `columns` rounded up to kQuantizedAlignment.
struct QuantizedWeightsView {
  int64_t depth = 0;    // Di
  int64_t columns = 0;  // 3 D
  int64_t padded = 0;
  int64_t words = 0;                     // of a column: depth / depths of a word, rounded up to
                                         // the words of a step
  const int32_t* packed = nullptr;       // [panel][word][column of the panel], aligned
  const int32_t* sums = nullptr;         // [block][padded]: sum of w as packed
  const int32_t* zero_points = nullptr;  // [padded]: zw as packed

  int64_t blocks() const { return DivideRoundingUp(depth, kExactDepth); }
};

struct QuantizedProblem {
  QuantizedWeightsView weights;
  int64_t rows = 0;                    // B * S
  int64_t tiles = 0;                   // parts that the rows are split into
  const int32_t* input = nullptr;      // [tile][word][row of the tile], or [row][word] with AMX
  const int32_t* row_sums = nullptr;   // [block][rows]: sum of x - zx
  int32_t input_zero_point = 0;        // zx as packed
  const float* multipliers = nullptr;  // [padded]: input_scale * weight_scale of the column
  const float* bias = nullptr;         // [padded]
  float* projected = nullptr;          // [rows][stride], aligned; written up to the last panel
  int64_t stride = 0;                  // a multiple of kQuantizedAlignment, at least `padded`

  int64_t FirstRow(int64_t tile) const { return PartBegin(rows, tiles, tile); }
};

// Columns of the weights that are packed into one panel.
struct WeightPanel {
  const void* weights = nullptr;  // [depth][columns]
  bool is_signed = false;
  int64_t depth = 0;
  int64_t columns = 0;
  int64_t first_column = 0;
  int64_t word_count = 0;    // of a column, as in QuantizedWeightsView
  int32_t* words = nullptr;  // [word][column of the panel], aligned
  int32_t* sums = nullptr;   // [block][sum_stride], of the panel's columns
  int64_t sum_stride = 0;
};

// Rows of the input that are packed into one tile.
struct InputTile {
  const void* input = nullptr;  // [rows][depth]
  bool is_signed = false;
  int64_t depth = 0;
  int64_t rows = 0;
  int32_t zero_point = 0;    // zx as it was given
  int64_t word_count = 0;    // of a row, as in QuantizedWeightsView
  int32_t* words = nullptr;  // as in QuantizedProblem
  int32_t* sums = nullptr;   // [block][sum_stride], of the tile's rows
  int64_t sum_stride = 0;
};

struct QuantizedKernels {
  int64_t panel;      // columns of a panel: a divisor of kQuantizedAlignment
  int64_t tile_rows;  // most rows of a tile
  int64_t word_depths;
  int64_t step_words;  // words that are multiplied at a time
  // What is added to every value, and so to its zero point, when it is packed.
  int32_t signed_input_shift;
  int32_t signed_weight_shift;
  int32_t unsigned_weight_shift;
  void (*pack_weights)(const WeightPanel& panel);
  void (*pack_input)(const InputTile& tile);
  // One panel of columns of the tiles [first_tile, last_tile).
  void (*project)(const QuantizedProblem& problem, int64_t first_tile, int64_t last_tile,
                  int64_t panel);
};

const QuantizedKernels& QuantizedKernelsFor(int64_t target);

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_QUANTIZED_KERNELS_H_
