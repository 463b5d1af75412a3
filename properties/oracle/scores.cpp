#include "properties/oracle/scores.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>

#include "properties/oracle/scratch.h"

namespace maskproof::oracle {
namespace {

using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Map = Eigen::Map<Matrix>;
using ConstMap = Eigen::Map<const Matrix>;
using VectorMap = Eigen::Map<Eigen::VectorXd>;

constexpr double kSmallBesideSunk = kOverflowLimit / 16;

// Marks the rows without any error; false if there is none.
bool MarkExactRows(const ConstMap& error, std::vector<uint8_t>& exact) {
  exact.resize(static_cast<size_t>(error.rows()));
  bool any = false;
  for (int64_t r = 0; r < error.rows(); ++r) {
    const bool row_exact = (error.row(r).array() == 0.0).all();
    exact[static_cast<size_t>(r)] = row_exact ? 1 : 0;
    any = any || row_exact;
  }
  return any;
}

}  // namespace

void Scores::Begin(const Case& c, const Geometry& g, const Rounding& rounding,
                   const Operands& operands) {
  g_ = g;
  rounding_ = rounding;
  operands_ = &operands;
  const double given = static_cast<double>(c.attributes.scale.value_or(0.0F));
  scale_ = given != 0.0 ? given : 1.0 / std::sqrt(static_cast<double>(g.head_size));
  root_ = std::sqrt(std::abs(scale_));
  const auto& bias = c[TensorId::kAttentionBias];
  bias_given_ = bias.has_value();
  if (bias_given_) {
    bias_ = bias->as<float>();
    bias_batches_ = bias->dims[0];
    bias_heads_ = bias->dims[1];
  }
  CountRoundings(given == 0.0);
}

// oracle.md (13): the table of what an implementation may do about the scale.
void Scores::CountRoundings(bool default_scale) {
  const NumericsProfile& profile = rounding_.profile();
  const bool power_of_two = IsPowerOfTwo(scale_);
  const bool power_of_four = power_of_two && scale_ > 0.0 && IsPowerOfTwo(std::sqrt(scale_));
  const double of_scale = default_scale && !power_of_two ? 2.0 : 0.0;
  double roundings = 0.0;
  if (profile.product_first) {
    roundings = of_scale + (power_of_two ? 0.0 : 1.0);
  } else {
    // The root of the default scale takes up to five roundings to make, its two uses two more.
    if (!power_of_four) roundings = default_scale ? 7.0 : 4.0;
  }
  double of_bias = 1.0;
  if (!profile.natural_exp) {
    roundings += 3.0;
    of_bias += 3.0;
  }
  certifiable_ = profile.product_first || (profile.natural_exp && power_of_four);
  const double depth =
      rounding_.Depth(g_.head_size, g_.head_size) + rounding_.RoundingsOfSplitProduct();
  scale_gamma_ = rounding_.Gamma(roundings);
  bias_gamma_ = rounding_.Gamma(of_bias);
  dot_gamma_ = rounding_.Gamma(depth + roundings);
  preloaded_gamma_ = rounding_.Gamma(depth + roundings + of_bias);
}

void Scores::Load(int64_t batch, int64_t head) {
  batch_ = batch;
  head_ = head;
  const ConstMap query(operands_->query.ValueAt(batch, head, 0), g_.sequence, g_.head_size);
  const ConstMap key(operands_->key.ValueAt(batch, head, 0), g_.total, g_.head_size);
  const ConstMap query_error(operands_->query.ErrorAt(batch, head, 0), g_.sequence, g_.head_size);
  const ConstMap key_error(operands_->key.ErrorAt(batch, head, 0), g_.total, g_.head_size);
  const bool any_query_exact = MarkExactRows(query_error, query_exact_);
  const bool any_key_exact = MarkExactRows(key_error, key_exact_);
  const bool any_error = std::ranges::find(query_exact_, 0) != query_exact_.end() ||
                         std::ranges::find(key_exact_, 0) != key_exact_.end();

  const auto rows = static_cast<size_t>(g_.sequence);
  const auto keys = static_cast<size_t>(g_.total);
  const auto lanes = static_cast<size_t>(g_.head_size);
  Divide(memory_, {{&dot_, rows * keys},
                   {&magnitude_, rows * keys},
                   {&propagated_, rows * keys},
                   {&query_wide_, rows * lanes},
                   {&key_wide_, keys * lanes},
                   {&query_norm_, rows},
                   {&key_norm_, keys}});
  Map query_wide(query_wide_.data(), g_.sequence, g_.head_size);
  Map key_wide(key_wide_.data(), g_.total, g_.head_size);
  Map propagated(propagated_.data(), g_.sequence, g_.total);
  query_wide = query.cwiseAbs() + query_error;
  key_wide = key.cwiseAbs() + key_error;
  Map(dot_.data(), g_.sequence, g_.total).noalias() = query * key.transpose();
  Map(magnitude_.data(), g_.sequence, g_.total).noalias() = query_wide * key_wide.transpose();
  if (any_error) {
    propagated.noalias() = query_error * key_wide.transpose();
    propagated.noalias() += query.cwiseAbs() * key_error.transpose();
  } else {
    propagated.setZero();
  }
  VectorMap(query_norm_.data(), g_.sequence) = query_wide.rowwise().sum();
  VectorMap(key_norm_.data(), g_.total) = key_wide.rowwise().sum();
  if (bias_given_) {
    const int64_t slice =
        (bias_batches_ > 1 ? batch : 0) * bias_heads_ + (bias_heads_ > 1 ? head : 0);
    bias_slice_ = bias_.data() + slice * g_.sequence * g_.total;
  }
  query_bits_.clear();
  if (certifiable_ && any_query_exact && any_key_exact) LoadBits();
}

void Scores::LoadBits() {
  const auto size = [this](int64_t rows) { return static_cast<size_t>(rows * g_.head_size); };
  LowestBits({operands_->query.ValueAt(batch_, head_, 0), size(g_.sequence)}, query_bits_);
  LowestBits({operands_->key.ValueAt(batch_, head_, 0), size(g_.total)}, key_bits_);
}

bool Scores::ExactDot(int64_t query, int64_t key) const {
  if (query_bits_.empty() || query_exact_[static_cast<size_t>(query)] == 0 ||
      key_exact_[static_cast<size_t>(key)] == 0) {
    return false;
  }
  const int32_t bit =
      LowestProductBit(query_bits_.data() + query * g_.head_size,
                       key_bits_.data() + key * g_.head_size, g_.head_size, LowestBit(0.0));
  return SumIsExact(rounding_.RoomOfSplitProduct() * magnitude_[Cell(query, key)], bit,
                    rounding_.SmallestKept());
}

double Scores::Bias(int64_t query, int64_t key) const {
  return bias_given_ ? static_cast<double>(bias_slice_[query * g_.total + key]) : 0.0;
}

Score Scores::At(int64_t query, int64_t key) const {
  Score score;
  score.condition = std::max(operands_->query.condition(batch_, head_, query),
                             operands_->key.condition(batch_, head_, key));
  const double bias = Bias(query, key);
  if (!std::isfinite(bias)) score.condition = Condition::kNonFinite;
  if (score.condition != Condition::kGood) return score;

  const size_t cell = Cell(query, key);
  const bool product_first = rounding_.profile().product_first;
  const double scale = std::abs(scale_);
  const double scaled = scale_ * dot_[cell];
  const double magnitude = scale * magnitude_[cell];
  const double norms =
      query_norm_[static_cast<size_t>(query)] + key_norm_[static_cast<size_t>(key)];
  const double largest =
      std::max({magnitude_[cell], magnitude, product_first ? 0.0 : scale * norms});
  const bool large_bias = magnitude + std::abs(bias) > kOverflowLimit;
  score.sinks = large_bias && bias < 0.0 && largest <= kSmallBesideSunk;
  if (largest > kOverflowLimit || (large_bias && !score.sinks)) {
    score.condition = Condition::kOverflow;
    return score;
  }
  score.value = scaled + bias;

  // oracle.md (12) and (13).
  const bool exact_dot = ExactDot(query, key);
  if (exact_dot && (product_first || bias == 0.0)) {
    score.error = scale_gamma_ * std::abs(scaled);
  } else {
    const double preloaded = product_first || bias == 0.0 ? 0.0 : std::abs(bias);
    const double gamma = preloaded > 0.0 ? preloaded_gamma_ : dot_gamma_;
    score.error = scale * propagated_[cell] + gamma * (magnitude + preloaded);
  }
  if (product_first && bias != 0.0) {
    score.error += bias_gamma_ * (std::abs(scaled) + std::abs(bias) + score.error);
  }
  // Underflow of products, of the scaled operands and of the scale itself.
  const auto lanes = static_cast<double>(g_.head_size);
  score.error += 2.02 * rounding_.Underflow() *
                 (lanes * (rounding_.ProductsOfProduct() + scale) + 4.0 +
                  (product_first ? 0.0 : (1.0 + root_) * norms));
  if (rounding_.FlushedOperand(scale_) > 0.0) score.error += magnitude;
  return score;
}

}  // namespace maskproof::oracle
