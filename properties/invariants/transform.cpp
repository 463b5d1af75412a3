#include "properties/invariants/transform.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "properties/invariants/masks.h"
#include "properties/invariants/tensor_ops.h"

namespace maskproof {
namespace {

void GatherIn(Case& c, TensorId id, size_t axis, std::span<const int64_t> indices) {
  if (c.has(id)) c[id] = Gather(At(c, id), axis, indices);
}

// Axes of the tensors that have one for ...
void GatherTokens(Case& c, std::span<const int64_t> queries, std::span<const int64_t> keys) {
  GatherIn(c, TensorId::kInput, 1, queries);
  GatherIn(c, TensorId::kQuery, 2, queries);
  GatherIn(c, TensorId::kKey, 2, keys);
  GatherIn(c, TensorId::kValue, 2, keys);
  GatherIn(c, TensorId::kAttentionBias, 2, queries);
  GatherIn(c, TensorId::kAttentionBias, 3, keys);
}

// A dummy mask means nothing, and in another shape it might: away with it.
void DropDummyMask(Case& c) {
  if (ShapeOfMask(c) == MaskShape::kDummy) c[TensorId::kMaskIndex].reset();
}

void GatherRawMask(Case& c, MaskShape shape, std::span<const int64_t> queries,
                   std::span<const int64_t> keys) {
  if (shape == MaskShape::kRaw2D) GatherIn(c, TensorId::kMaskIndex, 1, keys);
  if (shape != MaskShape::kRaw3D) return;
  GatherIn(c, TensorId::kMaskIndex, 1, queries);
  GatherIn(c, TensorId::kMaskIndex, 2, keys);
}

// Columns of the projection: weights, bias and what is given per column.
void GatherColumns(Case& c, std::span<const int64_t> columns) {
  const int64_t width = At(c, TensorId::kWeights).dims[1];
  GatherIn(c, TensorId::kWeights, 1, columns);
  GatherIn(c, TensorId::kBias, 0, columns);
  for (const TensorId id : {TensorId::kWeightScale, TensorId::kWeightZeroPoint}) {
    if (c.has(id) && At(c, id).dims.size() == 1 && At(c, id).dims[0] == width)
      GatherIn(c, id, 0, columns);
  }
}

void SetHiddenSizes(Case& c, int64_t hidden, int64_t value_hidden) {
  std::optional<Dims>& sizes = c.attributes.qkv_hidden_sizes;
  const bool given = sizes.has_value() && !sizes->empty();
  if (given) sizes = {hidden, hidden, value_hidden};
}

std::vector<int64_t> HeadColumns(int64_t first, int64_t head_size, std::span<const int64_t> heads) {
  std::vector<int64_t> columns;
  columns.reserve(heads.size() * static_cast<size_t>(head_size));
  for (const int64_t head : heads) {
    for (int64_t lane = 0; lane < head_size; ++lane) {
      columns.push_back(first + (head * head_size) + lane);
    }
  }
  return columns;
}

void Append(std::vector<int64_t>& to, const std::vector<int64_t>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

// Fills the slices that Gather left fresh: the last `count` tokens of input, query, key, value.
void FillLastTokens(Case& c, int64_t count, Rng& rng) {
  for (const TensorId id : {TensorId::kInput, TensorId::kQuery, TensorId::kKey, TensorId::kValue}) {
    if (!c.has(id)) continue;
    Tensor& tensor = At(c, id);
    const size_t axis = id == TensorId::kInput ? 1 : 2;
    const int64_t row = tensor.dims.back();
    const int64_t length = tensor.dims[axis];
    const int64_t stride = length * row;
    if (stride == 0) continue;
    for (int64_t start = 0; start < tensor.size(); start += stride) {
      FillRandom(tensor, start + ((length - count) * row), count * row, rng);
    }
  }
}

}  // namespace

bool Empty(const Case& c) {
  const Geometry g = GeometryOf(c);
  return g.batch == 0 || g.sequence == 0 || g.heads == 0 || g.value_head_size == 0 ||
         g.head_size == 0;
}

Case TakeBatches(const Case& c, std::span<const int64_t> batches) {
  const Geometry g = GeometryOf(c);
  const MaskShape shape = ShapeOfMask(c);
  Case taken = c;
  DropDummyMask(taken);
  for (const TensorId id : {TensorId::kInput, TensorId::kQuery, TensorId::kKey, TensorId::kValue}) {
    GatherIn(taken, id, 0, batches);
  }
  GatherIn(taken, TensorId::kPast, 1, batches);
  if (c.has(TensorId::kAttentionBias) && At(c, TensorId::kAttentionBias).dims[0] == g.batch) {
    GatherIn(taken, TensorId::kAttentionBias, 0, batches);
  }
  switch (shape) {
    case MaskShape::kLengths:
    case MaskShape::kRaw2D:
    case MaskShape::kRaw3D:
      GatherIn(taken, TensorId::kMaskIndex, 0, batches);
      break;
    case MaskShape::kEndsStarts: {
      std::vector<int64_t> both(batches.begin(), batches.end());
      for (const int64_t b : batches) both.push_back(g.batch + b);
      GatherIn(taken, TensorId::kMaskIndex, 0, both);
      break;
    }
    case MaskShape::kCumulative: {
      std::vector<int64_t> lengths(batches.begin(), batches.end());
      lengths.resize((3 * batches.size()) + 2, kFresh);  // the rest is not read
      GatherIn(taken, TensorId::kMaskIndex, 0, lengths);
      break;
    }
    case MaskShape::kNone:
    case MaskShape::kDummy:
      break;
  }
  return taken;
}

Case TakeHeads(const Case& c, std::span<const int64_t> heads) {
  const Geometry g = GeometryOf(c);
  Case taken = c;
  const auto count = static_cast<int64_t>(heads.size());
  if (c[TensorId::kAttentionBias] && At(c, TensorId::kAttentionBias).dims[1] == g.heads) {
    GatherIn(taken, TensorId::kAttentionBias, 1, heads);
  }
  if (c.op == Op::kCore) {
    for (const TensorId id : {TensorId::kQuery, TensorId::kKey, TensorId::kValue}) {
      GatherIn(taken, id, 1, heads);
    }
    return taken;
  }
  std::vector<int64_t> columns = HeadColumns(0, g.head_size, heads);
  Append(columns, HeadColumns(g.hidden(), g.head_size, heads));
  Append(columns, HeadColumns(2 * g.hidden(), g.value_head_size, heads));
  GatherColumns(taken, columns);
  GatherIn(taken, TensorId::kPast, 2, heads);
  taken.attributes.num_heads = count;
  SetHiddenSizes(taken, count * g.head_size, count * g.value_head_size);
  return taken;
}

Case KeepFirstTokens(const Case& c, int64_t tokens) {
  const Geometry g = GeometryOf(c);
  const MaskShape shape = ShapeOfMask(c);
  Case kept = c;
  DropDummyMask(kept);
  const std::vector<int64_t> queries = Range(0, tokens);
  const std::vector<int64_t> keys = Range(0, g.past + tokens);
  GatherTokens(kept, queries, keys);
  // Lengths and spans may reach past the end: they mean what they meant.
  GatherRawMask(kept, shape, queries, keys);
  return kept;
}

Case ContinueAfter(const Case& c, int64_t tokens, Tensor past) {
  const Geometry g = GeometryOf(c);
  const MaskShape shape = ShapeOfMask(c);
  Case rest = c;
  const std::vector<int64_t> queries = Range(tokens, g.sequence - tokens);
  GatherIn(rest, TensorId::kInput, 1, queries);
  if (shape == MaskShape::kRaw3D) GatherIn(rest, TensorId::kMaskIndex, 1, queries);
  rest[TensorId::kPast] = std::move(past);
  return rest;
}

Case AppendTokens(const Case& c, int64_t count, bool masked, Rng& rng) {
  const Geometry g = GeometryOf(c);
  const MaskShape shape = ShapeOfMask(c);
  Case longer = c;
  DropDummyMask(longer);
  std::vector<int64_t> queries = Range(0, g.sequence);
  std::vector<int64_t> keys = Range(0, g.total);
  queries.resize(queries.size() + static_cast<size_t>(count), kFresh);
  keys.resize(keys.size() + static_cast<size_t>(count), kFresh);
  GatherTokens(longer, queries, keys);
  FillLastTokens(longer, count, rng);
  GatherRawMask(longer, shape, queries, keys);  // fresh cells are zero: masked
  if (!masked) return longer;
  switch (shape) {
    case MaskShape::kLengths:
    case MaskShape::kEndsStarts:
    case MaskShape::kCumulative: {
      const std::span<int32_t> ends = At(longer, TensorId::kMaskIndex).as<int32_t>();
      for (int32_t& end : ends.first(static_cast<size_t>(g.batch))) {
        end = std::min(end, static_cast<int32_t>(g.total));
      }
      break;
    }
    case MaskShape::kNone:
    case MaskShape::kDummy: {
      Padding padding(g.batch, g.sequence + count, g.total + count);
      for (int64_t b = 0; b < g.batch; ++b) {
        for (int64_t s = 0; s < padding.queries; ++s) {
          for (int64_t t = g.total; t < padding.keys; ++t) padding.at(b, s, t) = 0;
        }
      }
      constexpr std::array kShapes{MaskShape::kLengths, MaskShape::kRaw2D, MaskShape::kRaw3D,
                                   MaskShape::kEndsStarts};
      WriteMask(longer, kShapes[rng.Below(kShapes.size())], padding);
      break;
    }
    case MaskShape::kRaw2D:
    case MaskShape::kRaw3D:
      break;
  }
  return longer;
}

Case WithEqualHeadSizes(const Case& c) {
  const Geometry g = GeometryOf(c);
  if (c.op == Op::kCore || g.head_size == g.value_head_size) return c;
  Case equal = c;
  std::vector<int64_t> columns = Range(0, 2 * g.hidden());
  for (int64_t n = 0; n < g.heads; ++n) {
    for (int64_t lane = 0; lane < g.head_size; ++lane) {
      columns.push_back((2 * g.hidden()) + (n * g.value_head_size) + (lane % g.value_head_size));
    }
  }
  GatherColumns(equal, columns);
  SetHiddenSizes(equal, g.hidden(), g.hidden());
  return equal;
}

Case WithoutPast(const Case& c) {
  const Geometry g = GeometryOf(c);
  if (g.past == 0) {
    Case same = c;
    same[TensorId::kPast].reset();
    return same;
  }
  const MaskShape shape = ShapeOfMask(c);
  const std::vector<int64_t> keys = Range(g.past, g.sequence);
  Case shorter = c;
  DropDummyMask(shorter);
  const bool one_dimensional = shape == MaskShape::kLengths || shape == MaskShape::kEndsStarts ||
                               shape == MaskShape::kCumulative;
  if (one_dimensional) {
    WriteMask(shorter, MaskShape::kRaw2D, ReadPadding(c));
    GatherIn(shorter, TensorId::kMaskIndex, 1, keys);
  } else {
    GatherRawMask(shorter, shape, Range(0, g.sequence), keys);
  }
  shorter[TensorId::kPast].reset();
  GatherIn(shorter, TensorId::kKey, 2, keys);
  GatherIn(shorter, TensorId::kValue, 2, keys);
  GatherIn(shorter, TensorId::kAttentionBias, 3, keys);
  return shorter;
}

Case PrependPast(const Case& c, int64_t count, Rng& rng) {
  const Geometry g = GeometryOf(c);
  const MaskShape shape = ShapeOfMask(c);
  std::vector<int64_t> keys(static_cast<size_t>(count), kFresh);
  Append(keys, Range(0, g.total));
  Case longer = c;
  DropDummyMask(longer);
  if (shape != MaskShape::kNone && shape != MaskShape::kDummy) {
    const Padding old = ReadPadding(c);
    Padding padding(g.batch, g.sequence, g.total + count);
    for (int64_t b = 0; b < g.batch; ++b) {
      for (int64_t s = 0; s < g.sequence; ++s) {
        for (int64_t t = 0; t < g.total; ++t) {
          padding.at(b, s, count + t) = old.Keeps(b, s, t) ? 1 : 0;
        }
      }
    }
    WriteMask(longer, padding.SameForAllQueries() ? MaskShape::kRaw2D : MaskShape::kRaw3D, padding);
  }
  if (c.op == Op::kCore) {
    for (const TensorId id : {TensorId::kKey, TensorId::kValue}) {
      GatherIn(longer, id, 2, keys);
      Tensor& tensor = At(longer, id);
      const int64_t row = tensor.dims[3];
      for (int64_t item = 0; item < g.batch * g.heads; ++item) {
        FillRandom(tensor, item * tensor.dims[2] * row, count * row, rng);
      }
    }
    GatherIn(longer, TensorId::kAttentionBias, 3, keys);
    return longer;
  }
  longer[TensorId::kAttentionBias].reset();
  longer.want_present = true;
  if (!longer.has(TensorId::kPast)) {
    longer[TensorId::kPast] = Tensor(ElementType::kFloat32, {2, g.batch, g.heads, 0, g.head_size});
  }
  std::vector<int64_t> rows(static_cast<size_t>(count), kFresh);
  Append(rows, Range(0, g.past));
  GatherIn(longer, TensorId::kPast, 3, rows);
  Tensor& past = At(longer, TensorId::kPast);
  for (int64_t item = 0; item < 2 * g.batch * g.heads; ++item) {
    FillRandom(past, item * past.dims[3] * g.head_size, count * g.head_size, rng);
  }
  return longer;
}

Case PermuteKeys(const Case& c, std::span<const int64_t> order) {
  const Geometry g = GeometryOf(c);
  Case moved = c;
  GatherIn(moved, TensorId::kMaskIndex, 2, order);
  GatherIn(moved, TensorId::kAttentionBias, 3, order);
  if (c.op == Op::kCore) {
    GatherIn(moved, TensorId::kKey, 2, order);
    GatherIn(moved, TensorId::kValue, 2, order);
    return moved;
  }
  std::vector<int64_t> tokens;
  for (const int64_t key : order.subspan(static_cast<size_t>(g.past)))
    tokens.push_back(key - g.past);
  GatherIn(moved, TensorId::kPast, 3, order.first(static_cast<size_t>(g.past)));
  GatherIn(moved, TensorId::kInput, 1, tokens);
  GatherIn(moved, TensorId::kMaskIndex, 1, tokens);
  GatherIn(moved, TensorId::kAttentionBias, 2, tokens);
  return moved;
}

}  // namespace maskproof
