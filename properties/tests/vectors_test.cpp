// Other people's vectors (ONNX Runtime's own tests), read from where they lie; skipped, and saying
// so, where they are not there.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "properties/case/validity.h"
#include "properties/case/visibility.h"
#include "properties/oracle/oracle.h"
#include "properties/subjects/subject.h"
#include "properties/tests/vector_case.h"

namespace maskproof {

namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

std::optional<Tensor> ReadTensor(const Json& json) {
  const std::string dtype = json.at("dtype");
  Tensor tensor;
  const Dims dims = json.at("shape").get<Dims>();
  if (dtype == "float32") {
    tensor = Tensor(ElementType::kFloat32, dims);
  } else if (dtype == "int32") {
    tensor = Tensor(ElementType::kInt32, dims);
  } else if (dtype == "int8") {
    tensor = Tensor(ElementType::kInt8, dims);
  } else if (dtype == "uint8") {
    tensor = Tensor(ElementType::kUint8, dims);
  } else {
    return std::nullopt;
  }
  int64_t i = 0;
  for (const Json& value : json.at("data")) tensor.Set(i++, value.get<double>());
  return i == tensor.size() ? std::optional(tensor) : std::nullopt;
}

bool ReadInputs(const Json& json, Case& c) {
  for (const auto& [name, value] : json.items()) {
    // QAttention's schema says "weight", Attention's "weights".
    const std::string ours = name == "weight" ? "weights" : name;
    const auto id = TensorFromName(ours.data(), ours.size());
    if (!id) return false;
    std::optional<Tensor> tensor = ReadTensor(value);
    if (!tensor) return false;
    c[*id] = std::move(*tensor);
  }
  return true;
}

bool ReadAttributes(const Json& json, Attributes& attributes) {
  for (const auto& [name, value] : json.items()) {
    if (name == "num_heads") {
      attributes.num_heads = value;
    } else if (name == "unidirectional") {
      attributes.unidirectional = value;
    } else if (name == "mask_filter_value") {
      attributes.mask_filter_value = value.get<float>();
    } else if (name == "scale") {
      attributes.scale = value.get<float>();
    } else if (name == "qkv_hidden_sizes") {
      attributes.qkv_hidden_sizes = value.get<std::vector<int64_t>>();
    } else if (name == "past_present_share_buffer") {
      attributes.past_present_share_buffer = value.get<int64_t>();
    } else if (name == "do_rotary") {
      attributes.do_rotary = value.get<int64_t>();
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

std::vector<Vector> ReadVectors(const std::string& folder, std::vector<std::string>& left_out) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());

  std::vector<Vector> vectors;
  for (const fs::path& file : files) {
    const Json json = Json::parse(std::ifstream(file));
    Vector v;
    v.id = json.at("id");
    v.runs_on_cpu = json.at("cpu_ep");
    v.expects_refusal = json.at("expect") == "failure";
    v.c.op = json.at("op") == "QAttention" ? Op::kQAttention : Op::kAttention;
    const bool readable =
        ReadInputs(json.at("inputs"), v.c) && ReadAttributes(json.at("attributes"), v.c.attributes);
    if (json.contains("tolerance")) {
      // Null where the test leaves it to the default.
      const auto number = [&](const char* key) {
        const Json& value = json["tolerance"].at(key);
        return value.is_number() ? value.get<double>() : 0.0;
      };
      v.absolute = number("abs");
      v.relative = number("rel");
    }
    if (json.contains("expected_outputs")) {
      const Json& outputs = json["expected_outputs"];
      if (outputs.contains("output")) v.output = ReadTensor(outputs["output"]);
      if (outputs.contains("present")) v.present = ReadTensor(outputs["present"]);
    }
    v.c.want_present = v.present.has_value();
    const bool complete = readable && (v.expects_refusal || v.output.has_value());
    if (complete) {
      vectors.push_back(std::move(v));
    } else {
      left_out.push_back(v.id);
    }
  }
  return vectors;
}

namespace {

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

// Compares element by element; rows without a visible key are left to the oracle.
void ExpectOutput(const Vector& v, const Output& got, const std::string& who) {
  const Geometry g = GeometryOf(v.c);
  const Visibility visibility(v.c);
  const Reference reference = ComputeReference(v.c, {});
  ASSERT_EQ(got.output.dims, v.output->dims) << v.id << " on " << who;
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t n = 0; n < g.heads; ++n) {
      for (int64_t s = 0; s < g.sequence; ++s) {
        const bool fully_masked = visibility.FullyMasked(b, n, s);
        for (int64_t j = 0; j < g.value_head_size; ++j) {
          const int64_t i = OutputIndex(v.c.op, g, b, n, s, j);
          const auto at = static_cast<size_t>(i);
          const double value = got.output.Get(i);
          if (fully_masked) {
            EXPECT_TRUE(Within(value, reference.output[at], reference.bound[at]))
                << v.id << " on " << who << ": fully masked row " << s << ", element " << i;
          } else {
            const double expected = v.output->Get(i);
            EXPECT_TRUE(Within(value, expected, v.absolute + v.relative * std::fabs(expected)))
                << v.id << " on " << who << ": element " << i << " expected " << expected << " got "
                << value;
          }
        }
      }
    }
  }
  if (v.present) {
    ASSERT_TRUE(got.present.has_value()) << v.id << " on " << who;
    ASSERT_EQ(got.present->dims, v.present->dims) << v.id << " on " << who;
    for (int64_t i = 0; i < v.present->size(); ++i) {
      const double expected = v.present->Get(i);
      EXPECT_TRUE(
          Within(got.present->Get(i), expected, v.absolute + v.relative * std::fabs(expected)))
          << v.id << " on " << who << ": present " << i;
    }
  }
}

// The vectors of 1.13.1 carry no tolerance of their own; they are the older form of tests whose
// tolerance is 1e-3.
void UseTestTolerance(Vector& v) {
  if (v.absolute == 0.0) v.absolute = v.relative = 1e-3;
}

class OrtVectors : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    folder_ = std::string(MASKPROOF_VECTORS) + "/" + GetParam();
    if (!fs::is_directory(folder_)) GTEST_SKIP() << "no vectors at " << folder_;
    vectors_ = ReadVectors(folder_, left_out_);
    std::erase_if(vectors_, [](const Vector& v) { return !v.runs_on_cpu; });
    ASSERT_FALSE(vectors_.empty());
    for (Vector& v : vectors_) UseTestTolerance(v);
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
        EXPECT_EQ(outcome.kind, OutcomeKind::kRefused) << v.id << " on " << subject->name();
        EXPECT_FALSE(outcome.message.empty()) << v.id << " on " << subject->name();
        continue;
      }
      ASSERT_EQ(outcome.kind, OutcomeKind::kOutput)
          << v.id << " on " << subject->name() << ": " << outcome.message;
      ExpectOutput(v, outcome.output, subject->name());
    }
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
