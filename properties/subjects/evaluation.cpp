#include "properties/subjects/evaluation.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <utility>

#include "properties/case/floats.h"
#include "properties/case/visibility.h"

namespace maskproof {
namespace {

// float32 numbers as sums of three bfloat16 numbers.
namespace bfloat16 {

using Parts = std::array<float, 3>;

bool HasParts(float x) {
  const float magnitude = std::abs(x);
  return magnitude == 0.0F || (magnitude >= 0x1p-60F && magnitude <= 0x1p60F);
}

// Halves away from zero.
float Rounded(float x) {
  return std::bit_cast<float>((std::bit_cast<uint32_t>(x) + 0x8000U) & 0xFFFF0000U);
}

Parts Split(float x) {
  const float first = Rounded(x);
  const float second = Rounded(x - first);
  return {first, second, x - first - second};
}

}  // namespace bfloat16

class FloatAttention {
 public:
  FloatAttention(const Case& c, const EvaluationStyle& style)
      : case_(c),
        style_(style),
        g_(GeometryOf(c)),
        visibility_(c),
        rng_(style.seed),
        rounding_rng_(~style.seed) {}

  // The operator's output in its layout; present, if wanted, in `present`.
  std::vector<float> Run(std::vector<float>* present = nullptr) {
    Operands();
    SetScale();
    std::vector<float> output(
        static_cast<size_t>(g_.batch * g_.heads * g_.sequence * g_.value_head_size));
    for (int64_t b = 0; b < g_.batch; ++b) {
      for (int64_t n = 0; n < g_.heads; ++n) {
        for (int64_t s = 0; s < g_.sequence; ++s) Row(b, n, s, output);
      }
    }
    if (present != nullptr) {
      *present = key_;
      present->insert(present->end(), value_.begin(), value_.end());
    }
    return output;
  }

 private:
  struct Term {
    float x;
    float y;
  };
  using Terms = std::vector<Term>;

  float Flush(float x) const {
    return style_.flush && std::abs(x) < std::numeric_limits<float>::min() ? 0.0F : x;
  }
  float Add(float a, float b) const {
    a = Flush(a);
    b = Flush(b);
    return Flush(Rounded(a + b, static_cast<double>(a), static_cast<double>(b)));
  }
  float Multiply(float a, float b) const {
    a = Flush(a);
    b = Flush(b);
    return Flush(Rounded(a * b, static_cast<double>(a) * b, 0.0));
  }
  float Divide(float a, float b) const {
    a = Flush(a);
    b = Flush(b);
    const float nearest = a / b;
    if (style_.rounding == OperationRounding::kNearest) return Flush(nearest);
    // Both the product and, near to it, the difference are exact.
    const double rest = static_cast<double>(a) - (static_cast<double>(nearest) * b);
    return Flush(Directed(nearest, b < 0.0F ? -rest : rest));
  }
  float MultiplyAdd(float a, float b, float c) const {
    if (!style_.fused) return Add(Multiply(a, b), c);
    a = Flush(a);
    b = Flush(b);
    c = Flush(c);
    return Flush(Rounded(std::fma(a, b, c), static_cast<double>(a) * b, static_cast<double>(c)));
  }

  // x + y, which is `nearest` to nearest, rounded in the style's direction.
  float Rounded(float nearest, double x, double y) const {
    if (style_.rounding == OperationRounding::kNearest) return nearest;
    const double sum = x + y;
    const double y_part = sum - x;
    const double tail = (x - (sum - y_part)) + (y - y_part);
    const double above = sum - static_cast<double>(nearest);
    return Directed(nearest, above != 0.0 ? above : tail);
  }

  // `rest`: has the sign of what the exact result is more than `nearest`.
  float Directed(float nearest, double rest) const {
    if (!(rest != 0.0) || !std::isfinite(rest) || !std::isfinite(nearest)) return nearest;
    const bool negative = nearest < 0.0F || (nearest == 0.0F && rest < 0.0);
    bool up = false;
    switch (style_.rounding) {
      case OperationRounding::kNearest:
        return nearest;
      case OperationRounding::kUp:
        up = true;
        break;
      case OperationRounding::kDown:
        break;
      case OperationRounding::kTowardZero:
        up = negative;
        break;
      case OperationRounding::kAwayFromZero:
        up = !negative;
        break;
      case OperationRounding::kAtRandom:
        up = rounding_rng_.OneIn(2);
        break;
      case OperationRounding::kAdverse:
        up = in_sum_of_weights_ ? negative : !negative;
        break;
    }
    if (up == (rest < 0.0)) return nearest;
    return std::nextafter(nearest, up ? kInfinity : -kInfinity);
  }

  float SumOfWeights(const Terms& ones) {
    in_sum_of_weights_ = true;
    const float sum = Dot(ones);
    in_sum_of_weights_ = false;
    return sum;
  }

  float Chain(const Terms& terms, float sum) {
    for (const Term& t : terms) sum = MultiplyAdd(t.x, t.y, sum);
    return sum;
  }

  // As a unit for matrices of bfloat16 numbers computes it: steps of 32 terms, each kind of product
  // in two chains, and where a sum is not deep (`deep_sum_`), the large ones after all others of
  // 128.
  float DotOfParts(const Terms& terms, float start) {
    const auto has_parts = [](const Term& t) {
      return bfloat16::HasParts(t.x) && bfloat16::HasParts(t.y);
    };
    if (!std::ranges::all_of(terms, has_parts)) return Chain(terms, start);
    std::vector<std::pair<bfloat16::Parts, bfloat16::Parts>> parts;
    parts.reserve(terms.size());
    for (const Term& t : terms) parts.emplace_back(bfloat16::Split(t.x), bfloat16::Split(t.y));
    constexpr size_t kStep = 32;
    constexpr std::array<std::pair<size_t, size_t>, 6> kKinds = {
        {{2, 0}, {1, 0}, {1, 1}, {0, 1}, {0, 2}, {0, 0}}};
    const auto add_step = [&](size_t begin, std::pair<size_t, size_t> kind, float sum) {
      float chains[2] = {};
      for (size_t i = begin; i < std::min(begin + kStep, parts.size()); ++i) {
        float& chain = chains[(i - begin) / (kStep / 2)];
        chain = MultiplyAdd(parts[i].first[kind.first], parts[i].second[kind.second], chain);
      }
      return Add(sum, Add(chains[0], chains[1]));
    };
    const size_t group = deep_sum_ ? kStep : 4 * kStep;
    float sum = start;
    for (size_t begin = 0; begin < parts.size(); begin += group) {
      const size_t end = std::min(begin + group, parts.size());
      float of_group = deep_sum_ ? sum : 0.0F;
      for (size_t kind = 0; kind + 1 < kKinds.size(); ++kind) {
        for (size_t i = begin; i < end; i += kStep) of_group = add_step(i, kKinds[kind], of_group);
      }
      for (size_t i = begin; i < end; i += kStep) of_group = add_step(i, kKinds.back(), of_group);
      sum = deep_sum_ ? of_group : Add(sum, of_group);
    }
    return sum;
  }

  // The sum of products in the style's order, on top of `start`.
  float Dot(const Terms& terms, float start = 0.0F) {
    const size_t n = terms.size();
    switch (style_.order) {
      case SumOrder::kForward:
        return Chain(terms, start);
      case SumOrder::kBackward: {
        float sum = start;
        for (size_t i = n; i-- > 0;) sum = MultiplyAdd(terms[i].x, terms[i].y, sum);
        return sum;
      }
      case SumOrder::kPairwise:
        return n == 0 ? start : Add(start, Pairwise(terms, 0, n));
      case SumOrder::kLanes8: {
        float lanes[8] = {start};
        for (size_t i = 0; i < n; ++i) {
          lanes[i % 8] = MultiplyAdd(terms[i].x, terms[i].y, lanes[i % 8]);
        }
        for (size_t width = 4; width > 0; width /= 2) {
          for (size_t i = 0; i < width; ++i) lanes[i] = Add(lanes[i], lanes[i + width]);
        }
        return lanes[0];
      }
      case SumOrder::kParts:
        return in_sum_of_weights_ ? Chain(terms, start) : DotOfParts(terms, start);
      case SumOrder::kAnyTree:
        break;
    }
    tree_.assign(1, start);
    for (const Term& t : terms) tree_.push_back(Multiply(t.x, t.y));
    while (tree_.size() > 1) {
      std::swap(tree_[rng_.Below(tree_.size())], tree_.back());
      const float last = tree_.back();
      tree_.pop_back();
      float& other = tree_[rng_.Below(tree_.size())];
      other = Add(other, last);
    }
    return tree_[0];
  }

  float Pairwise(const Terms& terms, size_t begin, size_t end) {
    if (end - begin == 1) return Multiply(terms[begin].x, terms[begin].y);
    const size_t middle = begin + (end - begin) / 2;
    return Add(Pairwise(terms, begin, middle), Pairwise(terms, middle, end));
  }

  // ---- query, key and value ----

  void Operands() {
    const auto size = [this](int64_t rows, int64_t columns) {
      return static_cast<size_t>(g_.batch * g_.heads * rows * columns);
    };
    query_.assign(size(g_.sequence, g_.head_size), 0.0F);
    key_.assign(size(g_.total, g_.head_size), 0.0F);
    value_.assign(size(g_.total, g_.value_head_size), 0.0F);
    if (case_.op == Op::kCore) {
      Copy(*case_[TensorId::kQuery], query_);
      Copy(*case_[TensorId::kKey], key_);
      Copy(*case_[TensorId::kValue], value_);
      return;
    }
    if (case_.has(TensorId::kPast)) CopyPast();
    const int64_t columns = 2 * g_.hidden() + g_.value_hidden();
    for (int64_t b = 0; b < g_.batch; ++b) {
      for (int64_t s = 0; s < g_.sequence; ++s) {
        for (int64_t column = 0; column < columns; ++column) {
          *Cell(b, s, column) = case_.op == Op::kAttention ? Project(b, s, column, columns)
                                                           : Dequantize(b, s, column, columns);
        }
      }
    }
  }

  static void Copy(const Tensor& from, std::vector<float>& to) {
    std::ranges::copy(from.as<float>(), to.begin());
  }

  void CopyPast() {
    const auto past = case_[TensorId::kPast]->as<float>();
    const auto half = static_cast<int64_t>(past.size()) / 2;
    const int64_t row = g_.past * g_.head_size;
    for (int64_t bn = 0; bn < g_.batch * g_.heads; ++bn) {
      const float* from = past.data() + bn * row;
      std::copy(from, from + row, key_.begin() + bn * g_.total * g_.head_size);
      std::copy(from + half, from + half + row, value_.begin() + bn * g_.total * g_.head_size);
    }
  }

  float* Cell(int64_t b, int64_t s, int64_t column) {
    const int64_t d = g_.hidden();
    const int64_t part = std::min<int64_t>(column / d, 2);
    const int64_t lane = column - part * d;
    const int64_t width = part == 2 ? g_.value_head_size : g_.head_size;
    const int64_t rows = part == 0 ? g_.sequence : g_.total;
    const int64_t row = part == 0 ? s : g_.past + s;
    const std::array<std::vector<float>*, 3> operands = {&query_, &key_, &value_};
    auto& operand = *operands[static_cast<size_t>(part)];
    const int64_t index = ((b * g_.heads + lane / width) * rows + row) * width + lane % width;
    return &operand[static_cast<size_t>(index)];
  }

  float Project(int64_t b, int64_t s, int64_t column, int64_t columns) {
    const auto x = case_[TensorId::kInput]->as<float>();
    const auto w = case_[TensorId::kWeights]->as<float>();
    Terms terms;
    for (int64_t i = 0; i < g_.input_width; ++i) {
      terms.push_back({x[static_cast<size_t>((b * g_.sequence + s) * g_.input_width + i)],
                       w[static_cast<size_t>(i * columns + column)]});
    }
    const bool has_bias = case_.has(TensorId::kBias);
    const float bias =
        has_bias ? case_[TensorId::kBias]->as<float>()[static_cast<size_t>(column)] : 0.0F;
    deep_sum_ = true;
    const float sum = style_.preload_bias ? Dot(terms, bias) : Add(Dot(terms), bias);
    deep_sum_ = false;
    return sum;
  }

  double Quantized(TensorId id, int64_t index) const {
    const auto& tensor = case_[id];
    if (!tensor) return 0.0;
    return tensor->Get(tensor->size() == 1 ? 0 : index);
  }

  float Dequantize(int64_t b, int64_t s, int64_t column, int64_t columns) {
    int64_t sum = 0;
    for (int64_t i = 0; i < g_.input_width; ++i) {
      const double x = case_[TensorId::kInput]->Get((b * g_.sequence + s) * g_.input_width + i) -
                       Quantized(TensorId::kInputZeroPoint, 0);
      const double w = case_[TensorId::kWeights]->Get(i * columns + column) -
                       Quantized(TensorId::kWeightZeroPoint, column);
      sum += static_cast<int64_t>(x * w);
    }
    const auto input_scale = static_cast<float>(Quantized(TensorId::kInputScale, 0));
    const auto weight_scale = static_cast<float>(Quantized(TensorId::kWeightScale, column));
    const auto bias = static_cast<float>(Quantized(TensorId::kBias, column));
    return MultiplyAdd(static_cast<float>(sum), Multiply(input_scale, weight_scale), bias);
  }

  // ---- scores and softmax ----

  int64_t ScaledSize() const {
    return g_.head_size + (style_.fault == EvaluationFault::kScale ? 1 : 0);
  }

  void SetScale() {
    const float given = case_.attributes.scale.value_or(0.0F);
    const float scale =
        given != 0.0F ? given : Divide(1.0F, std::sqrt(static_cast<float>(ScaledSize())));
    const bool split = style_.scale == ScaleUse::kSplit && scale > 0.0F;
    score_factor_ = 1.0F;
    query_factor_ = 1.0F;
    key_factor_ = 1.0F;
    constexpr float kLog2E = 1.44269504F;
    const bool base2 = style_.exponential == Exponential::kBase2InScale;
    const float folded = base2 ? Multiply(scale, kLog2E) : scale;
    if (split) {
      query_factor_ = key_factor_ = std::sqrt(scale);
      if (base2) score_factor_ = kLog2E;
    } else if (style_.scale == ScaleUse::kOnQuery) {
      query_factor_ = folded;
    } else {
      score_factor_ = folded;
    }
    bias_factor_ = base2 ? kLog2E : 1.0F;
  }

  float ScoreOf(int64_t b, int64_t n, int64_t s, int64_t t) {
    const float* q =
        &query_[static_cast<size_t>(((b * g_.heads + n) * g_.sequence + s) * g_.head_size)];
    const float* k = &key_[static_cast<size_t>(((b * g_.heads + n) * g_.total + t) * g_.head_size)];
    Terms terms;
    for (int64_t i = 0; i < g_.head_size; ++i) {
      terms.push_back({query_factor_ == 1.0F ? q[i] : Multiply(q[i], query_factor_),
                       key_factor_ == 1.0F ? k[i] : Multiply(k[i], key_factor_)});
    }
    const auto& bias = case_[TensorId::kAttentionBias];
    float addend = 0.0F;
    if (bias) {
      const int64_t slice =
          (bias->dims[0] > 1 ? b : 0) * bias->dims[1] + (bias->dims[1] > 1 ? n : 0);
      addend = bias->as<float>()[static_cast<size_t>((slice * g_.sequence + s) * g_.total + t)];
      if (bias_factor_ != 1.0F) addend = Multiply(addend, bias_factor_);
    }
    if (style_.preload_bias && bias && score_factor_ == 1.0F) return Dot(terms, addend);
    const float dot = Dot(terms);
    if (!bias) return score_factor_ == 1.0F ? dot : Multiply(dot, score_factor_);
    return MultiplyAdd(dot, score_factor_, addend);
  }

  float Exp(float difference, int64_t key) const {
    constexpr float kLog2E = 1.44269504F;
    difference = Flush(difference);
    float e = 0.0F;
    switch (style_.exponential) {
      case Exponential::kNatural:
        e = std::exp(difference);
        break;
      case Exponential::kBase2OnDifference:
        e = std::exp2(Multiply(difference, kLog2E));
        break;
      case Exponential::kBase2InScale:
        e = std::exp2(difference);
        break;
      case Exponential::kSloppy: {
        // Off by more than three units either way, the sign by key.
        const double off = (style_.seed >> (key % 60) & 1U) != 0U ? 3.4 * 0x1p-23 : -3.4 * 0x1p-23;
        e = static_cast<float>(std::exp(static_cast<double>(difference)) * (1.0 + off));
        if (difference < -86.7F) e = 0.0F;
        break;
      }
    }
    if (style_.fault == EvaluationFault::kExponential) e *= key % 2 == 0 ? 1.0001F : 0.9999F;
    return Flush(e);
  }

  // A weight as it meets the values.
  float AsUsed(float weight) const {
    if (style_.fault != EvaluationFault::kBfloat16) return weight;
    const auto bits = std::bit_cast<uint32_t>(weight);
    return std::bit_cast<float>((bits + 0x7FFFU + (bits >> 16 & 1U)) & 0xFFFF0000U);
  }

  void Row(int64_t b, int64_t n, int64_t s, std::vector<float>& output) {
    std::vector<int64_t> keys;
    for (int64_t t = 0; t < g_.total; ++t) {
      if (visibility_.Sees(b, n, s, t)) keys.push_back(t);
    }
    if (style_.fault == EvaluationFault::kDroppedKey && keys.size() > 1) keys.pop_back();
    const bool nothing = keys.empty();
    if (nothing) {
      for (int64_t t = 0; t < g_.total; ++t) keys.push_back(t);
    }
    std::vector<float> scores;
    scores.reserve(keys.size());
    for (const int64_t t : keys) scores.push_back(nothing ? 0.0F : ScoreOf(b, n, s, t));
    std::vector<float> row =
        style_.online_block == 0 ? Whole(b, n, keys, scores) : Online(b, n, keys, scores);
    if (style_.fault == EvaluationFault::kLane) row[0] *= 1.001F;
    const int64_t at = case_.op == Op::kCore
                           ? ((b * g_.heads + n) * g_.sequence + s) * g_.value_head_size
                           : ((b * g_.sequence + s) * g_.heads + n) * g_.value_head_size;
    std::ranges::copy(row, output.begin() + at);
  }

  float ValueAt(int64_t b, int64_t n, int64_t t, int64_t column) const {
    const int64_t row = (b * g_.heads + n) * g_.total + t;
    return value_[static_cast<size_t>(row * g_.value_head_size + column)];
  }

  std::vector<float> Whole(int64_t b, int64_t n, const std::vector<int64_t>& keys,
                           const std::vector<float>& scores) {
    const float top = *std::ranges::max_element(scores);
    std::vector<float> weights;
    Terms ones;
    for (size_t i = 0; i < keys.size(); ++i) {
      weights.push_back(Exp(Add(scores[i], -top), keys[i]));
      ones.push_back({weights.back(), 1.0F});
    }
    const float sum = SumOfWeights(ones);
    if (style_.normalization == Normalization::kWeightsFirst) {
      for (float& w : weights) w = Divide(w, sum);
    }
    std::vector<float> row;
    for (int64_t column = 0; column < g_.value_head_size; ++column) {
      Terms terms;
      for (size_t i = 0; i < keys.size(); ++i) {
        terms.push_back({AsUsed(weights[i]), ValueAt(b, n, keys[i], column)});
      }
      row.push_back(Normalize(Dot(terms), sum));
    }
    return row;
  }

  std::vector<float> Online(int64_t b, int64_t n, const std::vector<int64_t>& keys,
                            const std::vector<float>& scores) {
    const auto width = static_cast<size_t>(g_.value_head_size);
    std::vector<float> row(width, 0.0F);
    float sum = 0.0F;
    float top = -std::numeric_limits<float>::infinity();
    size_t i = 0;
    while (i < keys.size()) {
      const int64_t block = keys[i] / style_.online_block;
      size_t end = i;
      float block_top = top;
      while (end < keys.size() && keys[end] / style_.online_block == block) {
        block_top = std::max(block_top, scores[end++]);
      }
      // Scores that have overflowed to -inf, all of them so far: -inf less -inf would be no number.
      const auto overflowed = [](float score) { return score == -kInfinity; };
      if (overflowed(block_top) &&
          std::all_of(scores.begin() + static_cast<std::ptrdiff_t>(i),
                      scores.begin() + static_cast<std::ptrdiff_t>(end), overflowed)) {
        i = end;
        continue;
      }
      const float rescale = overflowed(top) ? 0.0F : Exp(Add(top, -block_top), keys[i] + 7);
      top = block_top;
      Terms ones;
      std::vector<float> weights;
      for (size_t j = i; j < end; ++j) {
        weights.push_back(Exp(Add(scores[j], -top), keys[j]));
        ones.push_back({weights.back(), 1.0F});
      }
      sum = MultiplyAdd(sum, rescale, SumOfWeights(ones));
      for (size_t c = 0; c < width; ++c) {
        Terms terms;
        for (size_t j = i; j < end; ++j) {
          terms.push_back(
              {AsUsed(weights[j - i]), ValueAt(b, n, keys[j], static_cast<int64_t>(c))});
        }
        row[c] = MultiplyAdd(row[c], rescale, Dot(terms));
      }
      i = end;
    }
    for (float& x : row) x = NormalizeSum(x, sum);
    return row;
  }

  float Normalize(float x, float sum) const {
    return style_.normalization == Normalization::kWeightsFirst ? x : NormalizeSum(x, sum);
  }
  float NormalizeSum(float x, float sum) const {
    if (style_.normalization == Normalization::kReciprocal) return Multiply(x, Divide(1.0F, sum));
    return Divide(x, sum);
  }

  const Case& case_;
  EvaluationStyle style_;
  Geometry g_;
  Visibility visibility_;
  Rng rng_;
  mutable Rng rounding_rng_;
  bool in_sum_of_weights_ = false;
  bool deep_sum_ = false;
  float score_factor_ = 1.0F;
  float query_factor_ = 1.0F;
  float key_factor_ = 1.0F;
  float bias_factor_ = 1.0F;
  std::vector<float> query_;
  std::vector<float> key_;
  std::vector<float> value_;
  std::vector<float> tree_;
};

}  // namespace

EvaluationStyle EvaluationStyle::Random(Rng& rng) {
  EvaluationStyle style;
  style.order = static_cast<SumOrder>(rng.Below(5));
  style.fused = rng.OneIn(2);
  style.preload_bias = rng.OneIn(2);
  style.scale = static_cast<ScaleUse>(rng.Below(3));
  style.exponential = static_cast<Exponential>(rng.Below(4));
  style.normalization = static_cast<Normalization>(rng.Below(3));
  // The default profile covers blocks of 16 keys and more.
  style.online_block = rng.OneIn(2) ? 0 : rng.Between(16, 24);
  style.flush = rng.OneIn(2);
  style.seed = rng.Next();
  return style;
}

std::vector<float> Evaluate(const Case& c, const EvaluationStyle& style,
                            std::vector<float>* present) {
  return FloatAttention(c, style).Run(present);
}

}  // namespace maskproof
