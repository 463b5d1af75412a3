#include "fuzz/tally.h"

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace maskproof::fuzz {
namespace {

struct Cell {
  size_t law = 0;
  const Subject* subject = nullptr;
  std::string name;  // of the subject, which may be gone when the table is printed
  Tally tally;
};

std::vector<Cell>& Cells() {
  // Never destroyed: the table is printed while the process ends.
  static auto* const cells = new std::vector<Cell>();
  return *cells;
}

void PrintTable() {
  std::fprintf(stderr, "%-22s %-28s %12s %10s %14s\n", "invariant", "subject", "holds", "undecided",
               "not applicable");
  const std::vector<Invariant>& laws = Invariants();
  for (size_t law = 0; law < laws.size(); ++law) {
    for (const Cell& cell : Cells()) {
      if (cell.law != law) continue;
      std::fprintf(stderr, "%-22s %-28.*s %12llu %10llu %14llu\n", laws[law].id,
                   static_cast<int>(cell.name.size()), cell.name.data(),
                   static_cast<unsigned long long>(cell.tally.holds),
                   static_cast<unsigned long long>(cell.tally.undecided),
                   static_cast<unsigned long long>(cell.tally.not_applicable));
    }
  }
}

Cell& CellOf(size_t law, const Subject& subject) {
  std::vector<Cell>& cells = Cells();
  for (Cell& cell : cells) {
    if (cell.law == law && cell.subject == &subject) return cell;
  }
  if (cells.empty() && std::getenv("MASKPROOF_FUZZ_STATS") != nullptr) {
    (void)Invariants();  // made before the handler is registered, so alive when it runs
    (void)std::atexit(PrintTable);
  }
  cells.push_back({law, &subject, subject.name(), {}});
  return cells.back();
}

}  // namespace

void CountVerdict(size_t law, const Subject& subject, VerdictKind kind) {
  Tally& tally = CellOf(law, subject).tally;
  if (kind == VerdictKind::kHolds) ++tally.holds;
  if (kind == VerdictKind::kUndecided) ++tally.undecided;
  if (kind == VerdictKind::kNotApplicable) ++tally.not_applicable;
}

Tally TallyOf(size_t law, const Subject& subject) { return CellOf(law, subject).tally; }

Tally TotalTally() {
  Tally total;
  for (const Cell& cell : Cells()) {
    total.holds += cell.tally.holds;
    total.undecided += cell.tally.undecided;
    total.not_applicable += cell.tally.not_applicable;
  }
  return total;
}

}  // namespace maskproof::fuzz
