#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/case_report.h"
#include "cli/commands.h"
#include "cli/files.h"
#include "cli/names.h"
#include "cli/picture.h"
#include "cli/recipe_file.h"
#include "cli/recording_subject.h"
#include "properties/case/validity.h"

namespace maskproof::cli {
namespace {

std::string Details(const Verdict& verdict) {
  switch (verdict.kind) {
    case VerdictKind::kBroken:
      return Printable(verdict.evidence.summary);
    case VerdictKind::kHolds: {
      std::string text;
      if (verdict.elements_checked > 0) {
        text = fmt::format("{} {}", verdict.elements_checked,
                           verdict.elements_checked == 1 ? "element" : "elements");
      }
      if (verdict.elements_undecided > 0) {
        text += fmt::format(", {} undecided", verdict.elements_undecided);
      }
      if (verdict.worst_ratio > 0.0) {
        text += fmt::format(", at most {:.3g} of the allowed error", verdict.worst_ratio);
      }
      return text;
    }
    case VerdictKind::kUndecided:
    case VerdictKind::kNotApplicable:
      return {};
  }
  return {};
}

struct Replayed {
  bool addressed = false;  // some law says something about such cases
  bool judged = false;     // some verdict says that it is kept, or that it is not
  bool broken = false;
};

struct Replay {
  Subject* subject;
  std::vector<const Invariant*> invariants;
  bool quiet;

  Replayed Run(const std::string& file, const Recipe& recipe) const {
    const Case c = Expand(recipe);
    const bool valid = JudgeValidity(c).validity == Validity::kValid;
    fmt::print("{}: {} {}\n", Printable(file), OpName(recipe.op),
               valid ? DescribeGeometry(c) : std::string("(not a plain valid case)"));
    Replayed replayed;
    for (const Invariant* invariant : invariants) {
      if (!invariant->applies_to(recipe.op)) continue;
      if (invariant->domain == Domain::kValid && !valid) continue;
      replayed.addressed = true;
      RecordingSubject recorder(*subject);
      const Verdict verdict = invariant->check(recorder, c);
      const bool breaks = verdict.kind == VerdictKind::kBroken;
      fmt::print("  {:<22} {:<15} {}\n", invariant->id,
                 breaks ? "BROKEN" : VerdictKindName(verdict.kind), Details(verdict));
      if (breaks && !quiet) fmt::print("{}", Evidence(c, *invariant, verdict, recorder));
      replayed.judged = replayed.judged || breaks || verdict.kind == VerdictKind::kHolds;
      replayed.broken = replayed.broken || breaks;
    }
    if (!replayed.addressed) {
      Fail(fmt::format("{}: {} says nothing about {}{} cases", Printable(file), Chosen(),
                       valid ? "" : "malformed ", OpName(recipe.op)));
    }
    return replayed;
  }

  std::string Chosen() const {
    std::vector<const char*> ids;
    ids.reserve(invariants.size());
    for (const Invariant* invariant : invariants) ids.push_back(invariant->id);
    return fmt::format("{}", fmt::join(ids, ", "));
  }

  std::string Evidence(const Case& c, const Invariant& invariant, const Verdict& verdict,
                       const RecordingSubject& recorder) const {
    const std::string report = fmt::format(
        "law: {}\n{}", invariant.law,
        CaseReport(*subject, c, GuiltyRun(recorder.runs(), verdict.evidence), verdict.evidence));
    std::string indented;
    bool at_line_start = true;
    for (const char character : report) {
      if (at_line_start && character != '\n') indented += "    ";
      indented += character;
      at_line_start = character == '\n';
    }
    return indented;
  }
};

}  // namespace

int RunReplay(const ReplayArguments& arguments) {
  std::vector<std::string> files;
  std::string error;
  for (const std::string& path : arguments.files) {
    const std::optional<std::vector<std::string>> found = RecipeFiles(path, error);
    if (!found) return Fail(error);
    files.insert(files.end(), found->begin(), found->end());
  }
  Replay replay = {.subject = nullptr, .invariants = {}, .quiet = arguments.quiet};
  if (!ChooseInvariants(arguments.invariants, replay.invariants)) return kExitUsage;
  const std::unique_ptr<Subject> subject = OpenSubject(arguments.subject, arguments.dialect);
  if (subject == nullptr) return kExitUsage;
  replay.subject = subject.get();

  int64_t broken = 0;
  int64_t judged = 0;
  int64_t failed = 0;  // not readable, or not what the chosen laws are about
  for (const std::string& file : files) {
    const std::optional<Recipe> recipe = ReadRecipe(file, error);
    if (!recipe) {
      Fail(error);
      ++failed;
      continue;
    }
    const Replayed replayed = replay.Run(file, *recipe);
    broken += replayed.broken ? 1 : 0;
    judged += replayed.judged ? 1 : 0;
    failed += replayed.addressed ? 0 : 1;
  }
  fmt::print("{} of {} recipes judged\n{} of {} recipes broken on {}\n", judged, files.size(),
             broken, files.size(), Printable(subject->name()));
  if (failed > 0) return kExitUsage;
  if (judged == 0) return Fail("nothing was judged: all is not applicable or undecided");
  return broken > 0 ? kExitFindings : kExitClean;
}

}  // namespace maskproof::cli
