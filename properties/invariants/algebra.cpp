// The laws of softmax itself: order of keys, shift of scores. Within the bounds for everybody,
// since another order of summation rounds otherwise.
#include <algorithm>
#include <array>
#include <cmath>
#include <span>
#include <utility>
#include <vector>

#include "properties/base/rng.h"
#include "properties/invariants/compare.h"
#include "properties/invariants/laws.h"
#include "properties/invariants/masks.h"
#include "properties/invariants/tensor_ops.h"
#include "properties/invariants/transform.h"

namespace maskproof {
namespace {

// Brings a bias onto multiples of 2^-10 within 256, so that adding an integer is exact.
void PutOnGrid(Tensor& bias) {
  for (float& value : bias.as<float>()) {
    if (std::isinf(value) && value < 0.0F) continue;  // masked, and stays so
    const float finite = std::isnan(value) ? 0.0F : std::clamp(value, -256.0F, 256.0F);
    value = std::nearbyint(finite * 1024.0F) / 1024.0F;
  }
}

}  // namespace

Verdict CheckKeyPermutation(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x0D));
  Case base = WithExplicitMask(GeometryOf(c).sequence > 1 ? c : AppendTokens(c, 2, false, rng));
  const Geometry g = GeometryOf(base);
  const bool core = c.op == Op::kCore;
  std::vector<int64_t> order = Shuffled(0, core ? g.total : g.past, rng);
  if (!core) {
    const std::vector<int64_t> tokens = Shuffled(g.past, g.sequence, rng);
    order.insert(order.end(), tokens.begin(), tokens.end());
  }
  Case moved = PermuteKeys(base, order);
  Verdict verdict;
  std::optional<Trial> original = Try(subject, std::move(base), verdict);
  if (!original) return verdict;
  std::optional<Trial> permuted = Try(subject, std::move(moved), verdict);
  if (!permuted) return verdict;
  const RowMap moved_rows = [&](const Row& row) -> std::optional<Row> {
    if (core) return row;
    return Row{.batch = row.batch,
               .head = row.head,
               .index = order[static_cast<size_t>(g.past + row.index)] - g.past};
  };
  CompareOptions options;
  options.strictness = Strictness::kBounded;
  const RowMap moved_keys = [&](const Row& row) -> std::optional<Row> {
    return Row{
        .batch = row.batch, .head = row.head, .index = order[static_cast<size_t>(row.index)]};
  };
  return CompareAll(subject, *original, *permuted, moved_rows, moved_keys,
                    "the keys in another order", options);
}

Verdict CheckScoreShift(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x0E));
  // Attention has no attention_bias beside a past.
  Case base = c.op == Op::kAttention ? WithoutPast(c) : c;
  const Geometry g = GeometryOf(base);
  Case shifted = base;
  if (base.has(TensorId::kAttentionBias)) {
    PutOnGrid(At(base, TensorId::kAttentionBias));
    shifted = base;
  } else {
    shifted[TensorId::kAttentionBias] =
        Tensor(ElementType::kFloat32,
               {rng.OneIn(2) ? g.batch : 1, rng.OneIn(2) ? g.heads : 1, g.sequence, g.total});
  }
  // Large shifts try the subtraction of the maximum; they also widen the bound, so keep most small.
  const int64_t largest = rng.OneIn(4) ? 1000 : 20;
  const std::span<float> bias = At(shifted, TensorId::kAttentionBias).as<float>();
  const auto row_length = static_cast<size_t>(g.total);
  for (size_t row = 0; row < bias.size(); row += row_length) {
    const auto shift = static_cast<float>(rng.Between(-largest, largest));
    for (float& value : bias.subspan(row, row_length)) value += shift;
  }
  Verdict verdict;
  std::optional<Trial> original = Try(subject, std::move(base), verdict);
  if (!original) return verdict;
  std::optional<Trial> changed = Try(subject, std::move(shifted), verdict);
  if (!changed) return verdict;
  CompareOptions options;
  options.strictness = Strictness::kBounded;
  return CompareAll(subject, *original, *changed, SameRow, SameRow,
                    "a constant added to each row's scores", options);
}

}  // namespace maskproof
