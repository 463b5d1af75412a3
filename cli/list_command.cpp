#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <system_error>

#include "cli/commands.h"
#include "cli/names.h"
#include "cli/table.h"
#include "maskproof/kernels/execution.h"
#include "properties/invariants/catalogue.h"
#include "properties/oracle/dialect.h"
#include "properties/subjects/evaluation.h"

namespace maskproof::cli {
namespace {

namespace fs = std::filesystem;

void AddVersionsIn(const fs::path& cache, std::vector<std::string>& versions) {
  std::error_code code;
  for (fs::directory_iterator entry(cache, code), end; !code && entry != end;
       entry.increment(code)) {
    std::error_code ignored;
    const std::string name = entry->path().filename().string();
    if (name == "include" || !entry->is_directory(ignored)) continue;
    if (std::ranges::find(versions, name) == versions.end()) {
      versions.push_back(name);
    }
  }
}

// Where docs/onnxruntime.md says that libraries are looked for.
std::vector<std::string> OnnxRuntimeVersions() {
  std::vector<std::string> versions;
  if (const char* directory = std::getenv("MASKPROOF_ONNXRUNTIME_DIR"); directory != nullptr) {
    AddVersionsIn(directory, versions);
  }
  std::error_code code;
  for (const fs::path& start : {fs::current_path(code), fs::read_symlink("/proc/self/exe", code)}) {
    for (fs::path folder = start; !folder.empty(); folder = folder.parent_path()) {
      AddVersionsIn(folder / ".cache" / "onnxruntime", versions);
      if (folder == folder.root_path()) break;
    }
  }
  std::ranges::sort(versions);
  return versions;
}

Table InvariantTable() {
  Table table({{"invariant"}, {"law"}, {"tolerance"}});
  for (const Invariant& invariant : Invariants()) {
    table.AddRow({invariant.id, invariant.law, invariant.tolerance});
  }
  return table;
}

Table SubjectTable() {
  Table table({{"subject"}, {"what it is"}});
  for (const SubjectEntry& entry : KnownSubjects()) {
    table.AddRow({Printable(entry.specification), entry.what});
  }
  return table;
}

Table DialectTable() {
  Table table({{"dialect"}, {"what a mask means in it"}, {"where"}});
  for (const Dialect& dialect : Dialects()) {
    table.AddRow({dialect.name, dialect.meaning, dialect.source});
  }
  return table;
}

Table TargetTable() {
  Table table({{"target"}, {"subject"}});
  for (const kernels::Target& target : kernels::SupportedTargets()) {
    table.AddRow({std::string(target.name), fmt::format("kernels:{}", target.name)});
  }
  return table;
}

}  // namespace

std::vector<SubjectEntry> KnownSubjects() {
  std::vector<SubjectEntry> entries = {
      {"kernels", "our kernels on the best target of this machine"}};
  for (const kernels::Target& target : kernels::SupportedTargets()) {
    entries.push_back({fmt::format("kernels:{}", target.name), "our kernels on this target"});
  }
  for (const std::string& version : OnnxRuntimeVersions()) {
    entries.push_back({"onnxruntime:" + version, "ONNX Runtime's CPU kernels"});
  }
  for (const NamedEvaluation& evaluation : NamedEvaluations()) {
    entries.push_back({fmt::format("evaluation:{}", evaluation.name),
                       fmt::format("correct: {}", evaluation.what)});
  }
  entries.push_back({"planted:none", "a plain float32 implementation, correct"});
  for (const PlantedDefect& defect : PlantedDefects()) {
    entries.push_back(
        {fmt::format("planted:{}", defect.name), fmt::format("wrong on purpose: {}", defect.what)});
  }
  return entries;
}

int RunList(const ListArguments& arguments) {
  const auto print = [&](const Table& table) {
    fmt::print("{}", arguments.markdown ? table.Markdown() : table.Text());
    return kExitClean;
  };
  if (arguments.what == "subjects") return print(SubjectTable());
  if (arguments.what == "invariants") {
    if (!arguments.markdown) return print(InvariantTable());
    fmt::print("{}", CatalogueMarkdown());
    return kExitClean;
  }
  if (arguments.what == "targets") return print(TargetTable());
  if (arguments.what == "dialects") return print(DialectTable());
  return Fail(
      UnknownWord("list", arguments.what, {"subjects", "invariants", "targets", "dialects"}));
}

}  // namespace maskproof::cli
