#include "properties/oracle/dialect_rows.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "properties/case/floats.h"
#include "properties/case/visibility.h"
#include "properties/oracle/dialect.h"
#include "properties/oracle/operands.h"
#include "properties/oracle/rounding.h"
#include "properties/oracle/scores.h"
#include "properties/oracle/softmax_row.h"

namespace maskproof::oracle {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr float kLowest = std::numeric_limits<float>::lowest();
constexpr float kDefaultFill = -10000.0F;
// A score of magnitude m is lost in a sum with f if m <= |f| 2^-26: less than half of f's last
// place, whatever the order in which the parts of the score are added (docs/dialects.md (2)).
constexpr double kAbsorbed = 0x1p-26;
// Keys whose weight is below e^-200 have the score that gives them that (docs/dialects.md (3)).
constexpr double kFurthest = 200.0;

float FillOf(const Case& c, const Dialect& dialect) {
  return dialect.fill_is_attribute ? c.attributes.mask_filter_value.value_or(kDefaultFill)
                                   : kDefaultFill;
}

// The case without one of the things that mask keys.
Case Unmasked(const Case& c, bool keep_mask_index) {
  Case bare = c;
  bare.attributes.unidirectional = 0;
  bare[keep_mask_index ? TensorId::kAttentionBias : TensorId::kMaskIndex].reset();
  return bare;
}

// Which of the three masks excludes a key.
class Masks {
 public:
  explicit Masks(const Case& c)
      : past_(GeometryOf(c).past),
        causal_(c.attributes.unidirectional == 1),
        all_(c),
        padding_(Unmasked(c, true)),
        bias_(Unmasked(c, false)) {}

  bool Sees(int64_t b, int64_t n, int64_t s, int64_t t) const { return all_.Sees(b, n, s, t); }
  bool SeesNothing(int64_t b, int64_t n, int64_t s) const { return all_.FullyMasked(b, n, s); }
  bool Padded(int64_t b, int64_t s, int64_t t) const { return !padding_.Sees(b, 0, s, t); }
  bool Future(int64_t s, int64_t t) const { return causal_ && t > past_ + s; }
  bool Hidden(int64_t b, int64_t n, int64_t s, int64_t t) const { return !bias_.Sees(b, n, s, t); }

 private:
  int64_t past_;
  bool causal_;
  Visibility all_;
  Visibility padding_;
  Visibility bias_;  // -inf in attention_bias
};

double Largest(const Operand& operand) {
  double largest = 0.0;
  for (size_t i = 0; i < operand.value.size(); ++i) {
    // A row that is not finite is not judged.
    if (std::isfinite(operand.value[i])) {
      largest = std::max(largest, std::abs(operand.value[i]) + operand.error[i]);
    }
  }
  return largest;
}

// attention_bias of every head, with -inf taken out and the fill on padded keys, so that the oracle
// allows for it as it does for any bias.
class FilledBias {
 public:
  FilledBias(const Case& c, const Geometry& g, const Masks& masks, float fill)
      : heads_(g.heads), queries_(g.sequence), keys_(g.total) {
    const auto& given = c[TensorId::kAttentionBias];
    Tensor bias(ElementType::kFloat32, {g.batch, g.heads, g.sequence, g.total});
    const std::span<float> filled = bias.as<float>();
    given_.resize(filled.size());
    size_t i = 0;
    for (int64_t b = 0; b < g.batch; ++b) {
      for (int64_t n = 0; n < g.heads; ++n) {
        for (int64_t s = 0; s < g.sequence; ++s) {
          for (int64_t t = 0; t < g.total; ++t, ++i) {
            if (masks.Hidden(b, n, s, t)) continue;
            if (given) given_[i] = Given(*given, b, n, s, t);
            const bool adds = masks.Padded(b, s, t) && !masks.Future(s, t);
            filled[i] = adds ? given_[i] + fill : given_[i];
            if (std::isfinite(given_[i])) {
              largest_ = std::max(largest_, std::abs(static_cast<double>(given_[i])));
            }
          }
        }
      }
    }
    tensor_ = std::move(bias);
  }

  const Tensor& tensor() const { return tensor_; }
  // Of what was given.
  double At(int64_t b, int64_t n, int64_t s, int64_t t) const {
    return given_[static_cast<size_t>(((b * heads_ + n) * queries_ + s) * keys_ + t)];
  }
  double largest() const { return largest_; }

 private:
  float Given(const Tensor& bias, int64_t b, int64_t n, int64_t s, int64_t t) const {
    const int64_t slice = (bias.dims[0] > 1 ? b : 0) * bias.dims[1] + (bias.dims[1] > 1 ? n : 0);
    return bias.as<float>()[static_cast<size_t>((slice * queries_ + s) * keys_ + t)];
  }

  int64_t heads_;
  int64_t queries_;
  int64_t keys_;
  std::vector<float> given_;
  double largest_ = 0.0;
  Tensor tensor_;
};

class Speaker {
 public:
  Speaker(const Case& c, const OracleOptions& options, const Dialect& dialect, Reference& reference)
      : case_(c),
        dialect_(dialect),
        result_(reference),
        rounding_(options.profile),
        g_(GeometryOf(c)),
        masks_(c),
        fill_(FillOf(c, dialect)) {
    FillOperands(c, g_, rounding_, operands_);
    row_.Begin(rounding_, g_.total, g_.value_head_size);
    SetUpFill();
  }

  void Run() {
    for (int64_t b = 0; b < g_.batch; ++b) {
      for (int64_t n = 0; n < g_.heads; ++n) {
        scores_.Load(b, n);
        for (int64_t s = 0; s < g_.sequence; ++s) {
          if (AnyMasked(b, n, s)) State(b, n, s) = Row(b, n, s);
        }
      }
    }
  }

 private:
  struct Logit {
    int64_t key = 0;
    double value = 0.0;
    double error = 0.0;
  };

  void SetUpFill() {
    // The scale is at most 1 where it is the default.
    const double given = static_cast<double>(case_.attributes.scale.value_or(0.0F));
    const double scale = given != 0.0 ? std::abs(given) : 1.0;
    const FilledBias plain(case_, g_, masks_, 0.0F);
    const double largest = std::max(1.0, scale) * static_cast<double>(g_.head_size) *
                               std::max(1.0, Largest(operands_.query)) *
                               std::max(1.0, Largest(operands_.key)) +
                           plain.largest();
    const double fill = std::abs(static_cast<double>(fill_));
    absorbs_ = largest <= fill * kAbsorbed;
    lowest_absorbs_ = largest <= static_cast<double>(std::numeric_limits<float>::max()) * kAbsorbed;
    const bool added = std::isfinite(fill_) && !absorbs_;
    bias_.emplace(added ? FilledBias(case_, g_, masks_, fill_) : plain);
    filled_ = case_;
    filled_[TensorId::kAttentionBias] = bias_->tensor();
    scores_.Begin(filled_, g_, rounding_, operands_);
  }

  bool AnyMasked(int64_t b, int64_t n, int64_t s) const {
    for (int64_t t = 0; t < g_.total; ++t) {
      if (!masks_.Sees(b, n, s, t)) return true;
    }
    return false;
  }

  RowState& State(int64_t b, int64_t n, int64_t s) {
    return result_.rows[static_cast<size_t>((b * g_.heads + n) * g_.sequence + s)];
  }

  // The logit of a masked or kept key; nothing if it is -inf.
  std::optional<Logit> LogitOf(int64_t b, int64_t n, int64_t s, int64_t t, const Score& score,
                               bool& absorbed) const {
    if (masks_.Hidden(b, n, s, t)) return std::nullopt;
    const bool padded = masks_.Padded(b, s, t);
    if (masks_.Future(s, t)) return FutureLogit(b, n, s, t, padded, absorbed);
    const double bias = bias_->At(b, n, s, t);
    if (padded && (absorbs_ || std::isinf(fill_))) {
      if (std::isinf(fill_)) return std::nullopt;
      return Logit{.key = t, .value = static_cast<double>(fill_), .error = 0.0};
    }
    // docs/dialects.md (1): score, bias and fill may be added in any order.
    const double fill = padded ? static_cast<double>(fill_) : 0.0;
    const double rounding =
        padded ? rounding_.Gamma(2.0) *
                     (std::abs(score.value) + std::abs(bias) + std::abs(fill) + score.error)
               : 0.0;
    return Logit{.key = t, .value = score.value, .error = score.error + rounding};
  }

  std::optional<Logit> FutureLogit(int64_t b, int64_t n, int64_t s, int64_t t, bool padded,
                                   bool& absorbed) const {
    if (dialect_.future == Dialect::Future::kLowest) {
      absorbed = absorbed && lowest_absorbs_;
      return Logit{.key = t, .value = static_cast<double>(kLowest), .error = 0.0};
    }
    const float fill = padded ? fill_ + fill_ : fill_;
    if (std::isinf(fill)) return std::nullopt;
    const double bias = bias_->At(b, n, s, t);
    return Logit{.key = t,
                 .value = static_cast<double>(fill) + bias,
                 .error = bias == 0.0 ? 0.0
                                      : rounding_.Gamma(2.0) *
                                            (std::abs(static_cast<double>(fill)) + std::abs(bias))};
  }

  RowState Row(int64_t b, int64_t n, int64_t s) {
    logits_.clear();
    Condition condition = Condition::kGood;
    bool absorbed = true;
    for (int64_t t = 0; t < g_.total; ++t) {
      // Masked keys are computed and multiplied in, with weight 0: what they hold matters.
      const Score score = scores_.At(s, t);
      condition = std::max({condition, score.condition, operands_.value.condition(b, n, t)});
      if (score.sinks) condition = std::max(condition, Condition::kOverflow);
      if (condition != Condition::kGood) continue;
      const std::optional<Logit> logit = LogitOf(b, n, s, t, score, absorbed);
      if (logit) logits_.push_back(*logit);
    }
    if (condition != Condition::kGood) return Unjudged(b, n, s, condition);
    if (!absorbed) return Unjudged(b, n, s, Condition::kOverflow);
    const bool blind = masks_.SeesNothing(b, n, s);
    if (logits_.empty()) {
      for (int64_t c = 0; c < g_.value_head_size; ++c) Set(b, n, s, c, kNaN, 0.0);
      return RowState::kFullyMasked;
    }
    FillRow();
    const ValueRows values{.value = operands_.value.ValueAt(b, n, 0),
                           .error = operands_.value.ErrorAt(b, n, 0),
                           .columns = g_.value_head_size};
    if (!row_.Evaluate(values)) return Unjudged(b, n, s, Condition::kOverflow);
    for (int64_t c = 0; c < g_.value_head_size; ++c) {
      const auto column = static_cast<size_t>(c);
      Set(b, n, s, c, row_.output()[column], row_.bound()[column], row_.largest()[column]);
    }
    SetWeights(b, n, s);
    return blind ? RowState::kFullyMasked : RowState::kBounded;
  }

  void FillRow() {
    double floor = -kInfinity;
    for (const Logit& logit : logits_) floor = std::max(floor, logit.value - logit.error);
    floor -= kFurthest;
    row_.Clear();
    for (const Logit& logit : logits_) {
      const bool far = logit.value + logit.error < floor;
      row_.Add(logit.key, far ? floor : logit.value, far ? 0.0 : logit.error);
    }
  }

  RowState Unjudged(int64_t b, int64_t n, int64_t s, Condition condition) {
    for (int64_t c = 0; c < g_.value_head_size; ++c) Set(b, n, s, c, kNaN, kInfinity);
    return condition == Condition::kNonFinite ? RowState::kNonFinite : RowState::kOverflow;
  }

  void Set(int64_t b, int64_t n, int64_t s, int64_t column, double value, double bound,
           double largest = 0.0) {
    const auto index = static_cast<size_t>(OutputIndex(case_.op, g_, b, n, s, column));
    result_.output[index] = value;
    result_.bound[index] = bound;
    result_.largest[index] = largest;
  }

  void SetWeights(int64_t b, int64_t n, int64_t s) {
    if (result_.weights.empty()) return;
    const int64_t base = ((b * g_.heads + n) * g_.sequence + s) * g_.total;
    for (int64_t t = 0; t < g_.total; ++t) result_.weights[static_cast<size_t>(base + t)] = 0.0;
    for (size_t i = 0; i < row_.size(); ++i) {
      result_.weights[static_cast<size_t>(base + row_.key(i))] = row_.weight(i);
    }
  }

  const Case& case_;
  const Dialect& dialect_;
  Reference& result_;
  Rounding rounding_;
  Geometry g_;
  Masks masks_;
  float fill_;
  bool absorbs_ = false;         // scores vanish beside the fill
  bool lowest_absorbs_ = false;  // and beside the lowest float
  Operands operands_;
  std::optional<FilledBias> bias_;
  Case filled_;  // scores_ looks at its bias
  Scores scores_;
  SoftmaxRow row_;
  std::vector<Logit> logits_;
};

// Dialects that exclude masked keys differ from the ideal in rows without keys only.
void SetEmptyRows(const Case& c, Dialect::EmptyRow policy, Reference& reference) {
  if (policy == Dialect::EmptyRow::kAsPromised) return;
  const Geometry& g = reference.geometry;
  const Visibility visibility(c);
  const double value = policy == Dialect::EmptyRow::kZero ? 0.0 : kNaN;
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t n = 0; n < g.heads; ++n) {
      for (int64_t s = 0; s < g.sequence; ++s) {
        if (!visibility.FullyMasked(b, n, s)) continue;
        reference.rows[static_cast<size_t>((b * g.heads + n) * g.sequence + s)] =
            RowState::kFullyMasked;
        for (int64_t column = 0; column < g.value_head_size; ++column) {
          const auto index = static_cast<size_t>(OutputIndex(c.op, g, b, n, s, column));
          reference.output[index] = value;
          reference.bound[index] = 0.0;
        }
      }
    }
  }
}

}  // namespace

void SpeakDialect(const Case& c, const OracleOptions& options, Reference& reference) {
  const Dialect& dialect = DialectOf(options.dialect);
  if (dialect.id == DialectId::kIdeal) return;
  reference.budget.clear();  // of other bounds
  if (reference.rows.empty()) return;
  if (dialect.padded == Dialect::Padded::kExcluded) {
    SetEmptyRows(c, dialect.empty_row, reference);
  } else {
    Speaker(c, options, dialect, reference).Run();
  }
}

}  // namespace maskproof::oracle
