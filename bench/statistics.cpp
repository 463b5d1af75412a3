#include "bench/statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "properties/base/rng.h"

namespace maskproof::bench {
namespace {

constexpr int kResamples = 1000;
constexpr uint64_t kBootstrapSeed = 20;

std::vector<double> Ascending(std::span<const double> values) {
  std::vector<double> sorted(values.begin(), values.end());
  std::ranges::sort(sorted);
  return sorted;
}

}  // namespace

double Quantile(std::span<const double> ascending, double q) {
  if (ascending.empty()) return 0.0;
  const double position = q * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, ascending.size() - 1);
  const double share = position - static_cast<double>(below);
  return ascending[below] + (share * (ascending[above] - ascending[below]));
}

Summary Summarise(std::span<const double> values) {
  const std::vector<double> sorted = Ascending(values);
  return {.least = Quantile(sorted, 0.0),
          .lower_quartile = Quantile(sorted, 0.25),
          .median = Quantile(sorted, 0.5),
          .upper_quartile = Quantile(sorted, 0.75),
          .most = Quantile(sorted, 1.0)};
}

Interval BootstrapMedian(std::span<const double> values) {
  if (values.empty()) return {};
  Rng rng(kBootstrapSeed);
  std::vector<double> medians(kResamples);
  std::vector<double> sample(values.size());
  for (double& median : medians) {
    for (double& drawn : sample) drawn = values[rng.Below(values.size())];
    std::ranges::sort(sample);
    median = Quantile(sample, 0.5);
  }
  std::ranges::sort(medians);
  return {.low = Quantile(medians, 0.025), .high = Quantile(medians, 0.975)};
}

double GeometricMean(std::span<const double> values) {
  if (values.empty()) return 0.0;
  double sum = 0.0;
  for (const double value : values) sum += std::log(value);
  return std::exp(sum / static_cast<double>(values.size()));
}

}  // namespace maskproof::bench
