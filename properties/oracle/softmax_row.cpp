#include "properties/oracle/softmax_row.h"

#include <algorithm>
#include <cmath>

#include "properties/oracle/scratch.h"

namespace maskproof::oracle {
namespace {

// Beyond this deviation of the weights the linear form is given up for the interval (oracle.md
// (19)).
constexpr double kLinearLimit = 0.1;
// Keys whose weight cannot reach this are left out of the interval and added linearly.
constexpr double kNegligible = 0x1p-64;
// Weights that differ by more than e^600 cannot share one scale in a double: the hull is taken.
constexpr double kCommonScale = 600.0;
// The reference's own error and the rounding of the bound itself (oracle.md (25)).
constexpr double kReferenceExponent = 0x1p-48;
constexpr double kSlack = 1.0 + 0x1p-20;
constexpr double kReferenceUnit = 0x1p-51;

// Upper bound on e^x - 1, and close to it, for 0 <= x <= 0.5.
double SmallGrowth(double x) { return x * (1.0 + x); }

}  // namespace

void SoftmaxRow::Begin(const Rounding& rounding, int64_t total, int64_t columns) {
  rounding_ = rounding;
  total_ = total;
  width_ = static_cast<size_t>(columns);
  const int64_t block = rounding.profile().online_block;
  const int64_t rescalings = block > 0 && total > 0 ? (total - 1) / block : 0;
  rescalings_ = static_cast<double>(rescalings);
  const auto keys = static_cast<size_t>(total);
  keys_.reserve(keys);
  scores_.reserve(keys);
  errors_.reserve(keys);
}

void SoftmaxRow::Clear() {
  keys_.clear();
  scores_.clear();
  errors_.clear();
}

void SoftmaxRow::Add(int64_t key, double score, double score_error) {
  keys_.push_back(key);
  scores_.push_back(score);
  errors_.push_back(score_error);
}

// oracle.md (15): how far the computed row maximum may be from the true one.
double SoftmaxRow::ShiftError() const {
  const auto top = static_cast<size_t>(std::ranges::max_element(scores_) - scores_.begin());
  double shift = errors_[top];
  for (size_t i = 0; i < scores_.size(); ++i) {
    shift = std::max(shift, scores_[i] + errors_[i] - scores_[top]);
  }
  return shift;
}

SoftmaxRow::Spread SoftmaxRow::Weigh() {
  const size_t n = scores_.size();
  Divide(key_memory_, {{&distances_, n}, {&lambdas_, n}, {&weights_, n}, {&deviations_, n}});
  const NumericsProfile& profile = rounding_.profile();
  const double top = *std::ranges::max_element(scores_);
  const double shift = ShiftError();
  const double difference_gamma = rounding_.Gamma(profile.natural_exp ? 1.0 : 3.0);
  exp_error_ = 2.02 * profile.exp_ulp * kUnit * (1.0 + rescalings_);
  double sum = 0.0;
  for (size_t i = 0; i < n; ++i) {
    const double distance = scores_[i] - top;
    distances_[i] = distance;
    // oracle.md (16)
    lambdas_[i] = errors_[i] + difference_gamma * (errors_[i] - distance + shift) + exp_error_ +
                  kSmallestNormal + kReferenceExponent;
    weights_[i] = std::exp(distance);
    sum += weights_[i];
  }
  Spread spread;
  double lost = 0.0;
  for (size_t i = 0; i < n; ++i) {
    const double lambda = lambdas_[i];
    weights_[i] /= sum;
    if (lambda <= 0.5) {
      deviations_[i] = weights_[i] * SmallGrowth(lambda);
      lost += weights_[i] * lambda;
    } else {
      deviations_[i] = std::exp(distances_[i] + lambda) / sum;
      lost += weights_[i] * -std::expm1(-lambda);
    }
    spread.linear += deviations_[i];
  }
  spread.remaining = 1.0 - lost;
  return spread;
}

// Output and what does not depend on how the weights may deviate. False on possible overflow.
bool SoftmaxRow::Gather(const ValueRows& rows) {
  const size_t width = width_;
  const std::span<double> all = Divide(column_memory_, {{&output_, width},
                                                        {&bound_, width},
                                                        {&underflow_, width},
                                                        {&mixing_, width},
                                                        {&magnitude_, width},
                                                        {&inherited_, width},
                                                        {&largest_, width},
                                                        {&total_magnitude_, width}});
  std::ranges::fill(all, 0.0);
  for (size_t i = 0; i < keys_.size(); ++i) {
    const double* value = rows.value + keys_[i] * rows.columns;
    const double* error = rows.error + keys_[i] * rows.columns;
    for (size_t c = 0; c < width; ++c) {
      const double magnitude = std::abs(value[c]) + error[c];
      output_[c] += weights_[i] * value[c];
      largest_[c] = std::max(largest_[c], magnitude);
      total_magnitude_[c] += magnitude;
    }
  }
  return std::ranges::all_of(total_magnitude_, [](double x) { return x <= kOverflowLimit; });
}

// oracle.md (18): errors of the weights act on value - output.
void SoftmaxRow::MixLinearly(const ValueRows& rows, double remaining) {
  const size_t width = width_;
  for (size_t i = 0; i < keys_.size(); ++i) {
    const double* value = rows.value + keys_[i] * rows.columns;
    const double* error = rows.error + keys_[i] * rows.columns;
    const double deviation = deviations_[i] / remaining;
    const double weight = (weights_[i] + deviations_[i]) / remaining;
    for (size_t c = 0; c < width; ++c) {
      mixing_[c] += deviation * std::abs(value[c] - output_[c]);
      magnitude_[c] += weight * (std::abs(value[c]) + error[c]);
      inherited_[c] += weight * error[c];
    }
  }
}

// oracle.md (20): every weight anywhere between its extremes.
void SoftmaxRow::MixByInterval(const ValueRows& rows) {
  WeighExtremes();
  const size_t width = width_;
  for (size_t c = 0; c < width; ++c) {
    double largest_error = 0.0;
    for (size_t i = 0; i < keys_.size(); ++i) {
      const int64_t cell = keys_[i] * rows.columns + static_cast<int64_t>(c);
      const double error = rows.error[cell];
      largest_error = std::max(largest_error, error);
      magnitude_[c] += deviations_[i] * (std::abs(rows.value[cell]) + error);
      inherited_[c] += deviations_[i] * error;
    }
    inherited_[c] = std::min(inherited_[c], largest_error);
    mixing_[c] = HalfInterval(rows, c);
  }
}

void SoftmaxRow::WeighExtremes() {
  const size_t n = keys_.size();
  double floor = -std::numeric_limits<double>::infinity();
  double ceiling = floor;
  for (size_t i = 0; i < n; ++i) {
    floor = std::max(floor, distances_[i] - lambdas_[i]);
    ceiling = std::max(ceiling, distances_[i] + lambdas_[i]);
  }
  // Written so that an infinite floor or ceiling takes the hull.
  hull_ = !(ceiling - floor <= kCommonScale);
  high_.assign(n, 0.0);
  low_.assign(n, 0.0);
  order_.clear();
  for (size_t i = 0; i < n; ++i) {
    // The sum of all weights is at least e^floor.
    deviations_[i] = std::min(1.0, std::exp(distances_[i] + lambdas_[i] - floor));
    if (deviations_[i] < kNegligible) continue;
    order_.push_back(i);
    if (hull_) continue;
    high_[i] = std::exp(distances_[i] + lambdas_[i] - floor);
    low_[i] = std::exp(distances_[i] - lambdas_[i] - floor);
  }
}

// Largest distance from the output that weights between low_ and high_ can bring about. The
// extremes of a quotient of two linear forms over a box lie at a threshold in the values.
double SoftmaxRow::HalfInterval(const ValueRows& rows, size_t column) {
  const auto offset = [&](size_t i) {
    return rows.value[keys_[i] * rows.columns + static_cast<int64_t>(column)] - output_[column];
  };
  double negligible = 0.0;
  for (size_t i = 0; i < keys_.size(); ++i) {
    if (deviations_[i] < kNegligible) negligible += deviations_[i] * std::abs(offset(i));
  }
  std::ranges::sort(order_, [&](size_t a, size_t b) { return offset(a) < offset(b); });
  if (hull_) {
    return std::max(std::abs(offset(order_.front())), std::abs(offset(order_.back()))) + negligible;
  }
  double furthest = 0.0;
  for (const bool upwards : {false, true}) {
    double numerator = 0.0;
    double denominator = 0.0;
    for (const size_t i : order_) {
      numerator += low_[i] * offset(i);
      denominator += low_[i];
    }
    for (size_t k = 0; k < order_.size(); ++k) {
      const size_t i = upwards ? order_[order_.size() - 1 - k] : order_[k];
      numerator += (high_[i] - low_[i]) * offset(i);
      denominator += high_[i] - low_[i];
      furthest = std::max(furthest, (upwards ? numerator : -numerator) / denominator);
    }
  }
  return furthest + negligible;
}

// oracle.md (21) to (25)
void SoftmaxRow::BoundColumns() {
  const auto n = static_cast<double>(keys_.size());
  const double depth = rounding_.Depth(static_cast<int64_t>(keys_.size()), total_);
  const double numerator =
      rounding_.Gamma(depth + rescalings_ + 2.0 + rounding_.RoundingsOfSplitProduct());
  const double denominator = rounding_.Gamma(depth + rescalings_ + 1.0);
  for (size_t c = 0; c < width_; ++c) {
    bound_[c] = 0.0;
    underflow_[c] = 0.0;
    // Only zeros: every product and every sum is zero.
    if (largest_[c] == 0.0) continue;
    const double magnitude = std::min(magnitude_[c], largest_[c]);
    const double mixed = mixing_[c] + inherited_[c] + numerator * magnitude;
    const double rounded = mixed + denominator * (std::abs(output_[c]) + mixed);
    const double underflow = 1.01 * rounding_.Underflow() *
                                 ((1.0 + rounding_.ProductsOfProduct()) * n + rescalings_ + 4.0) +
                             kExpFlush * n * (rescalings_ + 2.0) * 2.0 * largest_[c];
    underflow_[c] = underflow;
    bound_[c] = rounded * kSlack + underflow + n * kReferenceUnit * magnitude;
  }
}

// Deviations are in proportion to lambda while they are small; where they are not, the proportion
// is a choice.
double SoftmaxRow::ShareOfExp() const {
  double of_exp = 0.0;
  double of_all = 0.0;
  for (size_t i = 0; i < keys_.size(); ++i) {
    of_exp += deviations_[i] * std::min(1.0, exp_error_ / lambdas_[i]);
    of_all += deviations_[i];
  }
  return of_all > 0.0 ? of_exp / of_all : 0.0;
}

ErrorBudget SoftmaxRow::Budget(size_t column) const {
  if (bound_[column] == 0.0) return {};
  const double of_exp = mixing_[column] * ShareOfExp();
  ErrorBudget budget{.values = inherited_[column],
                     .scores = mixing_[column] - of_exp,
                     .exp = of_exp,
                     .sums = 0.0,
                     .underflow = underflow_[column]};
  if (std::isfinite(bound_[column])) budget.sums = bound_[column] - budget.total();
  return budget;
}

bool SoftmaxRow::Evaluate(const ValueRows& rows) {
  const Spread spread = Weigh();
  if (!Gather(rows)) return false;
  if (spread.linear <= kLinearLimit) {
    MixLinearly(rows, spread.remaining);
  } else {
    MixByInterval(rows);
  }
  BoundColumns();
  return true;
}

}  // namespace maskproof::oracle
