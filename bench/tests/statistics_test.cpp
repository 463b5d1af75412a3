#include "bench/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace maskproof::bench {
namespace {

TEST(Quantile, LiesBetweenNeighbours) {
  const std::vector<double> values = {1.0, 2.0, 4.0, 8.0};
  EXPECT_EQ(Quantile(values, 0.0), 1.0);
  EXPECT_EQ(Quantile(values, 0.5), 3.0);
  EXPECT_EQ(Quantile(values, 0.75), 5.0);
  EXPECT_EQ(Quantile(values, 1.0), 8.0);
}

TEST(Quantile, OfOneOrNoValue) {
  EXPECT_EQ(Quantile(std::vector<double>{7.0}, 0.25), 7.0);
  EXPECT_EQ(Quantile({}, 0.25), 0.0);
}

TEST(Summarise, SortsFirst) {
  const Summary summary = Summarise(std::vector<double>{5.0, 1.0, 4.0, 2.0, 3.0});
  EXPECT_EQ(summary.least, 1.0);
  EXPECT_EQ(summary.lower_quartile, 2.0);
  EXPECT_EQ(summary.median, 3.0);
  EXPECT_EQ(summary.upper_quartile, 4.0);
  EXPECT_EQ(summary.most, 5.0);
}

TEST(Summarise, OneWildValueMovesNoQuartile) {
  const Summary calm = Summarise(std::vector<double>{1.0, 2.0, 3.0, 4.0, 5.0});
  const Summary wild = Summarise(std::vector<double>{1.0, 2.0, 3.0, 4.0, 5000.0});
  EXPECT_EQ(calm.median, wild.median);
  EXPECT_EQ(calm.upper_quartile, wild.upper_quartile);
}

TEST(BootstrapMedian, EnclosesTheMedianAndRepeats) {
  std::vector<double> values;
  for (int i = 0; i < 41; ++i) values.push_back(static_cast<double>((i * 17) % 41));
  const Interval interval = BootstrapMedian(values);
  EXPECT_LT(interval.low, 20.0);
  EXPECT_GT(interval.high, 20.0);
  // About 20 +- 2 * 0.5 * 41 / sqrt(41): far inside of the values' own range.
  EXPECT_GT(interval.low, 5.0);
  EXPECT_LT(interval.high, 35.0);
  const Interval again = BootstrapMedian(values);
  EXPECT_EQ(interval.low, again.low);
  EXPECT_EQ(interval.high, again.high);
}

TEST(BootstrapMedian, OfEqualValuesIsThatValue) {
  const Interval interval = BootstrapMedian(std::vector<double>(9, 1.5));
  EXPECT_EQ(interval.low, 1.5);
  EXPECT_EQ(interval.high, 1.5);
}

TEST(GeometricMean, OfFactors) {
  EXPECT_DOUBLE_EQ(GeometricMean(std::vector<double>{0.5, 2.0}), 1.0);
  EXPECT_DOUBLE_EQ(GeometricMean(std::vector<double>{1.0, 8.0}), std::sqrt(8.0));
  EXPECT_EQ(GeometricMean({}), 0.0);
}

}  // namespace
}  // namespace maskproof::bench
