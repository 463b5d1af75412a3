#include "cli/finding_report.h"

#include <fmt/format.h>

#include "cli/case_report.h"
#include "cli/names.h"

namespace maskproof::cli {
namespace {

std::string Commented(const std::string& text) {
  std::string commented = "# ";
  for (const char c : text) {
    commented += c;
    if (c == '\n') commented += "# ";
  }
  return commented + '\n';
}

}  // namespace

std::string ReplayCommand(const std::string& file, const std::string& subject,
                          const std::string& dialect, const Invariant& invariant) {
  std::string command = fmt::format("maskproof replay {} --subject {} --invariant {}",
                                    ShellQuote(file), ShellQuote(subject), invariant.id);
  if (dialect != DialectOf(DialectId::kIdeal).name) command += " --dialect " + ShellQuote(dialect);
  return command;
}

std::string RecipeFileText(const FindingText& finding, const Subject& subject) {
  std::string text =
      Commented(fmt::format("Breaks {} on {}.", finding.invariant->id, Printable(subject.name())));
  text += Commented(Printable(finding.verdict.evidence.summary));
  text += Commented(finding.origin);
  text += Commented("Rerun: " + Printable(finding.command));
  return text + ToText(finding.recipe);
}

std::string ReportFileText(const FindingText& finding, Subject& subject) {
  const Invariant& invariant = *finding.invariant;
  const Evidence& evidence = finding.verdict.evidence;
  std::string text = fmt::format("{} is broken by {} ({})\n\n", invariant.id,
                                 Printable(subject.name()), OpName(finding.recipe.op));
  text += Printable(evidence.summary) + '\n';
  text += fmt::format("\nlaw        {}\nreason     {}\ntolerance  {}\nseen in    {}\n",
                      invariant.law, invariant.reason, invariant.tolerance, invariant.modelled_on);
  text += fmt::format("found      {}\nrerun      {}\n", finding.origin, finding.command);
  text += '\n' + CaseReport(subject, Expand(finding.recipe), finding.run, evidence);
  return text + "\nrecipe\n" + ToText(finding.recipe);
}

}  // namespace maskproof::cli
