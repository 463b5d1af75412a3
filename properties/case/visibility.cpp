#include "properties/case/visibility.h"

#include <algorithm>
#include <cmath>

namespace maskproof {
namespace {

// What the padding mask alone says. Exactly one question: does batch b, query s keep key t?
class PaddingMask {
 public:
  PaddingMask(const Case& c, const Geometry& g) : g_(g) {
    const auto& mask = c[TensorId::kMaskIndex];
    if (!mask) return;
    const Dims& dims = mask->dims;
    values_ = mask->as<int32_t>();
    if (dims.size() == 1) {
      // (B), (2B) and (3B+2); of the last only the lengths count. With B = 0 nothing is asked.
      form_ = dims[0] == 2 * g.batch ? Form::kEndsStarts : Form::kLengths;
    } else if (dims.size() == 2) {
      // (B,T) comes first: (B,1) is a dummy only where T is not 1.
      const bool raw = dims[0] == g.batch && dims[1] == g.total;
      form_ = raw ? Form::kKeys : Form::kNone;
    } else {
      form_ = Form::kQueriesKeys;
    }
  }

  bool Keeps(int64_t batch, int64_t query, int64_t key) const {
    switch (form_) {
      case Form::kNone:
        return true;
      case Form::kLengths:
        return key < Value(batch);
      case Form::kEndsStarts:
        return key < Value(batch) && key >= Value(g_.batch + batch);
      case Form::kKeys:
        return Value(batch * g_.total + key) > 0;
      case Form::kQueriesKeys:
        return Value((batch * g_.sequence + query) * g_.total + key) > 0;
    }
    return true;
  }

 private:
  enum class Form : uint8_t { kNone, kLengths, kEndsStarts, kKeys, kQueriesKeys };

  int32_t Value(int64_t index) const { return values_[static_cast<size_t>(index)]; }

  Geometry g_;
  Form form_ = Form::kNone;
  std::span<const int32_t> values_;
};

bool IsMinusInfinity(float x) { return std::isinf(x) && x < 0.0F; }

}  // namespace

Visibility::Visibility(const Case& c) {
  const Geometry g = GeometryOf(c);
  const PaddingMask padding(c, g);
  const bool causal = c.attributes.unidirectional == 1;

  const auto& bias = c[TensorId::kAttentionBias];
  std::span<const float> bias_values;
  int64_t bias_batches = 1;
  int64_t bias_heads = 1;
  if (bias && std::any_of(bias->as<float>().begin(), bias->as<float>().end(), IsMinusInfinity)) {
    bias_values = bias->as<float>();
    bias_batches = bias->dims[0];
    bias_heads = bias->dims[1];
    per_head_ = bias_heads > 1;
  }

  heads_ = per_head_ ? g.heads : 1;
  queries_ = g.sequence;
  keys_ = g.total;
  seen_.resize(static_cast<size_t>(g.batch * heads_ * queries_ * keys_));
  // A size of zero may stand beside huge ones, which would take for ever to walk through.
  if (seen_.empty()) return;
  size_t cell = 0;
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t n = 0; n < heads_; ++n) {
      // A bias dimension of 1 serves every batch, every head.
      const int64_t slice = (bias_batches > 1 ? b : 0) * bias_heads + (bias_heads > 1 ? n : 0);
      for (int64_t s = 0; s < queries_; ++s) {
        for (int64_t t = 0; t < keys_; ++t, ++cell) {
          const bool future = causal && t > g.past + s;
          const bool excluded =
              !bias_values.empty() &&
              IsMinusInfinity(bias_values[static_cast<size_t>((slice * queries_ + s) * keys_ + t)]);
          seen_[cell] = !future && !excluded && padding.Keeps(b, s, t) ? 1 : 0;
        }
      }
    }
  }
}

bool Visibility::FullyMasked(int64_t batch, int64_t head, int64_t query) const {
  for (int64_t t = 0; t < keys_; ++t) {
    if (Sees(batch, head, query, t)) return false;
  }
  return true;
}

bool Visibility::AnyFullyMasked() const {
  const auto keys = static_cast<std::ptrdiff_t>(keys_);
  if (seen_.empty()) return false;
  for (auto row = seen_.begin(); row != seen_.end(); row += keys) {
    if (std::find(row, row + keys, uint8_t{1}) == row + keys) return true;
  }
  return false;
}

}  // namespace maskproof
