#include "properties/subjects/strided_layout.h"

#include <algorithm>
#include <cstdlib>

namespace maskproof {
namespace {

constexpr int64_t kPadColumns = 3;

}  // namespace

bool StridedLayout::empty() const {
  return columns == 0 || std::ranges::find(sizes, 0) != sizes.end();
}

int64_t StridedLayout::Extent() const {
  if (empty()) return 0;
  int64_t last = origin;
  for (size_t axis = 0; axis < kAxisCount; ++axis) {
    last += (sizes[axis] - 1) * std::max<int64_t>(strides[axis], 0);
  }
  return last + columns;
}

bool StridedLayout::IsDense() const {
  if (empty()) return true;
  int64_t step = columns;
  for (const size_t axis : {kRowAxis, kHeadAxis, kBatchAxis}) {
    if (strides[axis] != step) return false;
    step *= sizes[axis];
  }
  return origin == 0;
}

StridedLayout LayOut(std::span<const int64_t> dims, CoreLayout layout) {
  StridedLayout laid{.sizes = {dims[0], dims[1], dims[2]}, .columns = dims[3]};
  if (laid.empty()) return laid;
  auto& [batch, head, row] = laid.strides;
  if (layout == CoreLayout::kTokenMajor) {
    head = laid.columns;
    row = dims[1] * head;
    batch = dims[2] * row;
  } else {
    row = laid.columns + (layout == CoreLayout::kPadded ? kPadColumns : 0);
    head = dims[2] * row;
    batch = dims[1] * head;
  }
  return laid;
}

}  // namespace maskproof
