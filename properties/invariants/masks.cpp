#include "properties/invariants/masks.h"

#include <algorithm>
#include <array>
#include <utility>

#include "properties/invariants/tensor_ops.h"

namespace maskproof {
namespace {

struct Span {
  int64_t start = 0;
  int64_t end = 0;  // exclusive
};

// The kept keys of a batch, if they are one span; empty spans are {0, 0}.
Span KeptSpan(const Padding& padding, int64_t b) {
  Span span{.start = padding.keys, .end = 0};
  for (int64_t t = 0; t < padding.keys; ++t) {
    if (!padding.Keeps(b, 0, t)) continue;
    span.start = std::min(span.start, t);
    span.end = t + 1;
  }
  if (span.end == 0) span.start = 0;
  return span;
}

bool IsSpan(const Padding& padding, int64_t b) {
  const Span span = KeptSpan(padding, b);
  for (int64_t t = span.start; t < span.end; ++t) {
    if (!padding.Keeps(b, 0, t)) return false;
  }
  return true;
}

Tensor OneDimensional(MaskShape shape, const Padding& padding) {
  const int64_t batch = padding.batch;
  int64_t entries = batch;
  if (shape == MaskShape::kEndsStarts) entries = 2 * batch;
  if (shape == MaskShape::kCumulative) entries = 3 * batch + 2;
  Tensor mask(ElementType::kInt32, {entries});
  const std::span<int32_t> values = mask.as<int32_t>();
  for (int64_t b = 0; b < batch; ++b) {
    const Span span = KeptSpan(padding, b);
    const auto item = static_cast<size_t>(b);
    values[item] = static_cast<int32_t>(span.end);
    if (shape == MaskShape::kEndsStarts) {
      values[static_cast<size_t>(batch) + item] = static_cast<int32_t>(span.start);
    }
    if (shape == MaskShape::kCumulative) {
      // Where each batch's queries and keys would begin if they were packed; CPU kernels ignore it.
      const auto starts = static_cast<size_t>(batch);
      const size_t key_starts = (2 * starts) + 1;
      values[starts + item + 1] = static_cast<int32_t>((b + 1) * padding.queries);
      values[key_starts + item + 1] = values[key_starts + item] + values[item];
    }
  }
  return mask;
}

Tensor Raw(const Padding& padding, int64_t queries, const RawValues& values) {
  Dims dims{padding.batch, padding.keys};
  if (queries > 0) dims.insert(dims.begin() + 1, queries);
  Tensor mask(ElementType::kInt32, std::move(dims));
  const std::span<int32_t> cells = mask.as<int32_t>();
  size_t next = 0;
  for (int64_t b = 0; b < padding.batch; ++b) {
    for (int64_t s = 0; s < std::max<int64_t>(queries, 1); ++s) {
      for (int64_t t = 0; t < padding.keys; ++t) {
        cells[next++] = padding.Keeps(b, s, t) ? values.kept : values.masked;
      }
    }
  }
  return mask;
}

// Every row keeps one key at least and, where there are two, masks one.
void KeepSomeOf(Padding& padding, int64_t b, int64_t s, Rng& rng) {
  for (int64_t t = 0; t < padding.keys; ++t) padding.at(b, s, t) = rng.OneIn(2) ? 1 : 0;
  const auto keys = static_cast<uint64_t>(padding.keys);
  const auto masked = static_cast<int64_t>(rng.Below(keys));
  padding.at(b, s, masked) = 0;
  padding.at(b, s, (masked + 1) % padding.keys) = 1;
}

Padding RandomPadding(MaskShape shape, const Geometry& g, Rng& rng) {
  Padding padding(g.batch, g.sequence, g.total);
  for (int64_t b = 0; b < g.batch; ++b) {
    if (shape == MaskShape::kRaw3D) {
      for (int64_t s = 0; s < g.sequence; ++s) KeepSomeOf(padding, b, s, rng);
      continue;
    }
    if (shape == MaskShape::kRaw2D) {
      KeepSomeOf(padding, b, 0, rng);
    } else {
      int64_t start = 0;
      int64_t end = g.total;
      if (shape == MaskShape::kEndsStarts && rng.OneIn(2)) {
        start = rng.Between(0, g.total - 1);
      } else if (g.total > 1) {
        end = rng.Between(1, g.total - 1);
      }
      for (int64_t t = 0; t < g.total; ++t) padding.at(b, 0, t) = t >= start && t < end ? 1 : 0;
    }
    for (int64_t s = 1; s < g.sequence; ++s) {
      for (int64_t t = 0; t < g.total; ++t) padding.at(b, s, t) = padding.at(b, 0, t);
    }
  }
  return padding;
}

// The case without causality and attention_bias; of the other tensors only the sizes.
Case PaddingOnly(const Case& c) {
  Case padding;
  padding.op = c.op;
  padding.attributes = c.attributes;
  padding.attributes.unidirectional = 0;
  for (size_t i = 0; i < kTensorCount; ++i) {
    const auto id = static_cast<TensorId>(i);
    if (!c.has(id) || id == TensorId::kAttentionBias) continue;
    if (id == TensorId::kMaskIndex) {
      padding[id] = c[id];
    } else {
      Tensor& sizes = padding[id].emplace();
      sizes.type = At(c, id).type;
      sizes.dims = At(c, id).dims;
    }
  }
  return padding;
}

bool HasMaskedKey(const Case& c) {
  const Geometry g = GeometryOf(c);
  const Visibility visibility(c);
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t n = 0; n < g.heads; ++n) {
      for (int64_t s = 0; s < g.sequence; ++s) {
        const bool first = visibility.Sees(b, n, s, 0);
        for (int64_t t = 1; t < g.total; ++t) {
          if (visibility.Sees(b, n, s, t) != first) return true;
        }
      }
    }
  }
  return false;
}

bool HasSeeingRow(const Case& c) {
  const Geometry g = GeometryOf(c);
  const Visibility visibility(c);
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t n = 0; n < g.heads; ++n) {
      for (int64_t s = 0; s < g.sequence; ++s) {
        if (!visibility.FullyMasked(b, n, s)) return true;
      }
    }
  }
  return false;
}

}  // namespace

bool Padding::SameForAllQueries() const {
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t s = 1; s < queries; ++s) {
      for (int64_t t = 0; t < keys; ++t) {
        if (Keeps(b, s, t) != Keeps(b, 0, t)) return false;
      }
    }
  }
  return true;
}

MaskShape ShapeOfMask(const Case& c) {
  if (!c.has(TensorId::kMaskIndex)) return MaskShape::kNone;
  const Geometry g = GeometryOf(c);
  const Dims& dims = At(c, TensorId::kMaskIndex).dims;
  if (dims.size() == 3) return MaskShape::kRaw3D;
  if (dims.size() == 2) {
    return dims[0] == g.batch && dims[1] == g.total ? MaskShape::kRaw2D : MaskShape::kDummy;
  }
  if (dims[0] == g.batch) return MaskShape::kLengths;
  return dims[0] == 2 * g.batch ? MaskShape::kEndsStarts : MaskShape::kCumulative;
}

Padding ReadPadding(const Case& c) {
  // Visibility is the one reader of mask forms: ask it about the padding alone.
  const Visibility visibility(PaddingOnly(c));
  const Geometry g = GeometryOf(c);
  Padding padding(g.batch, g.sequence, g.total);
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t s = 0; s < g.sequence; ++s) {
      for (int64_t t = 0; t < g.total; ++t) {
        padding.at(b, s, t) = visibility.Sees(b, 0, s, t) ? 1 : 0;
      }
    }
  }
  return padding;
}

bool CanExpress(MaskShape shape, const Padding& padding) {
  switch (shape) {
    case MaskShape::kNone:
    case MaskShape::kDummy:
      return std::ranges::all_of(padding.keep, [](uint8_t keep) { return keep != 0; });
    case MaskShape::kRaw3D:
      return true;
    case MaskShape::kRaw2D:
      return padding.SameForAllQueries();
    case MaskShape::kLengths:
    case MaskShape::kEndsStarts:
    case MaskShape::kCumulative:
      break;
  }
  if (!padding.SameForAllQueries()) return false;
  for (int64_t b = 0; b < padding.batch; ++b) {
    if (!IsSpan(padding, b)) return false;
    if (shape != MaskShape::kEndsStarts && KeptSpan(padding, b).start != 0) return false;
  }
  return true;
}

void WriteMask(Case& c, MaskShape shape, const Padding& padding, const RawValues& values) {
  std::optional<Tensor>& mask = c[TensorId::kMaskIndex];
  switch (shape) {
    case MaskShape::kNone:
      mask.reset();
      return;
    case MaskShape::kDummy:
      mask = Tensor(ElementType::kInt32, {padding.batch, 1});
      return;
    case MaskShape::kRaw2D:
      mask = Raw(padding, 0, values);
      return;
    case MaskShape::kRaw3D:
      mask = Raw(padding, padding.queries, values);
      return;
    case MaskShape::kLengths:
    case MaskShape::kEndsStarts:
    case MaskShape::kCumulative:
      mask = OneDimensional(shape, padding);
      return;
  }
}

Case WithExplicitMask(const Case& c) {
  Case explicit_mask = c;
  Padding padding = ReadPadding(c);
  if (c.attributes.unidirectional == 1) {
    const int64_t past = GeometryOf(c).past;
    for (int64_t b = 0; b < padding.batch; ++b) {
      for (int64_t s = 0; s < padding.queries; ++s) {
        for (int64_t t = past + s + 1; t < padding.keys; ++t) padding.at(b, s, t) = 0;
      }
    }
  }
  explicit_mask.attributes.unidirectional = 0;
  WriteMask(explicit_mask, MaskShape::kRaw3D, padding);
  return explicit_mask;
}

void WriteRandomMask(Case& c, Rng& rng) {
  constexpr std::array kShapes{MaskShape::kRaw2D, MaskShape::kLengths, MaskShape::kEndsStarts,
                               MaskShape::kRaw3D};
  const MaskShape shape = kShapes[rng.Below(kShapes.size())];
  WriteMask(c, shape, RandomPadding(shape, GeometryOf(c), rng));
}

void EnsureMaskedKey(Case& c, Rng& rng) {
  if (HasMaskedKey(c)) return;
  WriteRandomMask(c, rng);
}

void EnsureSeeingRow(Case& c, Rng& rng) {
  if (HasSeeingRow(c)) return;
  WriteRandomMask(c, rng);
  if (HasSeeingRow(c)) return;
  c[TensorId::kMaskIndex].reset();
  if (HasSeeingRow(c)) return;
  c[TensorId::kAttentionBias].reset();
}

Padding SpanOf(const Padding& padding) {
  Padding span_padding = padding;
  for (int64_t b = 0; b < padding.batch; ++b) {
    const Span span = KeptSpan(padding, b);
    for (int64_t s = 0; s < padding.queries; ++s) {
      for (int64_t t = 0; t < padding.keys; ++t) {
        span_padding.at(b, s, t) = t >= span.start && t < span.end ? 1 : 0;
      }
    }
  }
  return span_padding;
}

}  // namespace maskproof
