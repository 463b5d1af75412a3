// Every recipe of corpus/ against every invariant and every one of our kernels: a finding once made
// stays found. One test for each file.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "properties/case/validity.h"
#include "properties/invariants/invariant.h"
#include "properties/recipe/recipe.h"
#include "properties/subjects/subject.h"

namespace maskproof {
namespace {

namespace fs = std::filesystem;

class CorpusRecipe : public testing::Test {
 public:
  explicit CorpusRecipe(fs::path file) : file_(std::move(file)) {}

  void TestBody() override {
    std::ifstream in(file_, std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    ASSERT_TRUE(in.good() || in.eof()) << file_;
    const ParsedRecipe parsed = ParseText(text, FileLimits());
    ASSERT_TRUE(parsed.recipe.has_value()) << file_ << ": " << parsed.error;
    const Case c = Expand(*parsed.recipe);
    const bool valid = JudgeValidity(c).validity == Validity::kValid;

    int held = 0;
    for (const auto& subject : AllKernelsSubjects()) {
      for (const Invariant& invariant : Invariants()) {
        if (!invariant.applies_to(c.op)) continue;
        if (!valid && invariant.domain == Domain::kValid) continue;
        const Verdict verdict = invariant.check(*subject, c);
        held += verdict.kind == VerdictKind::kHolds ? 1 : 0;
        EXPECT_NE(verdict.kind, VerdictKind::kBroken)
            << subject->name() << " breaks " << invariant.id << ": " << verdict.evidence.summary;
      }
    }
    EXPECT_GT(held, 0) << "no invariant had anything to say about " << file_;
  }

 private:
  fs::path file_;
};

std::string TestName(const fs::path& file) {
  std::string name = fs::relative(file, MASKPROOF_CORPUS).replace_extension().string();
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

const bool registered = [] {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(MASKPROOF_CORPUS)) {
    if (entry.path().extension() == ".recipe") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) {
    testing::RegisterTest("Corpus", TestName(file).c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [file]() -> testing::Test* { return new CorpusRecipe(file); });
  }
  return true;
}();

// An emptied corpus must not pass for a clean one.
TEST(Corpus, HoldsTheReportedCase) {
  EXPECT_TRUE(registered);
  EXPECT_TRUE(fs::exists(fs::path(MASKPROOF_CORPUS) / "regressions/onnxruntime-14363.recipe"));
}

}  // namespace
}  // namespace maskproof
