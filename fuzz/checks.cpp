#include "fuzz/checks.h"

#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "fuzz/coverage_counters.h"
#include "fuzz/finding.h"
#include "fuzz/input.h"
#include "fuzz/subjects.h"
#include "fuzz/tally.h"
#include "properties/base/rng.h"
#include "properties/case/validity.h"
#include "properties/invariants/invariant.h"

namespace maskproof::fuzz {
namespace {

// Keeps the choice of laws and subjects apart from the choices that invariants make of the salt.
constexpr uint64_t kChoiceStream = 0x66757A7A63686F69U;
constexpr std::string_view kAlways = "reference-match";
// Laws that turn out not to apply are replaced by others, up to this many.
constexpr int kMostTries = 5;

// Which laws the environment leaves in the game.
struct Selection {
  std::vector<size_t> laws;  // indices into Invariants()
  bool restricted = false;   // to the one that MASKPROOF_FUZZ_INVARIANT names
};

bool Listed(std::string_view list, std::string_view id) {
  while (!list.empty()) {
    const size_t comma = list.find(',');
    if (list.substr(0, comma) == id) return true;
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
  return false;
}

std::string_view Environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

Selection Select() {
  const std::string_view only = Environment("MASKPROOF_FUZZ_INVARIANT");
  const std::string_view skip = Environment("MASKPROOF_FUZZ_SKIP");
  const std::vector<Invariant>& all = Invariants();
  Selection selection;
  selection.restricted = !only.empty();
  for (size_t i = 0; i < all.size(); ++i) {
    if (!only.empty() && !Listed(only, all[i].id)) continue;
    if (!Listed(skip, all[i].id)) selection.laws.push_back(i);
  }
  if (selection.laws.empty()) {
    std::fputs("MASKPROOF_FUZZ_INVARIANT and MASKPROOF_FUZZ_SKIP leave no invariant\n", stderr);
    std::exit(2);
  }
  return selection;
}

const Selection& Selected() {
  static const Selection selection = Select();
  return selection;
}

// The candidates among the selected laws: reference-match first if it is one, the rest shuffled.
std::vector<size_t> OrderedLaws(Op op, bool valid, Rng& rng) {
  const std::vector<Invariant>& all = Invariants();
  std::vector<size_t> laws;
  laws.reserve(all.size());
  for (const size_t i : Selected().laws) {
    if (!all[i].applies_to(op)) continue;
    if (valid || all[i].domain == Domain::kAny) laws.push_back(i);
  }
  for (size_t i = laws.size(); i > 1; --i) std::swap(laws[i - 1], laws[rng.Below(i)]);
  for (size_t i = 0; i < laws.size(); ++i) {
    if (all[laws[i]].id == kAlways) std::swap(laws[0], laws[i]);
  }
  return laws;
}

Subject& Pick(Rng& rng) {
  const std::vector<std::unique_ptr<Subject>>& subjects = FuzzSubjects();
  return *subjects[rng.Below(subjects.size())];
}

// A fault can make a valid case of any size out of a small one. What such a case finds a smaller
// one finds, and under a sanitizer it takes a minute.
bool TooMuchWork(const Case& c) {
  const Geometry g = GeometryOf(c);
  const auto product = [](std::initializer_list<int64_t> sizes) {
    double result = 1.0;
    for (const int64_t size : sizes) result *= static_cast<double>(size);
    return result;
  };
  const int64_t columns = 2 * g.hidden() + g.value_hidden();
  return product({g.batch, g.heads, g.sequence, g.total, g.head_size + g.value_head_size}) +
             product({g.batch, g.sequence, g.input_width, columns}) >
         static_cast<double>(Limits().max_work);
}

Verdict Check(const Case& c, size_t law, Subject& subject) {
  Verdict verdict = Invariants()[law].check(subject, c);
  CountVerdict(law, subject, verdict.kind);
  return verdict;
}

}  // namespace

std::optional<Broken> FindBroken(const Target& target, const Recipe& recipe) {
  const Case c = Expand(recipe);
  const ValidityVerdict judged = JudgeValidity(c);
  const bool valid = judged.validity == Validity::kValid;
  if (recipe.faults.empty() && !valid) {
    ReportBrokenRecipe(target, &recipe, RecipeLaw::kValidWithoutFaults, judged.reason);
  }

  if (valid && TooMuchWork(c)) return std::nullopt;
  CountCoverage(recipe, c);

  Rng rng(MixSeeds(recipe.salt, kChoiceStream));
  Subject& first = Pick(rng);
  Subject& second = Pick(rng);
  const std::vector<size_t> laws = OrderedLaws(recipe.op, valid, rng);
  // A malformed case has few laws and is cheap: it is held against all of them.
  const uint64_t wanted = valid && !Selected().restricted ? 2 + rng.Below(2) : laws.size();
  uint64_t checked = 0;
  int tries = 0;
  for (const size_t law : laws) {
    if (checked == wanted || tries == kMostTries) break;
    Subject& subject = tries == 0 ? first : second;
    const Verdict verdict = Check(c, law, subject);
    if (verdict.kind == VerdictKind::kBroken) return Broken{&Invariants()[law], &subject, verdict};
    if (verdict.kind != VerdictKind::kNotApplicable) ++checked;
    ++tries;
  }
  return std::nullopt;
}

InputResult RunCase(const Target& target, const uint8_t* data, size_t size, std::string& error) {
  const std::optional<Recipe> recipe = DecodeInput(target, data, size, error);
  if (!recipe) return InputResult::kRejected;
  if (const std::optional<Broken> broken = FindBroken(target, *recipe)) {
    ReportBroken(target, *recipe, *broken->invariant, *broken->subject, broken->verdict);
  }
  return InputResult::kRan;
}

}  // namespace maskproof::fuzz
