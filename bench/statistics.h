// What a list of measured numbers says.
#ifndef MASKPROOF_BENCH_STATISTICS_H_
#define MASKPROOF_BENCH_STATISTICS_H_

#include <span>

namespace maskproof::bench {

// The q-th quantile (0 <= q <= 1) of ascending values, linear between neighbours. 0 without values.
double Quantile(std::span<const double> ascending, double q);

struct Summary {
  double least = 0.0;
  double lower_quartile = 0.0;
  double median = 0.0;
  double upper_quartile = 0.0;
  double most = 0.0;
};
Summary Summarise(std::span<const double> values);

struct Interval {
  double low = 0.0;
  double high = 0.0;
};
// A 95% percentile-bootstrap interval of the median. The same values always give the same interval.
Interval BootstrapMedian(std::span<const double> values);

// Of positive values; 0 without values.
double GeometricMean(std::span<const double> values);

}  // namespace maskproof::bench

#endif  // MASKPROOF_BENCH_STATISTICS_H_
