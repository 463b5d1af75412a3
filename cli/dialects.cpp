#include "cli/dialects.h"

#include <cmath>
#include <cstddef>
#include <utility>

#include "cli/commands.h"
#include "cli/names.h"
#include "properties/invariants/trial.h"
#include "properties/subjects/held_subject.h"

namespace maskproof::cli {
namespace {

// Whether every element lies where `reference` has it; nothing is known of rows without a bound.
bool Fits(const Case& c, const Reference& reference, const Tensor& output) {
  const Geometry& g = reference.geometry;
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t n = 0; n < g.heads; ++n) {
      for (int64_t s = 0; s < g.sequence; ++s) {
        const RowState state = reference.row(b, n, s);
        if (state != RowState::kBounded && state != RowState::kFullyMasked) continue;
        for (int64_t column = 0; column < g.value_head_size; ++column) {
          const int64_t index = OutputIndex(c.op, g, b, n, s, column);
          const double expected = reference.output[static_cast<size_t>(index)];
          const double got = output.Get(index);
          const bool fits =
              std::isnan(expected)
                  ? std::isnan(got)
                  : Within(got, expected, reference.bound[static_cast<size_t>(index)]);
          if (!fits) return false;
        }
      }
    }
  }
  return true;
}

}  // namespace

std::unique_ptr<Subject> HeldToDialect(std::unique_ptr<Subject> subject, const std::string& name) {
  DialectId id = subject->promises().claimed_dialect;
  if (name != "claimed") {
    const Dialect* const dialect = FindDialect(name);
    if (dialect == nullptr) {
      std::vector<std::string> known = {"claimed"};
      for (const Dialect& entry : Dialects()) known.emplace_back(entry.name);
      Fail(UnknownWord("dialect", name, known));
      return nullptr;
    }
    id = dialect->id;
  }
  auto held = std::make_unique<HeldSubject>(std::move(subject));
  held->held_to().dialect = id;
  return held;
}

std::vector<const Dialect*> DialectsThatGive(const Subject& subject, const Case& c,
                                             const Output& output) {
  if (output.output.type != ElementType::kFloat32 || output.output.dims != OutputDims(c)) return {};
  OracleOptions options = OracleOptionsOf(subject);
  if (Fits(c, ComputeReference(c, options), output.output)) return {};
  std::vector<const Dialect*> fitting;
  for (const Dialect& dialect : Dialects()) {
    if (dialect.id == subject.promises().dialect) continue;
    options.dialect = dialect.id;
    if (Fits(c, ComputeReference(c, options), output.output)) fitting.push_back(&dialect);
  }
  return fitting;
}

}  // namespace maskproof::cli
