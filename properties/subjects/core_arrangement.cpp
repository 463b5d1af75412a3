#include "properties/subjects/core_arrangement.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>
#include <utility>

#include "properties/base/rng.h"

namespace maskproof {
namespace {

using AxisSet = std::array<bool, kAxisCount>;

// A tensor as the case has it, dense and head-major.
struct Dense {
  std::span<const int64_t> dims;
  const float* data;

  size_t Count(size_t first_axis, size_t end_axis) const {
    size_t count = 1;
    for (size_t axis = first_axis; axis < end_axis; ++axis)
      count *= static_cast<size_t>(dims[axis]);
    return count;
  }
};

bool SameNumbers(const float* a, const float* b, size_t count) {
  return std::memcmp(a, b, count * sizeof(float)) == 0;
}

// Whether an index of the axis changes nothing. Where it does, the first numbers mostly tell.
bool IsRepeatedAlong(const Dense& tensor, size_t axis) {
  const auto size = static_cast<size_t>(tensor.dims[axis]);
  const size_t inner = tensor.Count(axis + 1, tensor.dims.size());
  const size_t outer = tensor.Count(0, axis);
  for (size_t o = 0; o < outer; ++o) {
    const float* const first = tensor.data + o * size * inner;
    for (size_t i = 1; i < size; ++i) {
      if (!SameNumbers(first + i * inner, first, inner)) return false;
    }
  }
  return true;
}

bool IsConstant(const Dense& tensor) {
  const size_t count = tensor.Count(0, tensor.dims.size());
  return SameNumbers(tensor.data, tensor.data + 1, count - 1);
}

// Axes to be given the stride 0: some of those along which the tensor repeats.
AxisSet DrawShared(const Dense& tensor, Rng& rng) {
  AxisSet shared{};
  for (size_t axis = 0; axis < kAxisCount; ++axis) {
    const bool drawn = !rng.OneIn(3);
    shared[axis] = drawn && tensor.dims[axis] > 1 && IsRepeatedAlong(tensor, axis);
  }
  return shared;
}

bool Any(const AxisSet& axes) { return std::ranges::find(axes, true) != axes.end(); }

// Gives the axes their strides from the innermost to the outermost one, gaps between them.
struct Spacing {
  std::array<size_t, kAxisCount> order{kRowAxis, kHeadAxis, kBatchAxis};
  std::array<int64_t, kAxisCount> gaps{};  // by axis
};

StridedLayout Space(std::span<const int64_t> dims, const Spacing& spacing, const AxisSet& shared) {
  StridedLayout layout{.sizes = {dims[0], dims[1], dims[2]}, .columns = dims[3]};
  int64_t step = layout.columns;
  for (const size_t axis : spacing.order) {
    if (shared[axis]) continue;
    layout.strides[axis] = step + spacing.gaps[axis];
    step = layout.strides[axis] * layout.sizes[axis];
  }
  return layout;
}

Spacing DrawSpacing(Rng& rng) {
  constexpr uint64_t kMostGap = 9;
  Spacing spacing;
  for (size_t i = kAxisCount; i > 1; --i) {
    std::swap(spacing.order[i - 1], spacing.order[rng.Below(i)]);
  }
  for (int64_t& gap : spacing.gaps) {
    if (rng.OneIn(2)) gap = static_cast<int64_t>(rng.Below(kMostGap));
  }
  return spacing;
}

// From the last to the first, along some of the axes. The stride of an axis of one index means
// nothing.
void TurnSome(StridedLayout& layout, Rng& rng) {
  for (size_t axis = 0; axis < kAxisCount; ++axis) {
    int64_t& stride = layout.strides[axis];
    if (rng.OneIn(4)) {
      layout.origin += (layout.sizes[axis] - 1) * stride;
      stride = -stride;
    }
    if (layout.sizes[axis] == 1 && rng.OneIn(2)) stride = rng.Between(-3, 3);
  }
}

// The gaps and the order that the case's own layout has.
Spacing SpacingOf(std::span<const int64_t> dims, CoreLayout layout) {
  const StridedLayout laid = LayOut(dims, layout);
  Spacing spacing;
  if (layout == CoreLayout::kTokenMajor) spacing.order = {kHeadAxis, kRowAxis, kBatchAxis};
  if (layout == CoreLayout::kPadded) spacing.gaps[kRowAxis] = laid.strides[kRowAxis] - dims[3];
  return spacing;
}

StridedLayout DrawInputLayout(const Dense& tensor, CoreLayout plain, const KernelsWay& way,
                              Rng& rng) {
  const std::span<const int64_t> dims = tensor.dims;
  if (ElementCount(dims) == 0) return LayOut(dims, plain);
  const AxisSet shared = way.shares_memory ? DrawShared(tensor, rng) : AxisSet{};
  if (!way.own_layouts && !Any(shared)) return LayOut(dims, plain);
  StridedLayout layout =
      Space(dims, way.own_layouts ? DrawSpacing(rng) : SpacingOf(dims, plain), shared);
  if (Any(shared) && rng.OneIn(2) && IsConstant(tensor)) {
    // Rows that overlap.
    for (size_t axis = 0; axis < kAxisCount; ++axis) {
      if (shared[axis]) layout.strides[axis] = 1;
    }
  }
  if (way.own_layouts) TurnSome(layout, rng);
  return layout;
}

// Whether two tensors' rows can stand in one row of a block.
bool FitInOneRow(std::span<const int64_t> a, std::span<const int64_t> b) {
  return std::ranges::equal(a.first(kAxisCount), b.first(kAxisCount)) && ElementCount(a) > 0 &&
         ElementCount(b) > 0;
}

// One block as a projection leaves it: in each row the heads of one input after those of the other.
// Query, key and value if they are equally many, else key and value.
void Interleave(const std::array<Dense, kCoreInputs.size()>& tensors,
                CoreArrangement& arrangement) {
  const std::span<const int64_t> keys = tensors[1].dims;
  if (!FitInOneRow(keys, tensors[2].dims)) return;
  const size_t first = FitInOneRow(keys, tensors[0].dims) ? 0 : 1;
  int64_t width = 0;
  for (size_t i = first; i < tensors.size(); ++i) {
    CoreArrangement::Place& place = arrangement.places[i];
    place.memory = first;
    place.layout = LayOut(tensors[i].dims, CoreLayout::kTokenMajor);
    place.layout.origin = width;
    width += keys[kHeadAxis] * place.layout.columns;
  }
  for (size_t i = first; i < tensors.size(); ++i) {
    auto& strides = arrangement.places[i].layout.strides;
    strides[kRowAxis] = width;
    strides[kBatchAxis] = keys[kRowAxis] * width;
  }
}

// Inputs of the same numbers are the same memory.
void Alias(const std::array<Dense, kCoreInputs.size()>& tensors, CoreArrangement& arrangement) {
  for (size_t i = 1; i < tensors.size(); ++i) {
    for (size_t former = 0; former < i; ++former) {
      const size_t count = tensors[i].Count(0, tensors[i].dims.size());
      if (count == 0 || !std::ranges::equal(tensors[i].dims, tensors[former].dims) ||
          !SameNumbers(tensors[i].data, tensors[former].data, count)) {
        continue;
      }
      arrangement.places[i] = arrangement.places[former];
      break;
    }
  }
}

}  // namespace

CoreArrangement Arrange(const BoundCase& bound, const KernelsWay& way) {
  const CoreLayout plain = bound.c->attributes.core_layout;
  Rng rng(way.arrangement);
  std::array<Dense, kCoreInputs.size()> tensors;
  CoreArrangement arrangement;
  for (size_t i = 0; i < kCoreInputs.size(); ++i) {
    const BoundTensor& input = bound[kCoreInputs[i]];
    tensors[i] = {.dims = input.tensor->dims, .data = static_cast<const float*>(input.data)};
    arrangement.places[i] = {.memory = i, .layout = DrawInputLayout(tensors[i], plain, way, rng)};
  }
  arrangement.output = LayOut(bound.output_dims, plain);
  if (way.own_layouts && !arrangement.output.empty()) {
    arrangement.output = Space(bound.output_dims, DrawSpacing(rng), {});
    TurnSome(arrangement.output, rng);
  }
  if (way.shares_memory) {
    Alias(tensors, arrangement);
  } else if (way.own_layouts && rng.OneIn(3)) {
    Interleave(tensors, arrangement);
  }
  return arrangement;
}

}  // namespace maskproof
