#include "properties/invariants/trial.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

namespace maskproof {
namespace {

bool HasShape(const Tensor& tensor, const Dims& dims) {
  return tensor.type == ElementType::kFloat32 && tensor.dims == dims &&
         tensor.size() == ElementCount(dims);
}

Verdict Broken(std::string summary) {
  Verdict verdict;
  verdict.kind = VerdictKind::kBroken;
  verdict.evidence.summary = std::move(summary);
  return verdict;
}

// The sign of a NaN says nothing.
double Shown(double value) { return std::isnan(value) ? std::fabs(value) : value; }

std::string Describe(const std::string& label, const Position& p, double expected, double got,
                     double bound) {
  std::array<char, 256> text{};
  const int length = std::snprintf(
      text.data(), text.size(),
      ": batch %lld head %lld row %lld column %lld: expected %.9g, got %.9g, tolerance %.3g",
      static_cast<long long>(p.batch), static_cast<long long>(p.head),
      static_cast<long long>(p.query), static_cast<long long>(p.column), Shown(expected),
      Shown(got), Shown(bound));
  return label + std::string(text.data(), static_cast<size_t>(length));
}

}  // namespace

OracleOptions OracleOptionsOf(const Subject& subject) {
  OracleOptions options;
  options.fully_masked = subject.promises().fully_masked;
  options.dialect = subject.promises().dialect;
  options.profile = subject.promises().profile;
  return options;
}

const Reference& Trial::Judge(const Subject& subject) {
  if (!reference) reference = ComputeReference(c, OracleOptionsOf(subject));
  return *reference;
}

std::optional<Trial> Try(Subject& subject, Case c, Verdict& verdict, const RunRequest& request) {
  verdict = NotApplicable();
  if (!subject.Supports(c)) return std::nullopt;
  Outcome outcome = subject.Run(c, request);
  switch (outcome.kind) {
    case OutcomeKind::kRefused:
    case OutcomeKind::kUnsupported:
      return std::nullopt;
    case OutcomeKind::kCrashed:
    case OutcomeKind::kHung:
    case OutcomeKind::kExhausted:
      verdict = Broken(std::string(OutcomeKindName(outcome.kind)) + ": " + outcome.message);
      return std::nullopt;
    case OutcomeKind::kOutput:
      break;
  }
  if (!HasShape(outcome.output.output, OutputDims(c))) {
    verdict = Broken("output has not the shape that the case asks for");
    return std::nullopt;
  }
  if (c.want_present &&
      !(outcome.output.present && HasShape(*outcome.output.present, PresentDims(c)))) {
    verdict = Broken("present has not the shape that the case asks for");
    return std::nullopt;
  }
  return Trial{.c = std::move(c), .out = std::move(outcome.output), .reference = std::nullopt};
}

void Tally::Judge(const Position& position, double expected, double got, double bound) {
  if (!(bound < std::numeric_limits<double>::infinity())) {
    ++undecided_;
    return;
  }
  if (!Within(got, expected, bound)) {
    Keep(position, expected, got, bound);
    return;
  }
  ++checked_;
  if (bound > 0.0) worst_ratio_ = std::fmax(worst_ratio_, std::fabs(got - expected) / bound);
}

void Tally::JudgeMixture(const Position& position, double expected, double got, double bound,
                         double largest) {
  if (Within(got, expected, bound) && Vacuous(bound, largest)) {
    ++undecided_;
  } else {
    Judge(position, expected, got, bound);
  }
}

void Tally::Fail(const Position& position, double expected, double got) {
  Keep(position, expected, got, 0.0);
}

void Tally::Fail(const std::string& what) {
  if (!broken_) evidence_.summary = label_.empty() ? what : label_ + ": " + what;
  broken_ = true;
  ++checked_;
}

void Tally::Keep(const Position& position, double expected, double got, double bound) {
  ++checked_;
  double excess = std::fabs(got - expected) - bound;
  if (std::isnan(excess)) excess = std::numeric_limits<double>::infinity();
  const bool worse = !broken_ || excess > worst_excess_;
  broken_ = true;
  worst_ratio_ = std::fmax(worst_ratio_, bound > 0.0 ? std::fabs(got - expected) / bound
                                                     : std::numeric_limits<double>::infinity());
  if (!worse) return;
  worst_excess_ = excess;
  evidence_ = {.summary = Describe(label_, position, expected, got, bound),
               .batch = position.batch,
               .head = position.head,
               .query = position.query,
               .column = position.column,
               .expected = expected,
               .got = got,
               .bound = bound,
               .numeric = true};
}

Verdict Tally::Finish() const {
  Verdict verdict;
  verdict.worst_ratio = worst_ratio_;
  verdict.elements_checked = checked_;
  verdict.elements_undecided = undecided_;
  if (broken_) {
    verdict.kind = VerdictKind::kBroken;
    verdict.evidence = evidence_;
  } else if (checked_ > 0) {
    verdict.kind = VerdictKind::kHolds;
  } else if (undecided_ > 0) {
    verdict.kind = VerdictKind::kUndecided;
  }
  return verdict;
}

Verdict NotApplicable() { return {}; }

Verdict Combine(const Verdict& a, const Verdict& b) {
  const auto rank = [](VerdictKind kind) {
    switch (kind) {
      case VerdictKind::kBroken:
        return 3;
      case VerdictKind::kHolds:
        return 2;
      case VerdictKind::kUndecided:
        return 1;
      case VerdictKind::kNotApplicable:
        break;
    }
    return 0;
  };
  Verdict result = rank(b.kind) > rank(a.kind) ? b : a;
  result.worst_ratio = std::fmax(a.worst_ratio, b.worst_ratio);
  result.elements_checked = a.elements_checked + b.elements_checked;
  result.elements_undecided = a.elements_undecided + b.elements_undecided;
  return result;
}

}  // namespace maskproof
