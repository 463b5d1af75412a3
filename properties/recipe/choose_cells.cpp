// Single numbers of a generated case, and what they take to tell.
#include <cmath>
#include <cstdint>
#include <limits>

#include "properties/recipe/choose.h"
#include "properties/recipe/fields.h"

namespace maskproof {
namespace {

// More keys, up to whole vectors of any width: for rows of those, too, kernels have loops of their
// own.
void FillVectors(Recipe& r) {
  constexpr int64_t kWhole = 64;
  const int64_t rest = TotalLength(r) % kWhole;
  if (rest == 0) return;
  const int64_t past = PastLength(r);
  if (past > 0 || r.op == Op::kCore) {
    r.past = past + kWhole - rest;
  } else {
    r.sequence += kWhole - rest;
  }
}

// One key whose scores stand far above the others of a long row: a kernel that leaves its vector
// out of the row's maximum overflows. Mostly where every row is seen whole, as kernels have another
// loop for those; now and then under a negative scale, which turns the order of the products round.
void AddTower(Rng& rng, Recipe& r) {
  const TensorId of_keys = UsesTensor(r, TensorId::kPast) ? TensorId::kPast : TensorId::kInput;
  const TensorId id = r.op == Op::kCore ? TensorId::kKey : of_keys;
  if (IsQuantized(TensorType(r, id))) return;
  if (rng.OneIn(2)) FillVectors(r);
  if (Percent(rng, 70)) {
    r.mask.form = MaskForm::kNone;
    r.attention_bias = BiasBroadcast::kNone;
    r.unidirectional = 0;
  }
  if (rng.OneIn(4)) r.scale = PickOf(rng, {-0.5F, -1.0F});
  CellOverride cell;
  cell.tensor = id;
  cell.index = static_cast<uint32_t>(rng.Below(uint64_t{1} << 31));
  cell.value = PickOf(rng, {300.0F, -300.0F, 1000.0F, -1000.0F, 4000.0F});
  r.cells.push_back(cell);
}

// Scores that are all 0 but for one key behind them, which raises the row's maximum by anything
// from next to nothing to more than an exponential can hold, and values of one sign: a tile of keys
// that is weighed by another maximum than it was computed with shows there.
void AddRise(Rng& rng, Recipe& r) {
  r.mask.form = MaskForm::kNone;
  r.attention_bias = BiasBroadcast::kNone;
  r.unidirectional = 0;
  r.scale = 1.0F;
  r.of(TensorId::kQuery) = {.distribution = Distribution::kConstant, .seed = 1, .a = 1.0F};
  r.of(TensorId::kKey) = {.distribution = Distribution::kConstant, .seed = 1, .a = 0.0F};
  r.of(TensorId::kValue) = {
      .distribution = Distribution::kUniform, .seed = ChooseSeed(rng), .a = 0.5F, .b = 1.0F};
  // The last tile of keys may be short.
  const int64_t key = TotalLength(r) - 1 - static_cast<int64_t>(rng.Below(rng.OneIn(2) ? 4 : 64));
  CellOverride cell;
  cell.tensor = TensorId::kKey;
  cell.index = static_cast<uint32_t>(key * r.head_size);
  // Next to nothing half of the time: a step that is left out there is hardly wrong.
  const int64_t exponent = rng.OneIn(2) ? rng.Between(-14, -11) : rng.Between(-15, 6);
  cell.value =
      std::ldexp(1.0F + static_cast<float>(rng.Below(64)) / 64.0F, static_cast<int>(exponent));
  r.cells.push_back(cell);
}

// Numbers so small that a kernel which splits numbers, or converts them, has to treat them apart,
// and does nothing else to the result.
void AddTinyNumbers(Rng& rng, Recipe& r) {
  const uint64_t count = 1 + rng.Below(4);
  for (uint64_t i = 0; i < count; ++i) {
    CellOverride cell;
    cell.tensor = r.op == Op::kCore
                      ? PickOf(rng, {TensorId::kQuery, TensorId::kKey, TensorId::kValue})
                      : TensorId::kPast;
    cell.index = static_cast<uint32_t>(rng.Below(uint64_t{1} << 31));
    cell.value = PickOf(rng, {0x1p-66F, -0x1p-70F, 0x1p-100F, 0x1p-120F});
    r.cells.push_back(cell);
  }
}

// A number that a kernel which splits numbers has to treat apart, in one of the blocks of a row's
// depth and in no other.
void AddExtremeInput(Rng& rng, Recipe& r) {
  CellOverride cell;
  cell.tensor = TensorId::kInput;
  cell.index = static_cast<uint32_t>(rng.Below(uint64_t{1} << 31));
  cell.value = PickOf(rng, {3e38F, -3e38F, std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()});
  r.cells.push_back(cell);
}

}  // namespace

void ChooseCells(Rng& rng, Recipe& r) {
  constexpr int64_t kLongRow = 24;
  constexpr int64_t kRowOfTiles = 256;
  constexpr int64_t kRowOfLargeTiles = 512;
  const int64_t total = TotalLength(r);
  if (r.op == Op::kCore && total > kRowOfTiles && rng.OneIn(total > kRowOfLargeTiles ? 2 : 3)) {
    AddRise(rng, r);
    return;
  }
  constexpr int64_t kManyRows = 14;
  constexpr int64_t kWideHead = 20;
  const bool given = r.op == Op::kCore || UsesTensor(r, TensorId::kPast);
  if (given && r.sequence >= kManyRows && r.head_size >= kWideHead && rng.OneIn(2)) {
    AddTinyNumbers(rng, r);
  }
  constexpr int64_t kBlocksOfDepth = 1000;
  if (r.op == Op::kAttention && r.sequence >= kManyRows && r.input_width >= kBlocksOfDepth &&
      rng.OneIn(2)) {
    AddExtremeInput(rng, r);
  }
  if (TotalLength(r) >= kLongRow && Percent(rng, 12)) AddTower(rng, r);
  if (Percent(rng, 3)) r.cells.push_back(ChooseCell(rng, r, true));
  if (Percent(rng, 10)) {
    const uint64_t count = 1 + rng.Below(3);
    for (uint64_t i = 0; i < count; ++i) r.cells.push_back(ChooseCell(rng, r, false));
  }
  if (r.mask.form != MaskForm::kNone && Percent(rng, 20)) {
    r.cells.push_back(ChooseMaskCell(rng, r));
  }
}

}  // namespace maskproof
