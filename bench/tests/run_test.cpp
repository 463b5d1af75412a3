// Who is timed, how often and beside whom; what the reports hold. Nothing on how long it took.
#include "bench/run.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "bench/machine.h"
#include "bench/report.h"
#include "bench/stopwatch.h"

namespace maskproof::bench {
namespace {

using Json = nlohmann::json;

// Gives one and the same value everywhere.
class ConstantContender final : public Contender {
 public:
  ConstantContender(const Problem& problem, float value)
      : output_(static_cast<size_t>(ElementCount(problem.output_dims)), value) {}
  bool Run(std::string& /*error*/) override { return true; }
  std::span<const float> output() const override { return output_; }

 private:
  std::vector<float> output_;
};

class Constant final : public Implementation {
 public:
  Constant(std::string name, bool ours, float value, Work refused = Work::kProjection)
      : name_(std::move(name)), ours_(ours), value_(value), refused_(refused) {}
  const std::string& name() const override { return name_; }
  bool ours() const override { return ours_; }
  bool AppliesTo(Work work) const override { return work != Work::kQAttention; }
  std::unique_ptr<Contender> Prepare(const Problem& problem, int /*threads*/,
                                     std::string& error) override {
    if (problem.spec.work != refused_) return std::make_unique<ConstantContender>(problem, value_);
    error = "refused";
    return nullptr;
  }

 private:
  std::string name_;
  bool ours_;
  float value_;
  Work refused_;
};

Group SmallGroup(Work work) {
  Group group{.family = "Family", .name = "Family/1x4x1x8", .specs = {}};
  for (const char* variant : {"first", "second"}) {
    Spec spec;
    spec.variant = variant;
    spec.work = work;
    spec.shape = {.batch = 1, .queries = 4, .keys = 4, .heads = 1, .head_size = 8};
    group.specs.push_back(spec);
  }
  return group;
}

RunOptions Options() {
  RunOptions options;
  options.rounds = 4;
  options.implementations.push_back(std::make_unique<Constant>("ours", true, 1.0F));
  options.implementations.push_back(std::make_unique<Constant>("peer", false, 1.5F));
  return options;
}

TEST(RunGroup, EverybodyGetsEveryRound) {
  RunOptions options = Options();
  options.threads = {1, 2};
  Results results;
  RunGroup(SmallGroup(Work::kCore), options, results);
  ASSERT_EQ(results.rows.size(), 8U);  // variants, threads, contenders
  for (const Row& row : results.rows) EXPECT_EQ(row.seconds.size(), 4U) << row.CaseName();
  const Row& ours = results.rows[0];
  EXPECT_TRUE(ours.ours);
  EXPECT_EQ(ours.CaseName(), "Family/1x4x1x8/first");
  ASSERT_TRUE(ours.speedup);
  EXPECT_EQ(ours.speedup->to, "peer");
  EXPECT_FALSE(ours.over_variant);
  EXPECT_FALSE(ours.over_threads);
  const Row& last = results.rows[7];
  EXPECT_EQ(last.contender, "peer");
  EXPECT_EQ(last.threads, 2);
  EXPECT_FALSE(last.speedup);
  ASSERT_TRUE(last.over_variant);
  EXPECT_EQ(last.over_variant->to, "first");
  ASSERT_TRUE(last.over_threads);
  EXPECT_EQ(last.over_threads->to, "1");
}

// Takes so much processor time, and counts its calls.
class Busy final : public Implementation {
 public:
  explicit Busy(double seconds) : seconds_(seconds) {}
  const std::string& name() const override { return name_; }
  bool ours() const override { return true; }
  bool AppliesTo(Work /*work*/) const override { return true; }
  std::unique_ptr<Contender> Prepare(const Problem& problem, int /*threads*/,
                                     std::string& /*error*/) override {
    return std::make_unique<Call>(problem, *this);
  }
  int calls() const { return calls_; }

 private:
  class Call final : public Contender {
   public:
    Call(const Problem& problem, Busy& owner) : owner_(owner), constant_(problem, 1.0F) {}
    bool Run(std::string& /*error*/) override {
      const Stopwatch stopwatch(TimeKind::kProcessor);
      while (stopwatch.Seconds() < owner_.seconds_) {
      }
      ++owner_.calls_;
      return true;
    }
    std::span<const float> output() const override { return constant_.output(); }

   private:
    Busy& owner_;
    ConstantContender constant_;
  };

  std::string name_ = "busy";
  double seconds_;
  int calls_ = 0;
};

int CallsInTwoRounds(double seconds) {
  auto busy = std::make_unique<Busy>(seconds);
  const Busy& counted = *busy;
  RunOptions options;
  options.rounds = 2;
  options.time = TimeKind::kProcessor;
  options.implementations.push_back(std::move(busy));
  Group group = SmallGroup(Work::kCore);
  group.specs.resize(1);
  Results results;
  RunGroup(group, options, results);
  return counted.calls();
}

// Two calls to begin with, if they are not long; then in each round one that warms up, unless it is
// long, and one that counts.
TEST(RunGroup, WarmsUpForAllButLongCalls) {
  EXPECT_EQ(CallsInTwoRounds(0.008), 2 + 2 * 2);
  EXPECT_EQ(CallsInTwoRounds(0.06), 1 + 2);
}

TEST(RunGroup, MeasuresThePeakBeforeEveryTurn) {
  Results results;
  RunGroup(SmallGroup(Work::kCore), Options(), results);
  ASSERT_EQ(results.peaks.size(), 1U);
  size_t turns = 0;
  for (const Row& row : results.rows) turns += row.seconds.size();
  EXPECT_EQ(results.peaks[0].values.size(), turns);
  for (const double value : results.peaks[0].values) EXPECT_GT(value, 0.0);
}

TEST(RunGroup, SaysWhoComputesSomethingElse) {
  Results results;
  RunGroup(SmallGroup(Work::kCore), Options(), results);
  ASSERT_EQ(results.rows.size(), 4U);
  EXPECT_FALSE(results.rows[0].difference);  // nothing to compare the first with
  EXPECT_EQ(results.rows[1].difference, 0.5);
}

TEST(RunGroup, NanIsADifference) {
  RunOptions options;
  options.rounds = 1;
  options.implementations.push_back(std::make_unique<Constant>("ours", true, 1.0F));
  options.implementations.push_back(
      std::make_unique<Constant>("peer", false, std::numeric_limits<float>::quiet_NaN()));
  Results results;
  RunGroup(SmallGroup(Work::kCore), options, results);
  ASSERT_EQ(results.rows.size(), 4U);
  EXPECT_GT(results.rows[1].difference, kLargestDifference);
}

TEST(RunGroup, SaysWhoWasSkipped) {
  RunOptions options = Options();
  options.implementations.push_back(std::make_unique<Constant>("fussy", false, 1.0F, Work::kCore));
  Results results;
  RunGroup(SmallGroup(Work::kCore), options, results);
  EXPECT_EQ(results.rows.size(), 4U);
  ASSERT_EQ(results.skipped.size(), 2U);
  EXPECT_EQ(results.skipped[1].contender, "fussy");
  EXPECT_EQ(results.skipped[1].name, "Family/1x4x1x8/second");
  EXPECT_EQ(results.skipped[1].reason, "refused");
}

TEST(RunGroup, WhereNobodyAppliesNothingIsSaid) {
  Results results;
  RunGroup(SmallGroup(Work::kQAttention), Options(), results);
  EXPECT_TRUE(results.rows.empty());
  EXPECT_TRUE(results.skipped.empty());
}

TEST(RunGroup, StopsWhenAsked) {
  RunOptions options = Options();
  int left = 2;
  options.cancelled = [&left] { return left-- == 0; };
  Results results;
  RunGroup(SmallGroup(Work::kCore), options, results);
  EXPECT_TRUE(results.interrupted);
  ASSERT_EQ(results.rows.size(), 4U);
  EXPECT_EQ(results.rows[0].seconds.size(), 2U);
}

Row RowOf(const char* shape, double ratio) {
  Row row;
  row.family = "Family";
  row.shape = shape;
  row.variant = "none";
  row.contender = "kernels";
  row.ours = true;
  row.seconds = {1.0};
  row.time = Summarise(row.seconds);
  row.speedup = Ratio{.to = "peer",
                      .summary = {.least = ratio,
                                  .lower_quartile = ratio,
                                  .median = ratio,
                                  .upper_quartile = ratio,
                                  .most = ratio},
                      .interval = {ratio, ratio}};
  return row;
}

TEST(Gains, OverTheShapes) {
  Results results;
  results.rows = {RowOf("big", 8.0), RowOf("small", 2.0)};
  const std::vector<Gain> gains = Gains(results);
  ASSERT_EQ(gains.size(), 1U);
  EXPECT_DOUBLE_EQ(gains[0].mean, 4.0);
  EXPECT_EQ(gains[0].least, 2.0);
  EXPECT_EQ(gains[0].least_shape, "small");
  EXPECT_EQ(gains[0].shapes, 2);
}

TEST(Report, JsonHoldsEverything) {
  RunOptions options = Options();
  options.implementations.push_back(std::make_unique<Constant>("fussy", false, 1.0F, Work::kCore));
  Results results;
  RunGroup(SmallGroup(Work::kCore), options, results);
  const Json json = Json::parse(ToJson(results, DescribeMachine(), "1.2.3"));
  EXPECT_EQ(json.at("schema"), "maskproof-bench/1");
  EXPECT_EQ(json.at("maskproof"), "1.2.3");
  EXPECT_EQ(json.at("time"), "wall");
  EXPECT_EQ(json.at("interrupted"), false);
  EXPECT_GE(json.at("machine").at("processors"), 1);
  EXPECT_EQ(json.at("peaks").size(), 1U);
  EXPECT_EQ(json.at("gains").size(), 2U);
  EXPECT_EQ(json.at("skipped").size(), 2U);
  ASSERT_EQ(json.at("rows").size(), 4U);
  const Json& ours = json.at("rows").at(0);
  EXPECT_EQ(ours.at("case"), "Family/1x4x1x8/first");
  EXPECT_EQ(ours.at("samples_ms").size(), 4U);
  EXPECT_EQ(ours.at("speed_over_peer").at("interval_95").size(), 2U);
  EXPECT_TRUE(ours.at("agrees").is_null());
  EXPECT_EQ(json.at("rows").at(1).at("agrees"), false);
  EXPECT_TRUE(json.at("rows").at(1).at("speed_over_peer").is_null());
}

TEST(Report, SvgHasADotForEveryRowOfOurs) {
  Results results;
  results.rows = {RowOf("<big>", 8.0), RowOf("small", 2.0)};
  const std::string svg = ToSvg(results, {});
  size_t dots = 0;
  for (size_t at = svg.find("<circle"); at != std::string::npos; at = svg.find("<circle", at + 1)) {
    ++dots;
  }
  EXPECT_EQ(dots, 2U);
  EXPECT_NE(svg.find("speed relative to peer"), std::string::npos);
  EXPECT_NE(svg.find("Family/&lt;big&gt;/none"), std::string::npos);
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

}  // namespace
}  // namespace maskproof::bench
