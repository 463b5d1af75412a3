// The part of the attention core that is compiled once per SIMD target.
#ifndef MASKPROOF_KERNELS_SRC_CORE_KERNELS_H_
#define MASKPROOF_KERNELS_SRC_CORE_KERNELS_H_

#include <algorithm>
#include <cstdint>

#include "attention_core.h"
#include "sizes.h"
#include "visible_row.h"

namespace maskproof::kernels {

// Keys of a tile: few enough that the weights of a block of rows stay in the first-level cache.
inline constexpr int64_t kTileKeys = 512;
inline constexpr int64_t kTileWords = kTileKeys / kKeysPerWord;

// Keys that there is room for in a packed tile.
constexpr int64_t TileCapacity(int64_t keys) {
  return std::min(kTileKeys, RoundUp(keys, kKeysPerWord));
}

// The tiles of a head.
struct PackedHead {
  float* keys = nullptr;        // of all tiles
  float* values = nullptr;      // of all tiles
  uint8_t* finite = nullptr;    // [tiles]
  PackedTile* tiles = nullptr;  // [tiles]
};

// One worker's memory. `rows` are the most rows of a task.
struct CoreWorkspace {
  float* queries = nullptr;       // [block of rows][head_size][packed rows]
  float* scores = nullptr;        // [rows of a block][score_stride]
  float* sums = nullptr;          // [rows][value_stride]
  float* state = nullptr;         // [2][block of rows][packed rows]: largest scores, totals
  double* mean = nullptr;         // [value_head_size]
  uint64_t* bits = nullptr;       // [rows + 1][words]
  VisibleRow* visible = nullptr;  // [rows]
  float* parts = nullptr;         // [split_floats]
  PackedTile tile = {};           // for tasks that pack for themselves
};

// Some query rows of one head.
struct CoreTask {
  int64_t batch = 0;
  int64_t head = 0;
  int64_t first_row = 0;
  int64_t rows = 0;
  // Tiles of the head, packed by `pack`; null: the task packs each tile when it comes to it.
  const PackedTile* tiles = nullptr;
  // Whether the task is one block and packs for itself: it reads everything once. Its workspace has
  // room for one panel of keys.
  bool reads_once = false;
  CoreWorkspace workspace;
};

struct CoreKernels {
  int64_t lanes;         // the value stride is the value head size rounded up to this
  int64_t block_rows;    // rows of a block
  int64_t tile_rows;     // rows that are multiplied together
  bool reads_rows;       // whether values of some blocks of rows may stay in place
  bool reads_once;       // whether a task of one block reads keys and values as it comes to them
  int64_t written_rows;  // scores are written for a multiple of this
  int64_t packed_rows;   // rows of a block, filled up to whole vectors
  int64_t panel_keys;    // keys of a panel of a task that reads once
  int64_t score_stride;  // floats between the rows of a block's scores
  int64_t halves;        // of a float, that a packed number takes
  int64_t depth_step;    // packed queries and keys have the head size rounded up to this
  int64_t head_floats;   // before a packed tile of keys or values, or block of queries
  int64_t split_floats;  // of weights that are packed
  // Packs what the batch's mask leaves of a tile.
  void (*pack)(const CoreProblem& problem, int64_t batch, int64_t head, int64_t tile,
               const PackedTile& packed);
  void (*run)(const CoreProblem& problem, const CoreTask& task);
};

const CoreKernels& CoreKernelsFor(int64_t target);
// On AMX's bfloat16 products; null where they are not to be had, or not worth it.
const CoreKernels* Bf16CoreKernelsFor(int64_t target, const Geometry& geometry);

}  // namespace maskproof::kernels

#endif  // MASKPROOF_KERNELS_SRC_CORE_KERNELS_H_
