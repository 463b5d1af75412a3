// Other people's vectors (ONNX Runtime's own tests), read from where they lie; skipped, and saying
// so, where they are not there.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include "properties/case/validity.h"
#include "properties/case/visibility.h"
#include "properties/oracle/oracle.h"
#include "properties/subjects/subject.h"
#include "properties/vectors/vector_case.h"

namespace maskproof {
namespace {

namespace fs = std::filesystem;

// Vectors whose expected output holds a row in which the query sees no key: ONNX Runtime adds a
// finite number to such scores and gives what softmax makes of them; ours gives the mean of V by
// design (docs/operators.md). Those rows are judged against the oracle instead. The list is
// complete: a vector with such rows that is not here fails, and so does one here without.
const std::vector<std::string>& FullyMaskedByDesign() {
  static const std::vector<std::string> names = {
      "attention_AttentionMask1DEndNoWord",
      "attention_AttentionMask1DNoWord",
      "attention_AttentionMask2DNoWord",
      "attention_AttentionMask3DNoWord",
      "attention_AttentionUnidirectional3DMask",
      "attention_AttentionUnidirectionalAttentionMask",
      "attention_AttentionWithNormFactor",
      "v1131_attention_AttentionUnidirectional3DMask",
      "v1131_attention_AttentionUnidirectionalAttentionMask",
  };
  return names;
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Rows without a visible key are left to the oracle.
void ExpectOutput(const Vector& v, const Outcome& outcome, const std::string& who) {
  ASSERT_EQ(VectorMismatch(v, outcome), "") << v.id << " on " << who;
  const Geometry g = GeometryOf(v.c);
  const Visibility visibility(v.c);
  if (!visibility.AnyFullyMasked()) return;
  const Reference reference = ComputeReference(v.c, {});
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t n = 0; n < g.heads; ++n) {
      for (int64_t s = 0; s < g.sequence; ++s) {
        if (!visibility.FullyMasked(b, n, s)) continue;
        for (int64_t j = 0; j < g.value_head_size; ++j) {
          const auto at = static_cast<size_t>(OutputIndex(v.c.op, g, b, n, s, j));
          EXPECT_TRUE(Within(outcome.output.output.Get(static_cast<int64_t>(at)),
                             reference.output[at], reference.bound[at]))
              << v.id << " on " << who << ": fully masked row " << s << ", element " << at;
        }
      }
    }
  }
}

class OrtVectors : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    folder_ = std::string(MASKPROOF_VECTORS) + "/" + GetParam();
    if (!fs::is_directory(folder_)) GTEST_SKIP() << "no vectors at " << folder_;
    vectors_ = ReadVectors(folder_, left_out_);
    std::erase_if(vectors_, [](const Vector& v) { return !v.runs_on_cpu; });
    ASSERT_FALSE(vectors_.empty());
  }

  std::string folder_;
  std::vector<Vector> vectors_;
  std::vector<std::string> left_out_;
};

TEST_P(OrtVectors, EveryCpuVectorIsRead) {
  // All that is left out is float16, which no CPU provider runs.
  for (const std::string& id : left_out_) {
    EXPECT_TRUE(id.find("16") != std::string::npos) << id << " could not be read";
  }
  std::cout << vectors_.size() << " CPU vectors read\n";
}

TEST_P(OrtVectors, ValidityModelAgrees) {
  for (const Vector& v : vectors_) {
    const ValidityVerdict verdict = JudgeValidity(v.c);
    EXPECT_EQ(verdict.validity, v.expects_refusal ? Validity::kInvalid : Validity::kValid)
        << v.id << ": " << verdict.subject << ": " << verdict.reason;
  }
}

TEST_P(OrtVectors, KernelsReproduceOrRefuse) {
  for (const auto& subject : AllKernelsSubjects()) {
    for (const Vector& v : vectors_) {
      const Outcome outcome = subject->Run(v.c);
      if (v.expects_refusal) {
        EXPECT_EQ(VectorMismatch(v, outcome), "") << v.id << " on " << subject->name();
        EXPECT_FALSE(outcome.message.empty()) << v.id << " on " << subject->name();
        continue;
      }
      ExpectOutput(v, outcome, subject->name());
    }
  }
}

TEST_P(OrtVectors, WrongKernelsShow) {
  for (const char* defect : {"all-nan", "all-zeros", "wrong-scale"}) {
    const auto subject = MakePlantedSubject(defect);
    EXPECT_TRUE(std::ranges::any_of(vectors_, [&](const Vector& v) {
      return !VectorMismatch(v, subject->Run(v.c)).empty();
    })) << defect;
  }
}

TEST_P(OrtVectors, DeviationsAreExactlyTheListedOnes) {
  for (const Vector& v : vectors_) {
    if (v.expects_refusal) continue;
    const bool deviates = Visibility(v.c).AnyFullyMasked();
    EXPECT_EQ(deviates, Contains(FullyMaskedByDesign(), v.id)) << v.id;
    if (deviates) {
      std::cout << v.id
                << ": fully masked rows differ by design: the mean of V, judged by the oracle\n";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Main, OrtVectors, testing::Values("ort"));
INSTANTIATE_TEST_SUITE_P(V1131, OrtVectors, testing::Values("ort_v1.13.1"));

}  // namespace
}  // namespace maskproof
