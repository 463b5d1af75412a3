#include "properties/recipe/expand.h"

#include <array>
#include <limits>
#include <vector>

#include "properties/recipe/fields.h"

namespace maskproof {
namespace {

void ExpandAttributes(const Recipe& r, Case& c) {
  Attributes& a = c.attributes;
  a.num_heads = r.heads;
  a.unidirectional = r.unidirectional;
  const bool hidden_differ = r.value_head_size != r.head_size;
  if (r.op == Op::kAttention && (r.explicit_hidden_sizes || hidden_differ)) {
    const int64_t hidden = r.heads * r.head_size;
    a.qkv_hidden_sizes = {hidden, hidden, r.heads * r.value_head_size};
  }
  a.mask_filter_value = r.mask_filter_value;
  a.scale = r.scale;
  a.core_layout = r.core_layout;
}

size_t Columns(const Tensor& tensor) {
  return tensor.dims.empty() ? 1 : static_cast<size_t>(tensor.dims.back());
}

std::vector<int32_t> WeightZeroPoints(const Case& c) {
  const auto& tensor = c[TensorId::kWeightZeroPoint];
  if (!tensor) return {0};
  std::vector<int32_t> zero_points(static_cast<size_t>(tensor->size()));
  for (size_t i = 0; i < zero_points.size(); ++i) {
    zero_points[i] = static_cast<int32_t>(tensor->Get(static_cast<int64_t>(i)));
  }
  return zero_points;
}

void MaskBias(const Recipe& r, std::span<float> bias) {
  if (r.bias_masked_share == 0.0F) return;
  constexpr uint64_t kStream = 0xB1A5;
  Rng rng(MixSeeds(r.of(TensorId::kAttentionBias).seed, kStream));
  const auto threshold = static_cast<uint64_t>(r.bias_masked_share * 0x1p24F);
  for (float& x : bias) {
    if ((rng.Next() >> 40) < threshold) x = r.bias_masked_value;
  }
}

Tensor ExpandTensor(const Recipe& r, const Case& c, TensorId id) {
  if (id == TensorId::kMaskIndex) return ExpandMask(r);
  Tensor tensor(TensorType(r, id), TensorDims(r, id));
  if (tensor.bytes.empty()) return tensor;
  const Values& values = r.of(id);
  if (tensor.type == ElementType::kFloat32) {
    FillFloat(id, values, Columns(tensor), tensor.as<float>());
    if (id == TensorId::kAttentionBias) MaskBias(r, tensor.as<float>());
  } else {
    FillQuantized(id, values, Columns(tensor), WeightZeroPoints(c), tensor);
  }
  return tensor;
}

// The identity needs to know the zero points; otherwise the order is of no concern.
constexpr std::array<TensorId, kTensorCount> kExpansionOrder = {
    TensorId::kInputZeroPoint,
    TensorId::kWeightZeroPoint,
    TensorId::kInput,
    TensorId::kWeights,
    TensorId::kBias,
    TensorId::kMaskIndex,
    TensorId::kPast,
    TensorId::kAttentionBias,
    TensorId::kPastSequenceLength,
    TensorId::kInputScale,
    TensorId::kWeightScale,
    TensorId::kQuery,
    TensorId::kKey,
    TensorId::kValue,
};

}  // namespace

Case Expand(const Recipe& recipe) {
  Case c;
  c.op = recipe.op;
  c.want_present = recipe.present;
  c.salt = recipe.salt;
  ExpandAttributes(recipe, c);
  for (const TensorId id : kExpansionOrder) {
    if (UsesTensor(recipe, id)) c[id] = ExpandTensor(recipe, c, id);
  }
  for (const CellOverride& cell : recipe.cells) {
    auto& tensor = c[cell.tensor];
    if (!tensor || tensor->size() == 0) continue;
    tensor->Set(cell.index % tensor->size(), static_cast<double>(cell.value));
  }
  ApplyFaults(recipe, c);
  return c;
}

}  // namespace maskproof
