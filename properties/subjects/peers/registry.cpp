// MakeSubject: every subject by its specification. Foreign code is kept out of this process.
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "properties/subjects/peers/isolated_subject.h"
#include "properties/subjects/peers/locate.h"
#include "properties/subjects/peers/onnxruntime_subject.h"
#include "properties/subjects/peers/onnxruntime_supports.h"
#include "properties/subjects/peers/specification.h"
#include "properties/subjects/subject.h"

namespace maskproof {
namespace {

constexpr std::string_view kIsolated = "isolated:";
constexpr std::string_view kOnnxRuntime = "onnxruntime";

std::unique_ptr<Subject> MakeOnnxRuntime(const std::string& name,
                                         const peers::Specification& specification,
                                         std::string& error) {
  if (!peers::BuiltWithOnnxRuntime()) {
    error =
        "built without the ONNX Runtime C API header; run ci/get-onnxruntime and configure again";
    return nullptr;
  }
  const std::string library = peers::FindOnnxRuntime(specification.what, error);
  if (library.empty()) return nullptr;
  // The worker has the same working directory, but the path says which library it is to be.
  std::string inner = std::string(kOnnxRuntime) + ":" + library;
  inner += ",threads=" + std::to_string(specification.threads);
  peers::IsolationOptions options;
  if (!peers::OptionsFromEnvironment(options, error)) return nullptr;
  return peers::MakeIsolatedSubject(name, inner, peers::OnnxRuntimeSupports, options, error);
}

// Our own code: asked here what it supports, run over there.
std::unique_ptr<Subject> MakeIsolated(const std::string& name, const std::string& inner,
                                      std::string& error) {
  const std::shared_ptr<Subject> local = peers::MakeLocalSubject(inner, error).subject;
  if (local == nullptr) return nullptr;
  const auto supports = [local](const std::string& /*version*/) -> peers::Supports {
    return [local](const Case& c) { return local->Supports(c); };
  };
  peers::IsolationOptions options;
  if (!peers::OptionsFromEnvironment(options, error)) return nullptr;
  return peers::MakeIsolatedSubject(name, inner, supports, options, error);
}

}  // namespace

std::unique_ptr<Subject> MakeSubject(const std::string& specification, std::string& error) {
  const bool isolated = specification.starts_with(kIsolated);
  const std::string inner = isolated ? specification.substr(kIsolated.size()) : specification;
  peers::Specification parsed;
  if (!peers::ParseSpecification(inner, parsed, error)) return nullptr;
  if (parsed.family == kOnnxRuntime) return MakeOnnxRuntime(specification, parsed, error);
  if (isolated) return MakeIsolated(specification, inner, error);
  return peers::MakeLocalSubject(specification, error).subject;
}

}  // namespace maskproof
