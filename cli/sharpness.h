// How much the oracle's bound lets pass, beside the tolerances that others use (docs/sharpness.md).
#ifndef MASKPROOF_CLI_SHARPNESS_H_
#define MASKPROOF_CLI_SHARPNESS_H_

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace maskproof::cli {

// Ways to tell a right output from a wrong one.
inline constexpr std::array<const char*, 5> kYardsticks = {
    "bound", "bound, measured profile", "allclose 1e-3", "NMSE 5e-4", "norm-wise gamma"};

// One fault on one class of data: of `visible` cases in which it changed a bit of the output, how
// many each yardstick noticed. The fault "none" is a correct evaluation: what is noticed there is a
// false alarm.
struct SharpnessRow {
  std::string data;
  std::string fault;
  int64_t visible = 0;
  std::array<int64_t, kYardsticks.size()> noticed = {};
};

// Of the correct evaluations of a class: the largest error over its bound, and the median over the
// cases of each case's largest.
struct SharpnessRatio {
  std::string data;
  std::string profile;
  double largest = 0.0;
  double median = 0.0;
};

struct SharpnessResults {
  uint64_t seed = 0;
  int64_t cases = 0;  // of each class
  std::vector<SharpnessRow> rows;
  std::vector<SharpnessRatio> ratios;
};

// Core cases with T <= 200 and H <= 128, evaluated in an order drawn for each.
SharpnessResults MeasureSharpness(int64_t cases, uint64_t seed);

std::string SharpnessTable(const SharpnessResults& results, bool markdown);
std::string ToJson(const SharpnessResults& results);

}  // namespace maskproof::cli

#endif  // MASKPROOF_CLI_SHARPNESS_H_
