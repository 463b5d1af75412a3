// Words, files, tables and JSON of the command.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "cli/files.h"
#include "cli/names.h"
#include "cli/results.h"
#include "cli/table.h"

namespace maskproof::cli {
namespace {

namespace fs = std::filesystem;

class Scratch : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "maskproof-parts-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string Path(const std::string& name) const { return (folder_ / name).string(); }
  void Put(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name) << text;
  }
  size_t Entries() const {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder_)) ++count;
    return count;
  }

  fs::path folder_;
};

TEST(Names, OperatorsInAnyCase) {
  EXPECT_EQ(ParseOp("attention"), Op::kAttention);
  EXPECT_EQ(ParseOp("QAttention"), Op::kQAttention);
  EXPECT_EQ(ParseOp("CORE"), Op::kCore);
  EXPECT_EQ(ParseOp("Attentio"), std::nullopt);
  EXPECT_EQ(ParseOp(""), std::nullopt);
}

TEST(Names, Durations) {
  EXPECT_EQ(ParseDuration("10s"), 10.0);
  EXPECT_EQ(ParseDuration("2m"), 120.0);
  EXPECT_EQ(ParseDuration("1h"), 3600.0);
  EXPECT_EQ(ParseDuration("250ms"), 0.25);
  EXPECT_EQ(ParseDuration("1.5m"), 90.0);
  EXPECT_EQ(ParseDuration("7"), 7.0);
  for (const char* bad : {"", "s", "0s", "-1s", "10x", "10 s", "nan", "inf", "1e9h", "10ss"}) {
    EXPECT_EQ(ParseDuration(bad), std::nullopt) << bad;
  }
}

TEST(Names, Seeds) {
  EXPECT_EQ(ParseSeed("0"), 0U);
  EXPECT_EQ(ParseSeed("18446744073709551615"), ~uint64_t{0});
  EXPECT_EQ(ParseSeed("0xFf"), 255U);
  for (const char* bad : {"", "0x", "-1", "1 ", "18446744073709551616", "seed"}) {
    EXPECT_EQ(ParseSeed(bad), std::nullopt) << bad;
  }
}

TEST(Names, NearestIsASlipOfTheFingerAway) {
  const std::vector<std::string> words = {"fully-masked-rows", "mask-form", "memory"};
  EXPECT_EQ(Nearest("fuly-masked-row", words), "fully-masked-rows");
  EXPECT_EQ(Nearest("memry", words), "memory");
  EXPECT_EQ(Nearest("xyz", words), "");
  EXPECT_EQ(Nearest("x", {}), "");
  EXPECT_NE(UnknownWord("invariant", "memry", words).find("did you mean 'memory'?"),
            std::string::npos);
}

TEST(Names, FileNamesAreSafe) {
  EXPECT_EQ(SafeFileName("mask-form-Core-kernels:AVX2,threads=2"),
            "mask-form-Core-kernels_AVX2_threads_2");
  EXPECT_EQ(SafeFileName("a/../../b"), "a_.._.._b");
  EXPECT_EQ(SafeFileName("..").find('.'), 1U);
  EXPECT_EQ(SafeFileName(""), "_");
  const std::string one = SafeFileName(std::string(5000, 'x') + "1");
  const std::string two = SafeFileName(std::string(5000, 'x') + "2");
  EXPECT_LE(one.size(), 100U);
  EXPECT_NE(one, two);
}

TEST(Names, ShellWords) {
  EXPECT_EQ(ShellQuote("out/a.recipe"), "out/a.recipe");
  EXPECT_EQ(ShellQuote("kernels:AVX2,threads=2"), "kernels:AVX2,threads=2");
  EXPECT_EQ(ShellQuote(""), "''");
  EXPECT_EQ(ShellQuote("it's $HOME"), "'it'\\''s $HOME'");
}

TEST(Names, ControlCharactersDoNotReachTheTerminal) {
  EXPECT_EQ(Printable("a\033[2Jb\nc"), "a [2Jb c");
}

TEST_F(Scratch, WritingReplacesTheWholeFileAndLeavesNothingElse) {
  std::string error;
  ASSERT_TRUE(WriteFileAtomically(Path("f"), "a longer first text", error)) << error;
  ASSERT_TRUE(WriteFileAtomically(Path("f"), "second", error)) << error;
  EXPECT_EQ(ReadFile(Path("f"), 100, error), "second");
  EXPECT_EQ(Entries(), 1U);
}

TEST_F(Scratch, WhatCannotBeWrittenIsKnownBeforehand) {
  std::string error;
  EXPECT_TRUE(CanWriteFile(Path("f"), error)) << error;
  EXPECT_EQ(Entries(), 0U);
  EXPECT_FALSE(CanWriteFile(Path("absent/f"), error));
  EXPECT_NE(error.find("absent/f"), std::string::npos) << error;
  EXPECT_FALSE(CanWriteFile(folder_.string(), error));
}

TEST_F(Scratch, ALinkStaysAndItsFileIsReplaced) {
  std::string error;
  fs::create_directory(folder_ / "d");
  Put("d/real", "first");
  fs::create_symlink("d/real", folder_ / "link");
  fs::create_symlink("link", folder_ / "far");
  fs::create_symlink("d/not-yet", folder_ / "early");
  ASSERT_TRUE(CanWriteFile(Path("far"), error)) << error;
  ASSERT_TRUE(WriteFileAtomically(Path("far"), "second", error)) << error;
  ASSERT_TRUE(WriteFileAtomically(Path("early"), "new", error)) << error;
  for (const char* link : {"link", "far", "early"}) EXPECT_TRUE(fs::is_symlink(Path(link))) << link;
  EXPECT_EQ(ReadFile(Path("d/real"), 100, error), "second");
  EXPECT_EQ(ReadFile(Path("d/not-yet"), 100, error), "new");

  fs::create_symlink("loop", folder_ / "loop");
  EXPECT_FALSE(CanWriteFile(Path("loop"), error));
  EXPECT_FALSE(WriteFileAtomically(Path("loop"), "x", error));
  EXPECT_NE(error.find("loop"), std::string::npos) << error;
}

// Through links, so that a fault does not cost this machine its devices.
TEST_F(Scratch, DevicesAndPipesAreWrittenToAndStay) {
  std::string error;
  fs::create_symlink("/dev/null", folder_ / "null");
  EXPECT_TRUE(CanWriteFile(Path("null"), error)) << error;
  EXPECT_TRUE(WriteFileAtomically(Path("null"), "x", error)) << error;
  EXPECT_TRUE(fs::is_symlink(Path("null")));
  EXPECT_TRUE(fs::is_character_file(Path("null")));
  fs::create_symlink("/dev/full", folder_ / "full");
  EXPECT_FALSE(WriteFileAtomically(Path("full"), "x", error));
  EXPECT_NE(error.find("No space left"), std::string::npos) << error;

  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  const int reader = open(Path("fifo").c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_GE(reader, 0);
  EXPECT_TRUE(CanWriteFile(Path("fifo"), error)) << error;
  EXPECT_TRUE(WriteFileAtomically(Path("fifo"), "through", error)) << error;
  char got[100] = {};
  EXPECT_EQ(read(reader, got, sizeof got), 7);
  EXPECT_STREQ(got, "through");
  close(reader);
  EXPECT_TRUE(fs::is_fifo(Path("fifo")));
  EXPECT_EQ(Entries(), 3U);
}

TEST_F(Scratch, TheUmaskSaysWhoMayReadResults) {
  std::string error;
  for (const mode_t mask : {mode_t{0077}, mode_t{0002}}) {
    const mode_t before = umask(mask);
    EXPECT_TRUE(WriteFileAtomically(Path("f"), "x", error)) << error;
    umask(before);
    EXPECT_EQ(static_cast<mode_t>(fs::status(Path("f")).permissions()), 0666 & ~mask);
  }
}

TEST_F(Scratch, ReadingIsBounded) {
  std::string error;
  Put("f", "12345");
  EXPECT_EQ(ReadFile(Path("f"), 5, error), "12345");
  EXPECT_EQ(ReadFile(Path("f"), 4, error), std::nullopt);
  EXPECT_NE(error.find("larger than 4 bytes"), std::string::npos) << error;
  EXPECT_EQ(ReadFile("/dev/zero", 1000, error), std::nullopt);
  EXPECT_EQ(ReadFile(Path("absent"), 5, error), std::nullopt);
  EXPECT_EQ(ReadFile(folder_.string(), 5, error), std::nullopt);
}

TEST_F(Scratch, AnOutputDirectoryStaysOnlyIfUsed) {
  std::string error;
  {
    const OutputDirectory directory(Path("empty"), error);
    EXPECT_TRUE(directory.ok()) << error;
    EXPECT_TRUE(fs::is_directory(Path("empty")));
  }
  EXPECT_FALSE(fs::exists(Path("empty")));
  {
    const OutputDirectory directory(Path("used"), error);
    Put("used/f", "x");
  }
  EXPECT_TRUE(fs::exists(Path("used/f")));
  Put("file", "x");
  const OutputDirectory blocked(Path("file"), error);
  EXPECT_FALSE(blocked.ok());
}

TEST_F(Scratch, DirectoriesOfRecipesAreWalkedInOrder) {
  std::string error;
  EXPECT_EQ(RecipeFiles(folder_.string(), error), std::nullopt);
  fs::create_directory(folder_ / "b");
  Put("b/2.recipe", "");
  Put("1.recipe", "");
  Put("other.txt", "");
  const auto files = RecipeFiles(folder_.string(), error);
  ASSERT_TRUE(files.has_value());
  EXPECT_EQ(*files, (std::vector<std::string>{Path("1.recipe"), Path("b/2.recipe")}));
}

TEST(Tables, AlignedAndMarkdown) {
  Table table({{"name"}, {"count", Align::kRight}});
  table.AddRow({"a|b", "1"});
  table.AddRow({"c", "1234567"});
  EXPECT_EQ(table.Text(),
            "name    count\n"
            "----  -------\n"
            "a|b         1\n"
            "c     1234567\n");
  EXPECT_EQ(table.Markdown(),
            "| name | count |\n"
            "|---|---:|\n"
            "| a\\|b | 1 |\n"
            "| c | 1234567 |\n");
}

TEST(Results, VerdictWords) {
  EXPECT_STREQ(VerdictWord(0, 0, 0), "not applicable");
  EXPECT_STREQ(VerdictWord(5, 5, 0), "undecided");
  EXPECT_STREQ(VerdictWord(5, 4, 0), "holds");
  EXPECT_STREQ(VerdictWord(5, 4, 1), "BROKEN");
}

TEST(Results, ThousandsApart) {
  EXPECT_EQ(Grouped(0), "0");
  EXPECT_EQ(Grouped(999), "999");
  EXPECT_EQ(Grouped(1000), "1 000");
  EXPECT_EQ(Grouped(1234567), "1 234 567");
}

CheckResults Sample() {
  CheckResults results;
  results.version = "1.2.3";
  results.subject = "onnxruntime:1.30.0";
  results.seed = ~uint64_t{0};
  results.seconds = 10.25;
  results.rows.push_back({.op = "Attention",
                          .invariant = "mask-form",
                          .target = "native",
                          .cases = 10,
                          .undecided = 2,
                          .violations = 3,
                          .not_applicable = 4,
                          .finding = FindingSummary{.file = "d/f.recipe",
                                                    .seconds = 0.5,
                                                    .heads = 1,
                                                    .tokens = 2,
                                                    .summary = "differs \xff here",
                                                    .reproduced = true}});
  results.rows.push_back({.op = "Core",
                          .invariant = "memory",
                          .target = "native",
                          .cases = 7,
                          .undecided = 0,
                          .violations = 0,
                          .not_applicable = 0,
                          .finding = std::nullopt});
  return results;
}

TEST(Results, JsonReadsBack) {
  std::string error;
  const auto read = FromJson(ToJson(Sample()), error);
  ASSERT_TRUE(read.has_value()) << error;
  EXPECT_EQ(read->version, "1.2.3");
  EXPECT_EQ(read->subject, "onnxruntime:1.30.0");
  EXPECT_EQ(read->seed, ~uint64_t{0});
  EXPECT_EQ(read->seconds, 10.25);
  ASSERT_EQ(read->rows.size(), 2U);
  EXPECT_EQ(read->rows[0].violations, 3);
  EXPECT_EQ(read->rows[0].not_applicable, 4);
  ASSERT_TRUE(read->rows[0].finding.has_value());
  EXPECT_EQ(read->rows[0].finding->tokens, 2);
  EXPECT_EQ(read->rows[0].finding->summary, "differs \uFFFD here");
  EXPECT_FALSE(read->rows[1].finding.has_value());
  EXPECT_EQ(read->Cases(), 17);
  EXPECT_EQ(read->Findings(), 1);
}

TEST(Results, OtherJsonIsRefusedWithAReason) {
  for (const char* bad : {"", "{", "[]", "3", "{}", R"({"subject": 1})",
                          R"({"subject":"s","seed":1,"seconds":1,"results":[{}]})",
                          R"({"subject":"s","seed":1,"seconds":1,"results":[1]})",
                          R"({"subject":"s","seed":"1","seconds":1,"results":[]})"}) {
    std::string error;
    EXPECT_FALSE(FromJson(bad, error).has_value()) << bad;
    EXPECT_FALSE(error.empty()) << bad;
  }
}

TEST(Results, TableSaysWhatWasFound) {
  const std::string table = ResultsTable(Sample());
  EXPECT_NE(table.find("BROKEN"), std::string::npos);
  EXPECT_NE(table.find("0.50 s"), std::string::npos);
  EXPECT_NE(table.find("1 head, 2 tokens"), std::string::npos);
  EXPECT_NE(table.find("holds"), std::string::npos);
}

}  // namespace
}  // namespace maskproof::cli
