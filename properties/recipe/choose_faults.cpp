#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "properties/case/floats.h"
#include "properties/recipe/choose.h"
#include "properties/recipe/fields.h"

namespace maskproof {
namespace {

constexpr int64_t kHugeExtent = int64_t{1} << 40;

void Reshape(Recipe& r, TensorId id, Dims dims) {
  Fault fault;
  fault.kind = Fault::Kind::kReshape;
  fault.tensor = id;
  fault.dims = std::move(dims);
  r.faults.push_back(std::move(fault));
}

void SetAttribute(Recipe& r, Fault::Attribute attribute, double number) {
  Fault fault;
  fault.kind = Fault::Kind::kAttribute;
  fault.attribute = attribute;
  fault.number = number;
  r.faults.push_back(std::move(fault));
}

std::vector<TensorId> UsedTensors(const Recipe& r) {
  std::vector<TensorId> used;
  for (size_t i = 0; i < kTensorCount; ++i) {
    const auto id = static_cast<TensorId>(i);
    if (UsesTensor(r, id)) used.push_back(id);
  }
  return used;
}

TensorId PickUsed(Rng& rng, const Recipe& r) {
  const std::vector<TensorId> used = UsedTensors(r);
  return used[rng.Below(used.size())];
}

// ---- shapes ------------------------------------------------------

void ChangeRank(Rng& rng, Dims& dims) {
  const auto place = static_cast<std::ptrdiff_t>(rng.Below(dims.size() + 1));
  switch (rng.Below(4)) {
    case 0:
      if (place < std::ssize(dims)) dims.erase(dims.begin() + place);
      break;
    case 1:
      dims.insert(dims.begin() + place, 1);
      break;
    case 2:  // everything in one dimension
      dims = {std::max<int64_t>(ElementCount(dims), 0)};
      break;
    default:
      dims.clear();
      break;
  }
}

void ChangeDim(Rng& rng, Dims& dims) {
  const size_t i = rng.Below(dims.size());
  switch (rng.Below(12)) {
    case 0:
    case 1:
    case 2:
      ++dims[i];
      break;
    case 3:
    case 4:
      --dims[i];
      break;
    case 5:
      dims[i] = 0;
      break;
    case 6:
      dims[i] = dims[i] == 1 ? 2 : 1;
      break;
    case 7:
      dims[i] *= 2;
      break;
    case 8:
      std::swap(dims[i], dims[rng.Below(dims.size())]);
      break;
    case 9:  // no data at all, but sizes that overflow when they are multiplied
      dims[i] = kHugeExtent;
      dims[(i + 1) % dims.size()] = dims.size() > 1 ? 0 : kHugeExtent;
      break;
    case 10:
      std::ranges::fill(dims, kHugeExtent);
      break;
    default:
      dims[i] = -1;
      break;
  }
}

void NearMiss(Rng& rng, Recipe& r) {
  const TensorId id = PickUsed(rng, r);
  Dims dims = TensorDims(r, id);
  if (dims.empty() || rng.OneIn(4)) {
    ChangeRank(rng, dims);
  } else {
    ChangeDim(rng, dims);
  }
  Reshape(r, id, std::move(dims));
}

// Shapes of mask_index that look like one of the forms; some of them are one.
void OddMaskShape(Rng& rng, Recipe& r) {
  const int64_t batch = r.batch;
  const int64_t total = TotalLength(r);
  Dims dims;
  switch (rng.Below(14)) {
    case 0:
    case 1: {
      const int64_t side = total + rng.Between(0, 3);
      dims = {batch, 1, side, side};
      break;
    }
    case 2:
      dims = {batch, r.heads, r.sequence, total};
      break;
    case 3:
      dims = {total};
      break;
    case 4:
      dims = {1, total};
      break;
    case 5:
      dims = {1, r.sequence, total};
      break;
    case 6:
      dims = {1, 1};
      break;
    case 7:
      dims = {batch, 1};
      break;
    case 8:
      dims = {2 * batch + 1};
      break;
    case 9:
      dims = {3 * batch + 1};
      break;
    case 10:
      dims = {3 * batch};
      break;
    case 11:
      dims = {batch, total + 1};
      break;
    case 12:
      dims = {batch, total, r.sequence};
      break;
    default:
      dims = {batch, r.sequence};
      break;
  }
  if (UsesTensor(r, TensorId::kMaskIndex)) {
    Reshape(r, TensorId::kMaskIndex, std::move(dims));
    return;
  }
  Reshape(r, TensorId::kMaskIndex, std::move(dims));
  r.faults.back().kind = Fault::Kind::kAdd;
}

// The cell is the fault. The reshape, to what the shape is anyway, marks the recipe as malformed:
// without it, normalization would make the length legal.
void NegativeLength(Rng& rng, Recipe& r) {
  constexpr MaskForm kForms[] = {MaskForm::kLengths, MaskForm::kEndsStarts, MaskForm::kCumulative};
  if (CheckedLengths(r) == 0) {
    r.mask = MaskRecipe();
    r.mask.form = PickOf(rng, kForms);
  }
  Reshape(r, TensorId::kMaskIndex, TensorDims(r, TensorId::kMaskIndex));
  CellOverride cell;
  cell.tensor = TensorId::kMaskIndex;
  cell.index = static_cast<uint32_t>(rng.Below(static_cast<uint64_t>(r.batch)));
  cell.value = PickOf(rng, {-1.0F, -5.0F, -1000.0F, -0x1p31F});
  r.cells.push_back(cell);
}

// No batch, no token or no feature, in all tensors alike: little or nothing to compute, and yet
// valid.
void EmptyCase(Rng& rng, Recipe& r, const Limits& limits) {
  Recipe empty = r;
  switch (rng.Below(r.op == Op::kCore ? 2 : 3)) {
    case 0:
      empty.batch = 0;
      break;
    case 1:
      empty.sequence = 0;
      break;
    default:
      empty.input_width = 0;
      break;
  }
  std::vector<TensorId> changed;
  for (const TensorId id : UsedTensors(r)) {
    if (TensorDims(empty, id) != TensorDims(r, id)) changed.push_back(id);
  }
  if (r.faults.size() + changed.size() > limits.max_faults) {
    NearMiss(rng, r);
    return;
  }
  for (const TensorId id : changed) Reshape(r, id, TensorDims(empty, id));
}

// ---- the rest ----------------------------------------------------

void Retype(Rng& rng, Recipe& r) {
  Fault fault;
  fault.kind = Fault::Kind::kRetype;
  fault.tensor = PickUsed(rng, r);
  const auto type = static_cast<int64_t>(TensorType(r, fault.tensor));
  fault.dims = {(type + rng.Between(1, kElementTypeCount - 1)) %
                static_cast<int64_t>(kElementTypeCount)};
  r.faults.push_back(std::move(fault));
}

void Omit(Rng& rng, Recipe& r) {
  Fault fault;
  fault.kind = Fault::Kind::kOmit;
  fault.tensor = PickUsed(rng, r);
  r.faults.push_back(std::move(fault));
}

void Add(Rng& rng, Recipe& r) {
  std::vector<TensorId> absent;
  for (size_t i = 0; i < kTensorCount; ++i) {
    const auto id = static_cast<TensorId>(i);
    if (!UsesTensor(r, id)) absent.push_back(id);
  }
  Fault fault;
  fault.kind = Fault::Kind::kAdd;
  fault.tensor = absent[rng.Below(absent.size())];
  // The dims that the tensor would have: what is wrong is that it is there.
  Recipe with = r;
  with.mask.form = static_cast<MaskForm>(1 + rng.Below(kMaskFormCount - 1));
  with.past = static_cast<int64_t>(rng.Below(3));
  fault.dims = TensorDims(with, fault.tensor);
  if (!fault.dims.empty() && rng.OneIn(4)) ChangeDim(rng, fault.dims);
  r.faults.push_back(std::move(fault));
}

double OddInteger(Rng& rng, int64_t right) {
  const auto near = static_cast<double>(right);
  return PickOf(rng, {0.0, -1.0, near + 1.0, near - 1.0, 2.0 * near, near, 0x1p31, 0x1p32 + near,
                      -0x1p53, 0x1p53});
}

double OddFloat(Rng& rng) {
  constexpr double kAbove = kInfinity;
  return PickOf(rng, {std::numeric_limits<double>::quiet_NaN(), kAbove, -kAbove, 0.0, -1.0});
}

void OddAttribute(Rng& rng, Recipe& r) {
  const int64_t hidden = r.heads * r.head_size;
  const auto attribute =
      r.op == Op::kCore ? PickOf(rng, {Fault::Attribute::kScale, Fault::Attribute::kUnidirectional})
                        : static_cast<Fault::Attribute>(rng.Below(kFaultAttributeCount));
  switch (attribute) {
    case Fault::Attribute::kNumHeads:
      SetAttribute(r, attribute, OddInteger(rng, r.heads));
      break;
    case Fault::Attribute::kUnidirectional:
      SetAttribute(r, attribute, PickOf(rng, {2.0, -1.0, 0x1p32 + 1.0}));
      break;
    case Fault::Attribute::kHiddenQ:
    case Fault::Attribute::kHiddenK:
      SetAttribute(r, attribute, OddInteger(rng, hidden));
      break;
    case Fault::Attribute::kHiddenV:
      SetAttribute(r, attribute, OddInteger(rng, r.heads * r.value_head_size));
      break;
    case Fault::Attribute::kHiddenCount:
      SetAttribute(r, attribute, static_cast<double>(rng.Below(kMaxHiddenCount + 1)));
      break;
    case Fault::Attribute::kScale:
    case Fault::Attribute::kMaskFilterValue:
      SetAttribute(r, attribute, OddFloat(rng));
      break;
    case Fault::Attribute::kShareBuffer:
    case Fault::Attribute::kRotary:
      SetAttribute(r, attribute, PickOf(rng, {1.0, 1.0, 2.0, 0.0, -1.0}));
      break;
    case Fault::Attribute::kWantPresent:
      SetAttribute(r, attribute, r.present ? 0.0 : 1.0);
      break;
  }
}

}  // namespace

void AddFault(Rng& rng, Recipe& recipe, const Limits& limits) {
  if (recipe.faults.size() >= limits.max_faults) return;
  const uint64_t percent = rng.Below(100);
  if (percent < 38) {
    NearMiss(rng, recipe);
  } else if (percent < 52) {
    OddMaskShape(rng, recipe);
  } else if (percent < 62) {
    NegativeLength(rng, recipe);
  } else if (percent < 68) {
    Retype(rng, recipe);
  } else if (percent < 73) {
    Omit(rng, recipe);
  } else if (percent < 80) {
    Add(rng, recipe);
  } else if (percent < 86) {
    EmptyCase(rng, recipe, limits);
  } else {
    OddAttribute(rng, recipe);
  }
}

}  // namespace maskproof
