// maskproof power: the hunts, the score, and the command.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

#include "cli/names.h"
#include "cli/power_results.h"
#include "properties/case/validity.h"
#include "properties/subjects/sanitizers.h"

namespace maskproof::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// ---- hunts --------------------------------------------------------------------------------------

constexpr HuntOptions kShort = {.seconds = 0.5, .seed = 1};

TEST(SuiteHunt, FindsAPlantedBugAndShrinksIt) {
  const auto subject = MakePlantedSubject("additive-mask");
  const SuiteHunt hunt = HuntWithSuite(*subject, kShort);
  ASSERT_TRUE(hunt.caught);
  EXPECT_EQ(hunt.by, "fully-masked-rows on Attention");
  EXPECT_GT(hunt.cases, 0);
  EXPECT_GT(hunt.seconds, 0.0);
  ASSERT_TRUE(hunt.shrunk.has_value());
  EXPECT_TRUE(hunt.shrunk->reproduced);
  EXPECT_EQ(hunt.shrunk->recipe.heads, 1);
  EXPECT_GT(hunt.shrunk->tries, 0);
}

TEST(SuiteHunt, TheCaseThatShowsABugDoesNotDependOnTime) {
  const auto subject = MakePlantedSubject("mask3d-batch");
  const SuiteHunt first = HuntWithSuite(*subject, {.seconds = 20.0, .seed = 7});
  const SuiteHunt large = HuntWithSuite(*subject, {.seconds = 20.0, .seed = 7, .shrink = false});
  EXPECT_TRUE(first.shrunk.has_value());
  EXPECT_FALSE(large.shrunk.has_value());
  EXPECT_EQ(large.cases, first.cases);
  const SuiteHunt second = HuntWithSuite(*subject, {.seconds = 40.0, .seed = 7});
  ASSERT_TRUE(first.caught && second.caught);
  EXPECT_EQ(first.cases, second.cases);
  EXPECT_EQ(first.by, second.by);
  EXPECT_EQ(ToText(first.shrunk->recipe), ToText(second.shrunk->recipe));
  EXPECT_NE(HuntWithSuite(*subject, {.seconds = 20.0, .seed = 8}).cases, first.cases);
}

TEST(SuiteHunt, EndsWithItsBudget) {
  const auto subject = MakePlantedSubject("none");
  const SuiteHunt hunt = HuntWithSuite(*subject, {.seconds = 0.2, .seed = 1});
  EXPECT_FALSE(hunt.caught);
  EXPECT_FALSE(hunt.shrunk.has_value());
  EXPECT_GE(hunt.seconds, 0.2);
  EXPECT_GT(hunt.cases, 50);
}

TEST(RandomHunt, CatchesWhatIsWrongEverywhereAndAccusesNobody) {
  for (const char* defect : {"wrong-scale", "all-nan", "wrong-present"}) {
    const auto subject = MakePlantedSubject(defect);
    EXPECT_TRUE(HuntWithRandomInputs(*subject, {.seconds = 5.0, .seed = 1}).caught) << defect;
  }
  // Less than the tolerance, and no ordinary case.
  for (const char* sound : {"none", "coarse-exp", "mask-equals-one"}) {
    const auto subject = MakePlantedSubject(sound);
    const Hunt hunt = HuntWithRandomInputs(*subject, kShort);
    EXPECT_FALSE(hunt.caught) << sound << ": " << hunt.evidence;
    EXPECT_GT(hunt.cases, 3);
  }
}

TEST(RandomHunt, CasesAreValidAndOfAllKinds) {
  int masked = 0;
  int past = 0;
  int causal = 0;
  for (uint64_t number = 0; number < 300; ++number) {
    Rng rng(number);
    const Recipe recipe = TypicalRecipe(static_cast<Op>(number % kOpCount), rng);
    const ValidityVerdict verdict = JudgeValidity(Expand(recipe));
    EXPECT_EQ(verdict.validity, Validity::kValid) << verdict.reason;
    masked += recipe.mask.form != MaskForm::kNone ? 1 : 0;
    past += recipe.past.value_or(0) > 0 ? 1 : 0;
    causal += recipe.unidirectional == 1 ? 1 : 0;
  }
  EXPECT_GT(masked, 150);
  EXPECT_GT(past, 50);
  EXPECT_GT(causal, 100);
}

// ---- the score ----------------------------------------------------------------------------------

PowerRow Row(const char* subject, double seconds, bool control = false) {
  PowerRow row;
  row.subject = subject;
  row.control = control;
  row.suite.caught = seconds > 0.0;
  row.suite.seconds = seconds;
  row.random = Hunt();
  return row;
}

PowerResults Sample() {
  PowerResults results;
  results.budget = 10.0;
  results.rows = {Row("planted:a", 1.0), Row("planted:b", 3.0), Row("planted:c", 0.0),
                  Row("planted:none", 0.0, true), Row("kernels", 2.0, true)};
  results.rows[0].random->caught = true;
  results.rows[0].random->seconds = 5.0;
  return results;
}

TEST(Score, CountsBugsAndFalseAlarmsApart) {
  const PowerResults results = Sample();
  const PowerSummary suite = Summarise(results, Way::kSuite);
  EXPECT_EQ(suite.bugs, 3);
  EXPECT_EQ(suite.caught, 2);
  EXPECT_EQ(suite.false_alarms, 1);
  EXPECT_EQ(suite.median_seconds, 2.0);
  EXPECT_EQ(suite.most_seconds, 3.0);
  const PowerSummary random = Summarise(results, Way::kRandom);
  EXPECT_EQ(random.caught, 1);
  EXPECT_EQ(random.false_alarms, 0);
  EXPECT_EQ(Summarise(results, Way::kVectors).caught, 0);
}

TEST(Score, NotesSayWhatWentWrong) {
  PowerResults results = Sample();
  results.rows[2].sanitizer = "thread";
  results.rows[0].heads = 2;
  results.rows[0].tokens = 5;
  ShrunkCase shrunk;
  shrunk.recipe.sequence = 6;
  results.rows[0].suite.shrunk = shrunk;
  EXPECT_TRUE(results.rows[0].TooLarge());
  const std::string notes = PowerNotes(results);
  for (const char* part :
       {"planted:c was not caught; only a build under the thread sanitizer",
        "kernels is correct: a false alarm", "planted:a: left at 1 head, 6 tokens",
        "planted:a: the shrunk case did not break the law again"}) {
    EXPECT_NE(notes.find(part), std::string::npos) << part << '\n' << notes;
  }
  results.rows[0].suite.shrunk->recipe.sequence = 5;
  EXPECT_FALSE(results.rows[0].TooLarge());
}

TEST(Score, ThePlotHasAStepForEveryBugCaught) {
  const std::string svg = PowerSvg(Sample(), {});
  const auto count = [&svg](const std::string& what) {
    size_t found = 0;
    for (size_t at = svg.find(what); at != std::string::npos; at = svg.find(what, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(count("<path"), 2U);  // no vectors
  EXPECT_EQ(count(" V"), 3U);
  EXPECT_EQ(count("suite: 2"), 1U);
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

// ---- the command --------------------------------------------------------------------------------

std::string Slurp(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

class PowerCommand : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "maskproof-power-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  // The exit code of `maskproof power ARGUMENTS` in the scratch folder.
  int Run(const std::string& arguments, const std::string& environment = "") const {
    const std::string line = "cd " + ShellQuote(folder_.string()) + " && " + environment + " " +
                             ShellQuote(MASKPROOF_BINARY) + " power " + arguments + " >.out 2>.err";
    const int status = std::system(line.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string File(const std::string& name) const { return Slurp(folder_ / name); }
  Json ReadJson() const { return Json::parse(File("p.json")); }

  // One vector: a single token, whose output is its value, and the values are the input.
  void PutVector() const {
    fs::create_directories(folder_ / "vectors/ort");
    std::ofstream(folder_ / "vectors/ort/echo.json") << R"({"id": "echo", "cpu_ep": true,
      "expect": "success", "op": "Attention", "attributes": {"num_heads": 1}, "inputs": {
      "input": {"dtype": "float32", "shape": [1, 1, 2], "data": [1, 2]},
      "weights": {"dtype": "float32", "shape": [2, 6], "data": [0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1]},
      "bias": {"dtype": "float32", "shape": [6], "data": [0, 0, 0, 0, 0, 0]}},
      "expected_outputs": {"output": {"dtype": "float32", "shape": [1, 1, 2], "data": [1, 2]}}})";
  }

  fs::path folder_;
};

TEST_F(PowerCommand, ScoresThreeWaysAndWritesEveryFile) {
  PutVector();
  ASSERT_EQ(Run("-s planted:all-zeros -s planted:echo-input --control planted:none --budget 300ms "
                "--vectors vectors --json p.json --svg p.svg --markdown p.md"),
            0)
      << File(".err");
  const Json json = ReadJson();
  EXPECT_EQ(json["schema"], "maskproof-power/1");
  EXPECT_EQ(json["vectors"], 1);
  ASSERT_EQ(json["rows"].size(), 3U);
  const Json& zeros = json["rows"][0];
  EXPECT_EQ(zeros["vectors"]["by"], "echo");
  EXPECT_TRUE(zeros["random"]["caught"]);
  EXPECT_TRUE(zeros["suite"]["shrunk"]["reproduced"]);
  EXPECT_FALSE(json["rows"][1]["vectors"]["caught"]);
  EXPECT_TRUE(json["rows"][2]["control"]);
  EXPECT_FALSE(json["rows"][2]["suite"]["caught"]);
  EXPECT_EQ(json["totals"]["suite"]["caught"], 2);
  EXPECT_EQ(json["totals"]["vectors"]["caught"], 1);
  EXPECT_EQ(json["totals"]["suite"]["false_alarms"], 0);
  EXPECT_NE(File("p.svg").find("vectors: 1"), std::string::npos);
  EXPECT_NE(File("p.md").find("| planted:echo-input |"), std::string::npos);
  EXPECT_NE(File(".out").find("nothing, as it should be"), std::string::npos);
}

TEST_F(PowerCommand, AMissedBugAndAFalseAlarmAreFailures) {
  EXPECT_EQ(Run("-s planted:none --suite-only --budget 100ms"), 1);
  EXPECT_NE(File(".out").find("planted:none was not caught"), std::string::npos);
  EXPECT_EQ(Run("-s planted:all-nan --control planted:all-zeros --suite-only --budget 100ms"), 1);
  EXPECT_NE(File(".out").find("FALSE ALARM"), std::string::npos);
}

TEST_F(PowerCommand, InterruptedIsNoPass) {
  const std::string interrupt = "timeout --foreground --preserve-status --signal=INT 3";
  EXPECT_EQ(Run("-s planted:none --suite-only --budget 5m --json p.json", interrupt), 3);
  EXPECT_TRUE(ReadJson()["interrupted"]);
  EXPECT_TRUE(ReadJson()["rows"].empty());
  // What was missed until then was missed.
  std::string many = "-s planted:none --suite-only --budget 100ms";
  for (int i = 0; i < 50; ++i) many += " --control planted:none";
  EXPECT_EQ(Run(many, interrupt), 1);
}

TEST_F(PowerCommand, ABugThatCrashesIsAFindingAndTheNextOneHasItsTurn) {
  ASSERT_EQ(Run("-s planted:tail-load -s planted:all-nan --suite-only --budget 20s --json p.json"),
            0)
      << File(".out");
  const Json rows = ReadJson()["rows"];
  EXPECT_EQ(std::string(rows[0]["suite"]["by"]).substr(0, 6), "memory");
  EXPECT_NE(std::string(rows[0]["suite"]["evidence"]).find("crashed"), std::string::npos);
  EXPECT_TRUE(rows[1]["suite"]["caught"]);
  EXPECT_TRUE(rows[1]["vectors"].is_null());
}

TEST_F(PowerCommand, WithoutVectorsTheColumnSaysSo) {
  ASSERT_EQ(Run("-s planted:all-nan --budget 100ms --vectors absent --json p.json"), 0);
  EXPECT_NE(File(".out").find("no vectors in absent"), std::string::npos);
  EXPECT_TRUE(ReadJson()["rows"][0]["vectors"].is_null());
  EXPECT_TRUE(ReadJson()["totals"]["vectors"].is_null());
}

TEST_F(PowerCommand, WrongUsageIsRefusedBeforeAnythingStarts) {
  const struct {
    const char* arguments;
    const char* message;
  } kWrong[] = {{"-s planted:aditive-mask", "additive-mask"},
                {"--budget soon", "--budget"},
                {"--seed many", "--seed"},
                {"-s planted:none --json absent/p.json", "absent/p.json"}};
  for (const auto& wrong : kWrong) {
    EXPECT_EQ(Run(wrong.arguments), 2) << wrong.arguments;
    EXPECT_NE(File(".err").find(wrong.message), std::string::npos) << File(".err");
  }
}

// Only this build is sure to see the race: a report ends the subject's process.
TEST_F(PowerCommand, UnderThreadSanitizerTheRaceIsCaught) {
  if (!kThreadSanitizer) {
    // Elsewhere it is said so in the list.
    const auto& defects = PlantedDefects();
    EXPECT_TRUE(std::ranges::any_of(defects, [](const PlantedDefect& defect) {
      return std::string(defect.name) == "racy-row-sum" &&
             std::string(defect.sanitizer) == "thread";
    }));
    return;
  }
  ASSERT_EQ(Run("-s planted:racy-row-sum --control planted:none --suite-only --budget 20s "
                "--json p.json",
                "TSAN_OPTIONS=halt_on_error=1"),
            0)
      << File(".out");
  const std::string evidence = ReadJson()["rows"][0]["suite"]["evidence"];
  EXPECT_NE(evidence.find("exit code 66"), std::string::npos) << evidence;
}

}  // namespace
}  // namespace maskproof::cli
