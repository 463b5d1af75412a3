// The measurement of sharpness: no false alarm, and what the oracle is expected to notice.
#include "cli/sharpness.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

namespace maskproof::cli {
namespace {

constexpr size_t kBound = 0;
constexpr size_t kDeclared = 1;

class Sharpness : public testing::Test {
 protected:
  static void SetUpTestSuite() { results_ = MeasureSharpness(200, 7); }

  static double Share(const std::string& data, const std::string& fault, size_t yardstick) {
    const auto row = std::ranges::find_if(results_.rows, [&](const SharpnessRow& candidate) {
      return candidate.data == data && candidate.fault == fault;
    });
    EXPECT_NE(row, results_.rows.end()) << data << ", " << fault;
    EXPECT_GT(row->visible, 0);
    return static_cast<double>(row->noticed[yardstick]) / static_cast<double>(row->visible);
  }

  static inline SharpnessResults results_;
};

TEST_F(Sharpness, CorrectEvaluationsRaiseNoAlarm) {
  int classes = 0;
  for (const SharpnessRow& row : results_.rows) {
    if (row.fault != "none") continue;
    ++classes;
    EXPECT_EQ(row.visible, results_.cases);
    EXPECT_EQ(row.noticed[kBound], 0) << row.data;
    EXPECT_EQ(row.noticed[kDeclared], 0) << row.data;
  }
  EXPECT_EQ(classes, 6);
  for (const SharpnessRatio& ratio : results_.ratios) {
    EXPECT_GT(ratio.largest, 0.0) << ratio.data;
    EXPECT_LT(ratio.largest, 1.0) << ratio.data;
    EXPECT_LE(ratio.median, ratio.largest) << ratio.data;
  }
}

// With room for the 200 cases: docs/sharpness.md has the measured shares.
TEST_F(Sharpness, SmallFaultsAreNoticed) {
  for (const char* data : {"no mask", "random mask", "causal"}) {
    EXPECT_GE(Share(data, "one output lane off by 1e-3", kBound), 0.95) << data;
    EXPECT_GE(Share(data, "every exp off by 1e-4", kBound), 0.80) << data;
    EXPECT_GE(Share(data, "every exp off by 1e-4", kDeclared), 0.93) << data;
    EXPECT_GE(Share(data, "weights in bfloat16", kBound), 0.98) << data;
    EXPECT_GE(Share(data, "scale 1/sqrt(H+1)", kBound), 0.99) << data;
    EXPECT_GE(Share(data, "last visible key dropped", kBound), 0.98) << data;
  }
}

TEST_F(Sharpness, DependsOnTheSeedAlone) {
  const SharpnessResults again = MeasureSharpness(20, 7);
  EXPECT_EQ(ToJson(again), ToJson(MeasureSharpness(20, 7)));
  EXPECT_NE(ToJson(again), ToJson(MeasureSharpness(20, 8)));
}

TEST_F(Sharpness, IsWrittenInFull) {
  const auto json = nlohmann::json::parse(ToJson(results_));
  EXPECT_EQ(json["faults"].size(), results_.rows.size());
  EXPECT_EQ(json["ratios"].size(), results_.ratios.size());
  for (const char* yardstick : kYardsticks) {
    EXPECT_TRUE(json["faults"][0]["noticed"].contains(yardstick));
    EXPECT_NE(SharpnessTable(results_, false).find(yardstick), std::string::npos);
  }
}

}  // namespace
}  // namespace maskproof::cli
