// `maskproof bench` as people run it, on sizes that take no time.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>

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

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

class BenchCommand : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "maskproof-bench-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  // Runs the command in the scratch folder and gives its exit code. `arguments` is shell text.
  int Run(const std::string& arguments) const {
    const std::string line = "cd " + ShellQuote(folder_.string()) + " && " +
                             ShellQuote(MASKPROOF_BINARY) + " bench " + arguments + " >out 2>err";
    const int status = std::system(line.c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  std::string File(const std::string& name) const { return Slurp(folder_ / name); }

 private:
  fs::path folder_;
};

TEST_F(BenchCommand, MeasuresEverythingWithoutAPeer) {
  ASSERT_EQ(Run("--shape 1,4,2,16 --rounds 2 --json a.json --svg a.svg --markdown a.md"), 0)
      << File("err");
  const std::string out = File("out");
  for (const char* part : {"Attention/1x4x2x16/causal", "QAttention/1x4x2x16/random",
                           "Decode-Core/1x1+3x2x16/none", "FMA "}) {
    EXPECT_TRUE(Contains(out, part)) << part;
  }
  const Json json = Json::parse(File("a.json"));
  EXPECT_EQ(json.at("schema"), "maskproof-bench/1");
  EXPECT_TRUE(json.at("skipped").empty());
  EXPECT_GT(json.at("rows").size(), 20U);
  for (const Json& row : json.at("rows")) {
    EXPECT_EQ(row.at("samples_ms").size(), 2U);
    EXPECT_GT(row.at("median_ms"), 0.0);
  }
  EXPECT_TRUE(Contains(File("a.svg"), "share of the FMA peak"));
  EXPECT_TRUE(Contains(File("a.md"), "### QAttention"));
}

TEST_F(BenchCommand, FilterAndList) {
  ASSERT_EQ(Run("--list --filter '^Core/.*/causal$'"), 0);
  EXPECT_EQ(File("out"),
            "Core/1x512x12x64/causal\nCore/1x2048x12x64/causal\nCore/1x8192x8x64/causal\n");
}

TEST_F(BenchCommand, ThreadsAndTargetsAreContenders) {
  ASSERT_EQ(Run("--shape 1,4,2,16 --filter ^Core --rounds 1 --threads 1 --threads 2 "
                "--json a.json -q"),
            0);
  EXPECT_EQ(File("out"), "");
  const Json rows = Json::parse(File("a.json")).at("rows");
  ASSERT_EQ(rows.size(), 6U);
  EXPECT_EQ(rows.at(1).at("threads"), 2);
  EXPECT_EQ(rows.at(1).at("speed_over_first_threads").at("to"), "1");
}

TEST_F(BenchCommand, ProcessorTimeIsForOneThread) {
  EXPECT_EQ(Run("--shape 1,4,2,16 --filter ^Core --rounds 1 --cpu-time --json a.json"), 0);
  EXPECT_EQ(Json::parse(File("a.json")).at("time"), "processor");
  EXPECT_EQ(Run("--shape 1,4,2,16 --cpu-time --threads 2"), 2);
  EXPECT_TRUE(Contains(File("err"), "--threads 1"));
}

TEST_F(BenchCommand, WrongUsage) {
  for (const char* arguments :
       {"--filter '('", "--filter NoSuchCase", "--shape 1,2,3", "--shape 0,1,1,1",
        "--shape 1,2,3,4,5", "--peer nobody", "--peer onnxruntime:0.0.0", "--target NOWHERE",
        "--threads 0", "--rounds 0", "--time soon", "--rounds 1 --time 1s",
        "--json /nowhere/at/all.json"}) {
    EXPECT_EQ(Run(arguments), 2) << arguments;
    EXPECT_FALSE(File("err").empty()) << arguments;
  }
}

}  // namespace
}  // namespace maskproof::cli
