#include "properties/profile/prober.h"

#include <algorithm>
#include <utility>

namespace maskproof {
namespace {

constexpr ElementType kFloat = ElementType::kFloat32;

float* Data(Tensor& tensor) { return tensor.as<float>().data(); }

// Only the first `visible` of `total` keys.
Tensor PrefixMask(int64_t batch, int64_t total, int64_t visible) {
  Tensor mask(ElementType::kInt32, {batch, total});
  for (int64_t b = 0; b < batch; ++b) {
    std::fill_n(mask.as<int32_t>().data() + (b * total), visible, 1);
  }
  return mask;
}

}  // namespace

Prober::Prober(Subject& subject) : subject_(subject) {
  Probe probe;
  probe.query = {1.0F};
  probe.key = {1.0F};
  probe.value = {1.0F};
  if (subject_.Supports(CoreCase(probe))) return;
  op_ = Op::kAttention;
  gives_scale_ = subject_.Supports(AttentionCase(probe));
}

// Keys behind the probe's are masked: there must be as many keys as queries.
Case Prober::CoreCase(const Probe& probe) const {
  const int64_t total = std::max(probe.keys, copies_);
  const int64_t head_size = std::max(probe.head_size, least_size_);
  const int64_t value_size = std::max(probe.value_size, least_size_);
  Case c;
  c.op = Op::kCore;
  c.attributes.scale = probe.scale;
  Tensor query(kFloat, {probe.batch, 1, copies_, head_size});
  Tensor key(kFloat, {probe.batch, 1, total, head_size});
  Tensor value(kFloat, {probe.batch, 1, total, value_size});
  for (int64_t b = 0; b < probe.batch; ++b) {
    for (int64_t s = 0; s < copies_; ++s) {
      std::copy_n(probe.query.data() + (b * probe.head_size), probe.head_size,
                  Data(query) + (((b * copies_) + s) * head_size));
    }
    for (int64_t t = 0; t < probe.keys; ++t) {
      const int64_t from = (b * probe.keys) + t;
      const int64_t to = (b * total) + t;
      std::copy_n(probe.key.data() + (from * probe.head_size), probe.head_size,
                  Data(key) + (to * head_size));
      std::copy_n(probe.value.data() + (from * probe.value_size), probe.value_size,
                  Data(value) + (to * value_size));
    }
  }
  c[TensorId::kQuery] = std::move(query);
  c[TensorId::kKey] = std::move(key);
  c[TensorId::kValue] = std::move(value);
  if (total > probe.keys) c[TensorId::kMaskIndex] = PrefixMask(probe.batch, total, probe.keys);
  if (!probe.bias.empty()) {
    Tensor bias(kFloat, {probe.batch, 1, copies_, total});
    for (int64_t row = 0; row < probe.batch * copies_; ++row) {
      std::copy_n(probe.bias.data() + (row / copies_ * probe.keys), probe.keys,
                  Data(bias) + (row * total));
    }
    c[TensorId::kAttentionBias] = std::move(bias);
  }
  return c;
}

// Keys and values come as the past; the query through weights (I, 0, 0). The tokens of the input
// are masked.
Case Prober::AttentionCase(const Probe& probe) const {
  int64_t width = std::max({probe.head_size, probe.value_size, least_size_});
  float query_scale = 1.0F;
  if (!gives_scale_) {
    // 1/sqrt(H) is a power of two for these, and the query makes up for it.
    int64_t root = 1;
    while (root * root < width) root *= 2;
    width = root * root;
    query_scale = probe.scale * static_cast<float>(root);
  }
  const int64_t total = probe.keys + copies_;
  Case c;
  c.op = Op::kAttention;
  c.attributes.num_heads = 1;
  if (gives_scale_) c.attributes.scale = probe.scale;
  c.want_present = true;
  Tensor input(kFloat, {probe.batch, copies_, width});
  Tensor weights(kFloat, {width, 3 * width});
  Tensor past(kFloat, {2, probe.batch, 1, probe.keys, width});
  for (int64_t i = 0; i < width; ++i) Data(weights)[(i * 3 * width) + i] = 1.0F;
  for (int64_t b = 0; b < probe.batch; ++b) {
    for (int64_t s = 0; s < copies_; ++s) {
      for (int64_t h = 0; h < probe.head_size; ++h) {
        Data(input)[(((b * copies_) + s) * width) + h] =
            query_scale * probe.query[static_cast<size_t>((b * probe.head_size) + h)];
      }
    }
    for (int64_t t = 0; t < probe.keys; ++t) {
      const int64_t row = (b * probe.keys) + t;
      std::copy_n(probe.key.data() + (row * probe.head_size), probe.head_size,
                  Data(past) + (row * width));
      std::copy_n(probe.value.data() + (row * probe.value_size), probe.value_size,
                  Data(past) + (((probe.batch * probe.keys) + row) * width));
    }
  }
  c[TensorId::kInput] = std::move(input);
  c[TensorId::kWeights] = std::move(weights);
  c[TensorId::kBias] = Tensor(kFloat, {3 * width});
  c[TensorId::kPast] = std::move(past);
  c[TensorId::kMaskIndex] = PrefixMask(probe.batch, total, probe.keys);
  return c;
}

std::optional<std::vector<float>> Prober::Run(const Probe& probe) {
  const Case c = op_ == Op::kCore ? CoreCase(probe) : AttentionCase(probe);
  if (!subject_.Supports(c)) {
    failure_ = std::string("it cannot express the probes of ") + OpName(op_);
    return std::nullopt;
  }
  const Outcome outcome = subject_.Run(c, {});
  if (outcome.kind != OutcomeKind::kOutput) {
    failure_ = std::string(OutcomeKindName(outcome.kind)) + ": " + outcome.message;
    return std::nullopt;
  }
  // Both layouts have one head; Attention's may be wider than was asked for.
  const Tensor& output = outcome.output.output;
  const int64_t width = output.dims.empty() ? 0 : output.dims.back();
  if (output.size() != probe.batch * copies_ * width || width < probe.value_size) {
    failure_ = "an output of the wrong shape";
    return std::nullopt;
  }
  std::vector<float> first(static_cast<size_t>(probe.batch * probe.value_size));
  for (int64_t b = 0; b < probe.batch; ++b) {
    std::copy_n(output.as<float>().data() + (b * copies_ * width), probe.value_size,
                first.data() + (b * probe.value_size));
  }
  return first;
}

}  // namespace maskproof
