#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>

#include "properties/recipe/expand.h"
#include "properties/recipe/fields.h"

namespace maskproof {
namespace {

// A tensor of impossible dims (negative, or more elements than 64 bits count) has no data.
Tensor MakeTensor(ElementType type, const Dims& dims) {
  if (ElementCount(dims) >= 0) return {type, dims};
  Tensor tensor;
  tensor.type = type;
  tensor.dims = dims;
  return tensor;
}

Tensor Reshaped(const Tensor& from, const Dims& dims) {
  Tensor tensor = MakeTensor(from.type, dims);
  const size_t kept = std::min(tensor.bytes.size(), from.bytes.size());
  std::copy_n(from.bytes.begin(), kept, tensor.bytes.begin());
  return tensor;
}

Tensor Retyped(const Tensor& from, ElementType type) {
  Tensor tensor = MakeTensor(type, from.dims);
  for (int64_t i = 0; i < from.size(); ++i) {
    const double x = from.Get(i);
    tensor.Set(i, std::isnan(x) && type != ElementType::kFloat32 ? 0.0 : x);
  }
  return tensor;
}

Dims& HiddenSizes(const Recipe& r, Case& c) {
  auto& sizes = c.attributes.qkv_hidden_sizes;
  if (!sizes) {
    const int64_t hidden = r.heads * r.head_size;
    sizes = Dims{hidden, hidden, r.heads * r.value_head_size};
  }
  return *sizes;
}

void SetHidden(const Recipe& r, Case& c, size_t index, int64_t value) {
  Dims& sizes = HiddenSizes(r, c);
  if (index < sizes.size()) sizes[index] = value;
}

void SetAttribute(const Recipe& r, const Fault& fault, Case& c) {
  Attributes& a = c.attributes;
  const bool is_float = fault.attribute == Fault::Attribute::kScale ||
                        fault.attribute == Fault::Attribute::kMaskFilterValue;
  // Normalize() keeps whole numbers within 2^53.
  const int64_t whole = is_float ? 0 : static_cast<int64_t>(fault.number);
  switch (fault.attribute) {
    case Fault::Attribute::kNumHeads:
      a.num_heads = whole;
      break;
    case Fault::Attribute::kUnidirectional:
      a.unidirectional = whole;
      break;
    case Fault::Attribute::kHiddenQ:
      SetHidden(r, c, 0, whole);
      break;
    case Fault::Attribute::kHiddenK:
      SetHidden(r, c, 1, whole);
      break;
    case Fault::Attribute::kHiddenV:
      SetHidden(r, c, 2, whole);
      break;
    case Fault::Attribute::kHiddenCount:
      HiddenSizes(r, c).resize(static_cast<size_t>(whole), r.heads * r.head_size);
      break;
    case Fault::Attribute::kScale:
      a.scale = static_cast<float>(fault.number);
      break;
    case Fault::Attribute::kMaskFilterValue:
      a.mask_filter_value = static_cast<float>(fault.number);
      break;
    case Fault::Attribute::kShareBuffer:
      a.past_present_share_buffer = whole;
      break;
    case Fault::Attribute::kRotary:
      a.do_rotary = whole;
      break;
    case Fault::Attribute::kWantPresent:
      c.want_present = whole != 0;
      break;
  }
}

}  // namespace

void ApplyFaults(const Recipe& recipe, Case& c) {
  for (const Fault& fault : recipe.faults) {
    auto& tensor = c[fault.tensor];
    switch (fault.kind) {
      case Fault::Kind::kReshape:
        if (tensor) tensor = Reshaped(*tensor, fault.dims);
        break;
      case Fault::Kind::kRetype:
        if (tensor && !fault.dims.empty()) {
          tensor = Retyped(*tensor, static_cast<ElementType>(fault.dims[0]));
        }
        break;
      case Fault::Kind::kOmit:
        tensor.reset();
        break;
      case Fault::Kind::kAdd:
        if (!tensor) tensor = MakeTensor(TensorType(recipe, fault.tensor), fault.dims);
        break;
      case Fault::Kind::kAttribute:
        SetAttribute(recipe, fault, c);
        break;
    }
  }
}

}  // namespace maskproof
