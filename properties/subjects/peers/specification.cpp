#include "properties/subjects/peers/specification.h"

#include <charconv>
#include <optional>
#include <vector>

#include "maskproof/kernels/execution.h"
#include "properties/subjects/evaluation.h"
#include "properties/subjects/peers/misbehaving_subject.h"
#include "properties/subjects/peers/onnxruntime_subject.h"

namespace maskproof::peers {
namespace {

constexpr int kMostThreads = 256;

std::optional<int> ParseThreads(std::string_view text) {
  int threads = 0;
  const auto [rest, failure] = std::from_chars(text.data(), text.data() + text.size(), threads);
  if (failure != std::errc{} || rest != text.data() + text.size()) return std::nullopt;
  if (threads < 1 || threads > kMostThreads) return std::nullopt;
  return threads;
}

std::string Join(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::unique_ptr<Subject> MakeKernels(const Specification& specification, std::string& error) {
  const auto& targets = kernels::SupportedTargets();
  const std::string target =
      specification.what.empty() ? std::string(targets.front().name) : specification.what;
  std::unique_ptr<Subject> subject = MakeKernelsSubject(
      target, specification.threads,
      specification.zero_fully_masked ? FullyMasked::kZero : FullyMasked::kUniform);
  if (subject == nullptr) {
    std::vector<std::string> names;
    names.reserve(targets.size());
    for (const kernels::Target& known : targets) names.emplace_back(known.name);
    error = "this machine has no kernels for '" + target + "'; it has " + Join(names);
  }
  return subject;
}

std::unique_ptr<Subject> MakePlanted(const Specification& specification, std::string& error) {
  const std::string defect = specification.what == "none" ? "" : specification.what;
  std::unique_ptr<Subject> subject = MakePlantedSubject(defect);
  if (subject == nullptr) {
    std::vector<std::string> names = {"none"};
    for (const PlantedDefect& known : PlantedDefects()) names.emplace_back(known.name);
    error = "no planted defect '" + specification.what + "'; there are " + Join(names);
  }
  return subject;
}

std::unique_ptr<Subject> MakeEvaluation(const Specification& specification, std::string& error) {
  std::unique_ptr<Subject> subject = MakeEvaluationSubject(specification.what);
  if (subject == nullptr) {
    std::vector<std::string> names;
    for (const NamedEvaluation& known : NamedEvaluations()) names.emplace_back(known.name);
    error = "no evaluation '" + specification.what + "'; there are " + Join(names);
  }
  return subject;
}

}  // namespace

bool ParseSpecification(std::string_view text, Specification& specification, std::string& error) {
  constexpr std::string_view kThreads = ",threads=";
  constexpr std::string_view kZero = ",fully_masked=zero";
  specification.zero_fully_masked = text.ends_with(kZero);
  if (specification.zero_fully_masked) text.remove_suffix(kZero.size());
  const size_t option = text.rfind(kThreads);
  const std::string_view head = text.substr(0, option);
  const size_t colon = head.find(':');
  specification.family = head.substr(0, colon);
  specification.what = colon == std::string_view::npos ? "" : head.substr(colon + 1);
  if (specification.zero_fully_masked && specification.family != "kernels") {
    error = "subjects of the family '" + specification.family + "' have no option 'fully_masked'";
    return false;
  }
  if (option == std::string_view::npos) return true;
  const std::string_view number = text.substr(option + kThreads.size());
  const std::optional<int> threads = ParseThreads(number);
  if (!threads) {
    error = "threads: expected a number from 1 to " + std::to_string(kMostThreads) + ", got '" +
            std::string(number) + "'";
    return false;
  }
  specification.threads = *threads;
  return true;
}

LocalSubject MakeLocalSubject(const std::string& specification, std::string& error) {
  Specification parsed;
  if (!ParseSpecification(specification, parsed, error)) return {};
  LocalSubject local;
  if (parsed.family == "kernels") {
    local.subject = MakeKernels(parsed, error);
  } else if (parsed.family == "onnxruntime") {
    local.subject = MakeOnnxRuntimeSubject(parsed.what, parsed.threads, local.version, error);
  } else if (parsed.family == "planted" || parsed.family == "evaluation" ||
             parsed.family == "test") {
    if (parsed.threads != 1) {
      error = "subjects of the family '" + parsed.family + "' take no option";
    } else if (parsed.family == "planted") {
      local.subject = MakePlanted(parsed, error);
    } else if (parsed.family == "evaluation") {
      local.subject = MakeEvaluation(parsed, error);
    } else {
      local.subject = MakeMisbehavingSubject(parsed.what);
      if (local.subject == nullptr) error = "no test subject '" + parsed.what + "'";
    }
  } else {
    error = "no subject '" + specification +
            "'; expected kernels, kernels:TARGET, planted:NAME, evaluation:NAME, "
            "onnxruntime:VERSION, onnxruntime:PATH or isolated:SUBJECT";
  }
  return local;
}

}  // namespace maskproof::peers
