#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "cli/commands.h"
#include "cli/dialects.h"
#include "cli/names.h"

namespace maskproof::cli {

int Fail(std::string_view message) {
  fmt::print(stderr, "maskproof: {}\n", message);
  return kExitUsage;
}

std::unique_ptr<Subject> OpenSubject(const std::string& specification) {
  std::string error;
  std::unique_ptr<Subject> subject = MakeSubject(specification, error);
  if (subject != nullptr) return subject;
  std::vector<std::string> known;
  for (const SubjectEntry& entry : KnownSubjects()) known.push_back(entry.specification);
  const std::string nearest = Nearest(specification, known);
  std::string message =
      fmt::format("cannot open the subject '{}': {}", Printable(specification), Printable(error));
  if (!nearest.empty() && nearest != specification) {
    message += fmt::format("\ndid you mean '{}'?", nearest);
  }
  Fail(message + "\n'maskproof list subjects' shows all of them");
  return nullptr;
}

std::unique_ptr<Subject> OpenSubject(const std::string& specification, const std::string& dialect) {
  std::unique_ptr<Subject> subject = OpenSubject(specification);
  return subject == nullptr ? nullptr : HeldToDialect(std::move(subject), dialect);
}

bool ChooseInvariants(const std::vector<std::string>& ids, std::vector<const Invariant*>& chosen) {
  chosen.clear();
  for (const std::string& id : ids) {
    if (FindInvariant(id) != nullptr) continue;
    std::vector<std::string> known;
    for (const Invariant& invariant : Invariants()) known.emplace_back(invariant.id);
    Fail(UnknownWord("invariant", id, known));
    return false;
  }
  for (const Invariant& invariant : Invariants()) {
    if (ids.empty() || std::ranges::find(ids, invariant.id) != ids.end()) {
      chosen.push_back(&invariant);
    }
  }
  return true;
}

}  // namespace maskproof::cli
