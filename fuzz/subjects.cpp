#include "fuzz/subjects.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

#include "maskproof/kernels/execution.h"

namespace maskproof::fuzz {
namespace {

constexpr std::string_view kKernels = "kernels";
constexpr std::string_view kPlanted = "planted:";
constexpr std::string_view kThreads = ",threads=";
constexpr int kMostThreads = 64;

std::optional<int> ThreadCount(std::string_view digits) {
  int threads = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, code] = std::from_chars(digits.data(), end, threads);
  if (code != std::errc() || stop != end || threads < 1 || threads > kMostThreads) {
    return std::nullopt;
  }
  return threads;
}

// `rest` is what follows "kernels": "", ":AVX2", ":AVX2,threads=3".
std::unique_ptr<Subject> Kernels(std::string_view rest, std::string& error) {
  const std::vector<kernels::Target>& targets = kernels::SupportedTargets();
  if (rest.empty()) return MakeKernelsSubject(std::string(targets.front().name), 1);
  rest.remove_prefix(1);
  int threads = 1;
  const size_t comma = rest.find(kThreads);
  if (comma != std::string_view::npos) {
    const std::optional<int> count = ThreadCount(rest.substr(comma + kThreads.size()));
    if (!count) {
      error = "threads: expected a number from 1 to 64";
      return nullptr;
    }
    threads = *count;
    rest = rest.substr(0, comma);
  }
  error = "this machine has no SIMD target of that name; it has";
  for (const kernels::Target& target : targets) {
    if (target.name == rest) return MakeKernelsSubject(std::string(rest), threads);
    error.append(" ").append(target.name);
  }
  return nullptr;
}

std::unique_ptr<Subject> Planted(std::string_view name, std::string& error) {
  if (name == "none") return MakePlantedSubject("");
  const std::vector<PlantedDefect>& defects = PlantedDefects();
  const bool known = std::any_of(defects.begin(), defects.end(),
                                 [&](const PlantedDefect& d) { return name == d.name; });
  if (known) return MakePlantedSubject(std::string(name));
  error = "no planted defect has that name";
  return nullptr;
}

std::vector<std::unique_ptr<Subject>> FromEnvironment() {
  const char* specification = std::getenv("MASKPROOF_FUZZ_SUBJECT");
  if (specification == nullptr || *specification == '\0') return AllKernelsSubjects();
  std::string error;
  std::vector<std::unique_ptr<Subject>> subjects;
  subjects.push_back(MakeInProcessSubject(specification, error));
  if (subjects.front() == nullptr) {
    std::fprintf(stderr, "MASKPROOF_FUZZ_SUBJECT=%s: %.*s\n", specification,
                 static_cast<int>(error.size()), error.data());
    std::exit(2);
  }
  return subjects;
}

}  // namespace

std::unique_ptr<Subject> MakeInProcessSubject(const std::string& specification,
                                              std::string& error) {
  const std::string_view spec = specification;
  if (spec.starts_with(kPlanted)) return Planted(spec.substr(kPlanted.size()), error);
  if (spec == kKernels || spec.starts_with("kernels:")) {
    return Kernels(spec.substr(kKernels.size()), error);
  }
  error = "expected kernels, kernels:TARGET[,threads=N] or planted:NAME";
  return nullptr;
}

const std::vector<std::unique_ptr<Subject>>& FuzzSubjects() {
  static const std::vector<std::unique_ptr<Subject>> subjects = FromEnvironment();
  return subjects;
}

}  // namespace maskproof::fuzz
