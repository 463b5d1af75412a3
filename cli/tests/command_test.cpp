// The command as people run it: exit codes, files, texts.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "cli/names.h"

namespace maskproof::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string Slurp(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

struct Answer {
  int exit_code = -1;
  std::string out;
  std::string err;
};

class Command : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "maskproof-command-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Runs the command in the scratch folder. `arguments` and what comes before it are shell text.
  Answer Run(const std::string& arguments, const std::string& before = "") const {
    const std::string line = "cd " + ShellQuote(folder_.string()) + " && " + before + " " +
                             ShellQuote(MASKPROOF_BINARY) + " " + arguments + " >.out 2>.err";
    const int status = std::system(line.c_str());
    return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
            .out = Slurp(folder_ / ".out"),
            .err = Slurp(folder_ / ".err")};
  }

  void Put(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }

  Json ReadJson(const std::string& name) const { return Json::parse(Slurp(folder_ / name)); }

  fs::path folder_;
};

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(Command, HelpAndVersion) {
  const Answer help = Run("--help");
  EXPECT_EQ(help.exit_code, 0);
  for (const char* word : {"check", "replay", "list", "report", "show", "Exit code"}) {
    EXPECT_TRUE(Contains(help.out, word)) << word;
  }
  const Answer check = Run("check --help");
  EXPECT_EQ(check.exit_code, 0);
  for (const char* word : {"--subject", "--op", "--invariant", "--cases", "--time", "--seed",
                           "--json", "--out", "--quiet"}) {
    EXPECT_TRUE(Contains(check.out, word)) << word;
  }
  const Answer version = Run("--version");
  EXPECT_EQ(version.exit_code, 0);
  EXPECT_EQ(version.out, "maskproof " MASKPROOF_VERSION "\n");
}

// A defect that is another implementation's way: broken by the ideal, and the report says whose way
// it is; held to that way, nothing is.
TEST_F(Command, ADialectIsNamedAndCanBeHeldTo) {
  const std::string check =
      "check --subject planted:fully-masked-zero --op QAttention --invariant fully-masked-rows "
      "--cases 100 --json result.json";
  EXPECT_EQ(Run(check).exit_code, 1);
  EXPECT_EQ(ReadJson("result.json")["dialect"], "ideal");
  const std::string stem =
      "maskproof-findings/fully-masked-rows-QAttention-planted_fully-masked-zero";
  EXPECT_TRUE(Contains(Slurp(folder_ / (stem + ".txt")), "dialect  this is what zero-rows gives"));
  EXPECT_EQ(Run(check + " --dialect zero-rows").exit_code, 0);
  EXPECT_EQ(ReadJson("result.json")["dialect"], "zero-rows");
  const std::string replay = "replay " + stem + ".recipe --subject planted:fully-masked-zero ";
  EXPECT_EQ(Run(replay).exit_code, 1);
  EXPECT_EQ(Run(replay + "--dialect zero-rows").exit_code, 0);
  // A finding made in a dialect is rerun in it.
  EXPECT_EQ(Run("check --subject planted:none --op QAttention --invariant fully-masked-rows "
                "--cases 100 --dialect zero-rows --out other")
                .exit_code,
            1);
  const std::string other = Slurp(folder_ / "other/fully-masked-rows-QAttention-planted_none.txt");
  EXPECT_TRUE(Contains(other, "--dialect zero-rows"));
  EXPECT_TRUE(Contains(other, "dialect  this is what ideal gives"));
}

// The record of errors: made, kept, and compared with. A kernel that got worse is played by a
// record of one that was better.
TEST_F(Command, TheLedgerNoticesWhatGotWorse) {
  const std::string check =
      "check --subject planted:none --op Core --invariant reference-match --cases 60 "
      "--ledger ledger.json";
  EXPECT_EQ(Run(check).exit_code, 0);
  Json ledger = ReadJson("ledger.json");
  ASSERT_GE(ledger["entries"].size(), 3U);
  EXPECT_EQ(ledger["entries"][0]["drawn"], 60);
  const std::string first = Slurp(folder_ / "ledger.json");
  EXPECT_EQ(Run(check).exit_code, 0);
  EXPECT_EQ(Slurp(folder_ / "ledger.json"), first);

  const double now = ledger["entries"][1]["largest"].get<double>();
  EXPECT_GT(now, 0.0);
  EXPECT_LT(now, 1.0);
  ledger["entries"][1]["largest"] = now / 2.0;
  Put("ledger.json", ledger.dump());
  const Answer worse = Run(check);
  EXPECT_EQ(worse.exit_code, 1);
  EXPECT_TRUE(Contains(worse.out, "worse than recorded: reference-match on Core"));
  EXPECT_EQ(ReadJson("ledger.json")["entries"][1]["largest"], now / 2.0);
  EXPECT_EQ(Run(check + " --ledger-accept").exit_code, 0);
  EXPECT_EQ(ReadJson("ledger.json")["entries"][1]["largest"], now);

  Put("ledger.json", ledger.dump());
  // Other cases, and other laws for them, are entries of their own.
  const size_t count = ledger["entries"].size();
  size_t before = count;
  for (const char* other :
       {" --seed 2", " --largest-tokens 4", " --largest-heads 1", " --largest-head-size 2",
        " --dialect zero-rows", " --measured-profile"}) {
    EXPECT_EQ(Run(check + other).exit_code, 0) << other;
    const size_t after = ReadJson("ledger.json")["entries"].size();
    EXPECT_GT(after, before) << other;
    EXPECT_EQ(Run(check + other).exit_code, 0) << other;
    EXPECT_EQ(ReadJson("ledger.json")["entries"].size(), after) << other;
    before = after;
  }
  for (size_t i = 0; i < count; ++i) {
    EXPECT_EQ(ReadJson("ledger.json")["entries"][i]["largest"], ledger["entries"][i]["largest"]);
  }
  EXPECT_EQ(Run(check).exit_code, 1);

  // What another generator made, or one before it had a version, is compared with nothing.
  for (const bool versioned : {true, false}) {
    ledger["generator"] = 0;
    if (!versioned) ledger.erase("generator");
    Put("ledger.json", ledger.dump());
    const Answer anew = Run(check);
    EXPECT_EQ(anew.exit_code, 0);
    EXPECT_TRUE(Contains(anew.out, "begun anew")) << anew.out;
    EXPECT_EQ(Slurp(folder_ / "ledger.json"), first);
  }

  Put("ledger.json", "{}");
  EXPECT_EQ(Run(check).exit_code, 2);
  EXPECT_EQ(Slurp(folder_ / "ledger.json"), "{}");
}

TEST_F(Command, WrongUsageIsRefusedBeforeAnythingStarts) {
  const struct {
    const char* arguments;
    const char* message;
  } kWrong[] = {
      {"", "subcommand"},
      {"chek", "subcommand"},
      {"check", "--subject"},
      {"check --subject planted:none --no-such-option", "no-such-option"},
      {"check --subject planted:none --op Atention", "did you mean 'Attention'"},
      {"check --subject planted:none --invariant fuly-masked-rows",
       "did you mean 'fully-masked-rows'"},
      {"check --subject planted:none --op Core --invariant int8-exactness",
       "none of these invariants"},
      {"check --subject planted:none --time soon", "--time"},
      {"check --subject planted:none --time 0s", "--time"},
      {"check --subject planted:none --cases 0", "--cases"},
      {"check --subject planted:none --cases many", "--cases"},
      {"check --subject planted:none --seed x", "--seed"},
      {"check --subject planted:none --dialect zero-row", "did you mean 'zero-rows'"},
      {"check --subject planted:additive-msk", "did you mean 'planted:additive-mask'"},
      {"check --subject nonsense", "list subjects"},
      {"check --subject planted:none --json absent/f.json", "absent/f.json"},
      {"check --subject planted:none --out /proc/absent", "/proc/absent"},
      {"replay absent.recipe --subject planted:none", "absent.recipe"},
      {"replay --subject planted:none", "files"},
      {"replay . --subject planted:none", "no *.recipe file"},
      {"list everything", "everything"},
      {"report", "files"},
      {"report absent.json", "absent.json"},
      {"show absent.recipe", "absent.recipe"},
  };
  for (const auto& [arguments, message] : kWrong) {
    const Answer answer = Run(arguments);
    EXPECT_EQ(answer.exit_code, 2) << arguments << '\n' << answer.out << answer.err;
    EXPECT_TRUE(Contains(answer.err + answer.out, message)) << arguments << '\n' << answer.err;
    EXPECT_FALSE(fs::exists(folder_ / "maskproof-findings")) << arguments;
  }
}

TEST_F(Command, KernelsHold) {
  const Answer answer = Run("check --subject kernels --cases 20 --json r.json");
  EXPECT_EQ(answer.exit_code, 0) << answer.out << answer.err;
  EXPECT_TRUE(Contains(answer.out, "seed 1"));
  EXPECT_TRUE(Contains(answer.out, "0 findings"));
  EXPECT_FALSE(fs::exists(folder_ / "maskproof-findings"));
  const Json json = ReadJson("r.json");
  EXPECT_GT(json.at("results").size(), 50U);
  int64_t cases = 0;
  for (const Json& row : json.at("results")) {
    EXPECT_EQ(row.at("violations"), 0) << row;
    EXPECT_TRUE(row.at("finding").is_null()) << row;
    EXPECT_EQ(row.at("cases").get<int64_t>() + row.at("not_applicable").get<int64_t>(), 20) << row;
    cases += row.at("cases").get<int64_t>() - row.at("undecided").get<int64_t>();
  }
  EXPECT_GT(cases, 500);
}

TEST_F(Command, PlantedBugIsFoundShrunkAndReplayed) {
  const Answer answer =
      Run("check --subject planted:additive-mask --invariant fully-masked-rows --time 4s "
          "--json r.json --out found");
  EXPECT_EQ(answer.exit_code, 1) << answer.out << answer.err;
  EXPECT_TRUE(Contains(answer.out, "BROKEN"));
  const Json json = ReadJson("r.json");
  EXPECT_EQ(json.at("subject"), "planted:additive-mask");
  EXPECT_EQ(json.at("seed"), 1);
  EXPECT_GT(json.at("seconds"), 0.0);
  EXPECT_FALSE(json.at("interrupted"));
  ASSERT_EQ(json.at("results").size(), 3U);
  for (const Json& row : json.at("results")) {
    EXPECT_EQ(row.at("invariant"), "fully-masked-rows");
    EXPECT_TRUE(row.at("target").is_string());
    EXPECT_GT(row.at("violations"), 0) << row;
    const Json& finding = row.at("finding");
    EXPECT_LT(finding.at("seconds"), 2.0);
    EXPECT_LE(finding.at("heads"), 2);
    EXPECT_LE(finding.at("tokens"), 4);
    EXPECT_FALSE(finding.at("summary").get<std::string>().empty());
    EXPECT_TRUE(finding.at("reproduced"));
    const std::string file = finding.at("file");
    EXPECT_EQ(file, "found/fully-masked-rows-" + row.at("op").get<std::string>() +
                        "-planted_additive-mask.recipe");

    const Answer again = Run("replay " + file + " --subject planted:additive-mask");
    EXPECT_EQ(again.exit_code, 1) << again.out << again.err;
    EXPECT_TRUE(Contains(again.out, "fully-masked-rows")) << again.out;
    EXPECT_TRUE(Contains(again.out, "BROKEN")) << again.out;
    const Answer right = Run("replay " + file + " --subject planted:none");
    EXPECT_EQ(right.exit_code, 0) << right.out << right.err;
    EXPECT_TRUE(Contains(right.out, "holds")) << right.out;

    const std::string report = Slurp(folder_ / fs::path(file).replace_extension(".txt"));
    EXPECT_TRUE(Contains(report, "maskproof replay " + file +
                                     " --subject planted:additive-mask --invariant "
                                     "fully-masked-rows"))
        << report;
    EXPECT_TRUE(Contains(report, "sees nothing")) << report;
    EXPECT_TRUE(Contains(report, "output expected")) << report;
    EXPECT_EQ(Run("show " + file).exit_code, 0);
  }
  const Answer folder =
      Run("replay found --quiet --subject planted:additive-mask "
          "--invariant fully-masked-rows");
  EXPECT_EQ(folder.exit_code, 1);
  EXPECT_TRUE(Contains(folder.out, "3 of 3 recipes broken")) << folder.out;
}

TEST_F(Command, CommandOfAFindingRunsAsPrinted) {
  ASSERT_EQ(Run("check --subject planted:additive-mask --op Core --invariant fully-masked-rows "
                "--cases 50 --out \"a folder's\" --json r.json")
                .exit_code,
            1);
  const std::string file = ReadJson("r.json").at("results").at(0).at("finding").at("file");
  const std::string text = Slurp(folder_ / file);
  const size_t begin = text.find("maskproof replay ");
  ASSERT_NE(begin, std::string::npos) << text;
  const size_t words = begin + std::string("maskproof ").size();
  const Answer again = Run(text.substr(words, text.find('\n', words) - words));
  EXPECT_EQ(again.exit_code, 1) << again.out << again.err;
}

TEST_F(Command, FindingsOfEarlierRunsStay) {
  const std::string check =
      "check --subject planted:additive-mask --op Core --invariant fully-masked-rows --cases 50 "
      "--json r.json --quiet --out ";
  const std::string stem = "found/fully-masked-rows-Core-planted_additive-mask";
  const auto written = [&] {
    EXPECT_EQ(Run(check + "found").exit_code, 1);
    return ReadJson("r.json").at("results").at(0).at("finding").at("file").get<std::string>();
  };
  EXPECT_EQ(written(), stem + ".recipe");
  EXPECT_EQ(written(), stem + ".recipe");  // the same recipe again
  Put(stem + ".recipe", "maskproof recipe 1\nop Core\nheads 7\n");
  Put(stem + "-2.recipe", "no recipe");
  EXPECT_EQ(written(), stem + "-3.recipe");
  EXPECT_EQ(written(), stem + "-3.recipe");
  EXPECT_TRUE(Contains(Slurp(folder_ / (stem + ".recipe")), "heads 7"));
  EXPECT_EQ(Slurp(folder_ / (stem + "-2.recipe")), "no recipe");
  EXPECT_TRUE(Contains(Slurp(folder_ / (stem + "-3.txt")), stem + "-3.recipe"));

  // One that cannot be written does not keep the others, nor what was found, from being told.
  fs::create_directories(folder_ / "no/fully-masked-rows-Core-planted_additive-mask.txt");
  const Answer answer =
      Run("check --subject planted:additive-mask --op Core --cases 50 --out no "
          "--invariant fully-masked-rows --invariant masked-influence "
          "--json r.json");
  EXPECT_EQ(answer.exit_code, 2) << answer.out;
  EXPECT_TRUE(Contains(answer.err, "is a directory")) << answer.err;
  EXPECT_TRUE(Contains(answer.out, "(could not be written)")) << answer.out;
  const Json rows = ReadJson("r.json").at("results");
  EXPECT_EQ(rows.at(0).at("finding").at("file"), "");
  EXPECT_TRUE(fs::exists(folder_ / rows.at(1).at("finding").at("file").get<std::string>()));
}

TEST_F(Command, SameSeedSameResults) {
  const std::string line = "check --subject planted:end-inclusive --op attention --cases 30 ";
  Run(line + "--json a.json --out a");
  Run(line + "--json b.json --out b");
  Run(line + "--json c.json --out c --seed 0x10");
  const auto counts = [this](const std::string& name) {
    std::vector<int64_t> numbers;
    const Json json = ReadJson(name);
    for (const Json& row : json.at("results")) {
      for (const char* key : {"cases", "undecided", "violations", "not_applicable"}) {
        numbers.push_back(row.at(key).get<int64_t>());
      }
    }
    return numbers;
  };
  EXPECT_EQ(counts("a.json"), counts("b.json"));
  EXPECT_NE(counts("a.json"), counts("c.json"));
  EXPECT_EQ(ReadJson("c.json").at("seed"), 16);
}

// The link stands for /dev/stdout, which a fault would replace for everybody.
TEST_F(Command, ResultsGoToStandardOutputByItsName) {
  fs::create_symlink("/proc/self/fd/1", folder_ / "stdout");
  const std::string check =
      "check --subject planted:none --op Core --invariant determinism --cases 5 --json stdout";
  const Answer file = Run(check);
  EXPECT_EQ(file.exit_code, 0) << file.err;
  EXPECT_TRUE(file.out.starts_with("checking planted:none")) << file.out;
  EXPECT_TRUE(file.out.ends_with("  ]\n}\n")) << file.out;
  const Answer pipe = Run(check + " --quiet | cat");
  EXPECT_EQ(Json::parse(pipe.out).at("subject"), "planted:none");
  EXPECT_TRUE(fs::is_symlink(folder_ / "stdout"));
}

TEST_F(Command, QuietPrintsNothing) {
  const Answer answer = Run("check --subject planted:additive-mask --cases 20 --quiet");
  EXPECT_EQ(answer.exit_code, 1);
  EXPECT_EQ(answer.out, "");
  EXPECT_EQ(answer.err, "");
}

TEST_F(Command, ListsWhatThereIs) {
  const Answer subjects = Run("list subjects");
  EXPECT_EQ(subjects.exit_code, 0);
  EXPECT_TRUE(Contains(subjects.out, "kernels:"));
  EXPECT_TRUE(Contains(subjects.out, "planted:additive-mask"));
  const Answer invariants = Run("list invariants --markdown");
  EXPECT_EQ(invariants.exit_code, 0);
  EXPECT_TRUE(Contains(invariants.out, "## fully-masked-rows"));
  const Answer targets = Run("list targets");
  EXPECT_EQ(targets.exit_code, 0);
  EXPECT_TRUE(Contains(targets.out, "kernels:"));
}

TEST_F(Command, ReportPutsChecksSideBySide) {
  Run("check --subject planted:none --invariant mask-form --cases 10 --json good.json");
  Run("check --subject planted:end-inclusive --invariant mask-form --cases 60 --json bad.json");
  const Answer matrix = Run("report good.json bad.json");
  EXPECT_EQ(matrix.exit_code, 0) << matrix.err;
  EXPECT_TRUE(Contains(matrix.out, "planted:none")) << matrix.out;
  EXPECT_TRUE(Contains(matrix.out, "holds")) << matrix.out;
  EXPECT_TRUE(Contains(matrix.out, "BROKEN")) << matrix.out;
  const Answer summary = Run("report --summary --markdown good.json bad.json");
  EXPECT_EQ(summary.exit_code, 0);
  EXPECT_TRUE(Contains(summary.out, "| planted:end-inclusive |")) << summary.out;
  Put("other.json", "{\"results\": 3}");
  EXPECT_EQ(Run("report good.json other.json").exit_code, 2);
}

// What says nothing does not pass.
TEST_F(Command, NothingJudgedIsAFailure) {
  const std::string subject = " --subject planted:none";
  Put("core.recipe", "maskproof recipe 1\nop Core\n");
  Put("quantised.recipe", "maskproof recipe 1\nop QAttention\n");
  const Answer both =
      Run("replay core.recipe quantised.recipe --invariant int8-exactness" + subject);
  EXPECT_EQ(both.exit_code, 2) << both.out;
  EXPECT_TRUE(Contains(both.err, "core.recipe: int8-exactness says nothing about Core cases"))
      << both.err;
  EXPECT_FALSE(Contains(both.err, "quantised")) << both.err;
  EXPECT_TRUE(Contains(both.out, "1 of 2 recipes judged")) << both.out;

  // The mean of all values is no number.
  Put("nan.recipe", "maskproof recipe 1\nop Core\nvalue_head_size 1\nset value[0] nan\n");
  const std::string mean = "nan.recipe --invariant fully-masked-rows";
  const Answer none = Run("replay " + mean + subject);
  EXPECT_EQ(none.exit_code, 2) << none.out;
  EXPECT_TRUE(Contains(none.out, "0 of 1 recipes judged")) << none.out;
  EXPECT_TRUE(Contains(none.err, "nothing was judged")) << none.err;
  const Answer one = Run("replay core.recipe " + mean + subject);
  EXPECT_EQ(one.exit_code, 0) << one.out << one.err;
  EXPECT_TRUE(Contains(one.out, "1 of 2 recipes judged")) << one.out;

  const Answer check = Run("check --time 0.001ms" + subject);
  EXPECT_EQ(check.exit_code, 2) << check.out;
  EXPECT_TRUE(Contains(check.err, "nothing was judged: 0 cases drawn")) << check.err;
}

TEST_F(Command, RecipesAreNotTrusted) {
  Put("empty.recipe", "");
  Put("words.recipe", "maskproof recipe 1\nheads many\n");
  Put("huge.recipe", "maskproof recipe 1\nop Attention\nbatch 9223372036854775807\n");
  Put("binary.recipe", std::string(3000, '\xee'));
  for (const char* name : {"empty", "words", "huge", "binary"}) {
    const std::string file = std::string(name) + ".recipe";
    const Answer show = Run("show " + file);
    EXPECT_EQ(show.exit_code, 2) << name;
    EXPECT_TRUE(Contains(show.err, file)) << show.err;
    EXPECT_EQ(Run("replay --subject planted:none " + file).exit_code, 2) << name;
  }
  EXPECT_TRUE(Contains(Run("show words.recipe").err, "line 2"));
}

TEST_F(Command, CtrlCPrintsWhatThereIs) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (chdir(folder_.c_str()) != 0 || freopen("out", "w", stdout) == nullptr) _exit(99);
    execl(MASKPROOF_BINARY, "maskproof", "check", "--subject", "planted:additive-mask", "--time",
          "5m", "--json", "r.json", nullptr);
    _exit(98);
  }
  std::this_thread::sleep_for(std::chrono::seconds(3));
  kill(child, SIGINT);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_TRUE(Contains(Slurp(folder_ / "out"), "interrupted"));
  const Json json = ReadJson("r.json");
  EXPECT_TRUE(json.at("interrupted"));
  for (const Json& row : json.at("results")) {
    const Json& finding = row.at("finding");
    EXPECT_TRUE(finding.is_null() || finding.at("reproduced").get<bool>()) << row;
  }
}

// A subject that runs in the same process takes it along, and with it the recipe.
TEST_F(Command, TheDyingProcessSaysWhatItTried) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (chdir(folder_.c_str()) != 0 || freopen("err", "w", stderr) == nullptr) _exit(99);
    execl(MASKPROOF_BINARY, "maskproof", "check", "--subject", "planted:none", "--op", "Core",
          "--invariant", "batch-independence", "--seed", "77", "--time", "5m", "--quiet", nullptr);
    _exit(98);
  }
  std::this_thread::sleep_for(std::chrono::seconds(3));
  kill(child, SIGSEGV);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_NE(status, 0);
  const std::string said = Slurp(folder_ / "err");
  if (Contains(said, "Sanitizer:DEADLYSIGNAL")) return;  // has a report of its own
  ASSERT_TRUE(WIFSIGNALED(status)) << status;
  EXPECT_EQ(WTERMSIG(status), SIGSEGV);
  EXPECT_TRUE(Contains(said, "maskproof: died of SIGSEGV in case ")) << said;
  EXPECT_TRUE(Contains(said, " of batch-independence on Core, seed 77\n")) << said;
  EXPECT_TRUE(Contains(said, "--subject isolated:")) << said;
}

TEST_F(Command, AnInterruptedCheckIsNoPass) {
  const Answer answer = Run("check --subject planted:none --time 5m --json r.json",
                            "timeout --foreground --preserve-status --signal=TERM 3");
  EXPECT_EQ(answer.exit_code, 3) << answer.out << answer.err;
  EXPECT_TRUE(Contains(answer.out, "interrupted"));
  EXPECT_TRUE(ReadJson("r.json").at("interrupted"));
}

}  // namespace
}  // namespace maskproof::cli
