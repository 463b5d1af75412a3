#include "properties/vectors/vector_case.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <utility>

#include "properties/case/visibility.h"
#include "properties/oracle/oracle.h"

namespace maskproof {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

// The vectors of 1.13.1 carry no tolerance of their own; they are the older form of tests whose
// tolerance is this.
constexpr double kTestTolerance = 1e-3;

std::optional<Tensor> ReadTensor(const Json& json) {
  const std::string dtype = json.at("dtype");
  Tensor tensor;
  if (json.at("shape").size() > kLargestRank) return std::nullopt;
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
      if (value.size() > kLargestRank) return false;
      attributes.qkv_hidden_sizes = value.get<Dims>();
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
    if (v.absolute == 0.0) v.absolute = v.relative = kTestTolerance;
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

std::string Text(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.9g", value);
  return text.data();
}

// The first element of `got` that is out of tolerance, or why it cannot be compared; "" if none.
// `judged` says which elements count.
template <typename Judged>
std::string Mismatch(const Vector& v, const char* name, const Tensor& got, const Tensor& expected,
                     const Judged& judged) {
  if (got.dims != expected.dims) return std::string(name) + " has other dims than expected";
  for (int64_t i = 0; i < expected.size(); ++i) {
    const double value = expected.Get(i);
    if (!judged(i) || Within(got.Get(i), value, v.absolute + v.relative * std::fabs(value))) {
      continue;
    }
    return std::string(name) + '[' + std::to_string(i) + "]: expected " + Text(value) + ", got " +
           Text(got.Get(i));
  }
  return {};
}

}  // namespace

std::string VectorMismatch(const Vector& v, const Outcome& outcome) {
  if (v.expects_refusal) {
    return outcome.kind == OutcomeKind::kRefused ? "" : "was not refused";
  }
  if (outcome.kind != OutcomeKind::kOutput) {
    return std::string(OutcomeKindName(outcome.kind)) + ": " + outcome.message;
  }
  const Geometry g = GeometryOf(v.c);
  const Visibility visibility(v.c);
  std::vector<uint8_t> sees_some(static_cast<size_t>(v.output->size()));
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t n = 0; n < g.heads; ++n) {
      for (int64_t s = 0; s < g.sequence; ++s) {
        const uint8_t sees = visibility.FullyMasked(b, n, s) ? 0 : 1;
        for (int64_t j = 0; j < g.value_head_size; ++j) {
          sees_some[static_cast<size_t>(OutputIndex(v.c.op, g, b, n, s, j))] = sees;
        }
      }
    }
  }
  std::string mismatch = Mismatch(v, "output", outcome.output.output, *v.output, [&](int64_t i) {
    return sees_some[static_cast<size_t>(i)] != 0;
  });
  if (!mismatch.empty() || !v.present) return mismatch;
  if (!outcome.output.present) return "present is missing";
  return Mismatch(v, "present", *outcome.output.present, *v.present, [](int64_t) { return true; });
}

}  // namespace maskproof
