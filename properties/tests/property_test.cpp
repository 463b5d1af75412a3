// Every invariant, on every operator, for our kernels on every SIMD target: one test each, driven
// by RapidCheck. MASKPROOF_CASES sets the cases of each test (default 100), MASKPROOF_SEED the seed
// (default fixed, so that a red run is red again).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>

#include "properties/invariants/invariant.h"
#include "properties/subjects/subject.h"
#include "properties/tests/recipe_gen.h"

namespace maskproof {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t fallback) {
  const char* text = std::getenv(name);
  if (text == nullptr) return fallback;
  uint64_t value = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, value);
  if (error != std::errc() || stop != end) {
    std::cerr << name << ": expected a whole number, got '" << text << "'\n";
    std::exit(2);
  }
  return value;
}

std::string Describe(const Invariant& invariant, const Subject& subject, const Verdict& verdict) {
  std::ostringstream out;
  out << subject.name() << " breaks " << invariant.id << " (" << invariant.law
      << "): " << verdict.evidence.summary;
  return out.str();
}

// Every subject of the kernels, and the best target with rows that see no key zero.
std::vector<std::unique_ptr<Subject>> Subjects() {
  auto subjects = AllKernelsSubjects();
  subjects.push_back(MakeKernelsSubject(subjects.front()->target(), 1, FullyMasked::kZero));
  return subjects;
}

class InvariantHolds : public testing::Test {
 public:
  InvariantHolds(size_t subject_index, Op op, const Invariant& invariant)
      : subject_index_(subject_index), op_(op), invariant_(invariant) {}

  void TestBody() override {
    const auto subjects = Subjects();
    Subject& subject = *subjects.at(subject_index_);

    GenerateOptions options;
    options.op = op_;
    options.allow_faults = invariant_.domain == Domain::kAny;
    rc::detail::TestParams params;
    params.maxSuccess = static_cast<int>(FromEnvironment("MASKPROOF_CASES", 100));
    params.seed = FromEnvironment("MASKPROOF_SEED", std::hash<std::string_view>()(invariant_.id));
    rc::detail::TestMetadata metadata;
    metadata.id = subject.name() + "/" + OpName(op_) + "/" + invariant_.id;
    metadata.description = metadata.id;

    int64_t checked = 0;
    int64_t undecided = 0;
    int64_t not_applicable = 0;
    std::map<std::string, int64_t> labels;
    const auto result = rc::detail::checkTestable(
        [&] {
          const Recipe recipe = *RecipeGen(options);
          const Case c = Expand(recipe);
          for (const char* label : Classify(recipe, c)) ++labels[label];
          const Verdict verdict = invariant_.check(subject, c);
          checked += verdict.kind == VerdictKind::kHolds ? 1 : 0;
          undecided += verdict.kind == VerdictKind::kUndecided ? 1 : 0;
          not_applicable += verdict.kind == VerdictKind::kNotApplicable ? 1 : 0;
          if (verdict.kind == VerdictKind::kBroken) {
            RC_FAIL(Describe(invariant_, subject, verdict));
          }
        },
        metadata, params);

    std::ostringstream report;
    rc::detail::printResultMessage(result, report);
    if (!result.is<rc::detail::SuccessResult>()) FAIL() << report.str();
    const int64_t cases = checked + undecided + not_applicable;
    std::cout << "held " << checked << ", undecided " << undecided << ", not applicable "
              << not_applicable << '\n';
    for (const auto& [label, count] : labels) {
      std::cout << fmt::format(
          "{:6.2f}%  {}\n", 100.0 * static_cast<double>(count) / static_cast<double>(cases), label);
    }
    // A law that never bit has not been tested.
    EXPECT_GT(checked, 0) << "no generated case was decided";
  }

 private:
  size_t subject_index_;
  Op op_;
  const Invariant& invariant_;
};

std::string TestName(std::string text) {
  for (char& c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return text;
}

void RegisterAll() {
  const auto subjects = Subjects();
  for (size_t i = 0; i < subjects.size(); ++i) {
    const std::string suite = TestName(subjects[i]->name());
    for (const Op op : {Op::kAttention, Op::kQAttention, Op::kCore}) {
      for (const Invariant& invariant : Invariants()) {
        if (!invariant.applies_to(op)) continue;
        const std::string name = TestName(std::string(OpName(op)) + " " + invariant.id);
        testing::RegisterTest(suite.c_str(), name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                              [i, op, &invariant]() -> testing::Test* {
                                return new InvariantHolds(i, op, invariant);
                              });
      }
    }
  }
}

// Before main, so that gtest_main lists them.
const bool registered = [] {
  RegisterAll();
  return true;
}();

}  // namespace
}  // namespace maskproof
