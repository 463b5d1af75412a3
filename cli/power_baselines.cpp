// What the suite is measured against: other people's vectors, and random inputs with a tolerance.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "cli/hunt_clock.h"
#include "cli/interrupt.h"
#include "cli/power.h"
#include "properties/recipe/choose.h"

namespace maskproof::cli {
namespace {

constexpr double kTolerance = 1e-3;  // absolute, and relative to the expected value

// Models are larger than what the suite favours.
constexpr Limits kTypicalLimits = {.max_sequence = 64,
                                   .max_past = 64,
                                   .max_heads = 12,
                                   .max_head_size = 64,
                                   .max_input_width = 768,
                                   .max_work = 20'000'000};

void ChooseTypicalMask(Rng& rng, Recipe& r) {
  r.mask.seed = static_cast<uint32_t>(rng.Below(uint64_t{1} << 31));
  switch (rng.Below(8)) {
    case 0:
    case 1:
      r.mask.form = MaskForm::kLengths;
      r.mask.pattern = KeepPattern::kRight;
      break;
    case 2:
    case 3:
      r.mask.form = MaskForm::kRaw2D;
      r.mask.pattern = rng.OneIn(2) ? KeepPattern::kRight : KeepPattern::kRandom;
      break;
    case 4:
      r.mask.form = MaskForm::kEndsStarts;
      r.mask.pattern = KeepPattern::kLeft;
      break;
    case 5:
      r.mask.form = MaskForm::kRaw3D;
      r.mask.pattern = KeepPattern::kRandom;
      break;
    default:
      break;
  }
}

Values Make(Rng& rng, Distribution distribution, float a, float b) {
  return {.distribution = distribution,
          .seed = static_cast<uint32_t>(rng.Below(uint64_t{1} << 31)),
          .a = a,
          .b = b};
}

// Projections of deviation one, whatever the width.
void ChooseTypicalValues(Rng& rng, Recipe& r) {
  const float weight = 1.0F / std::sqrt(static_cast<float>(std::max<int64_t>(r.input_width, 1)));
  for (const TensorId id :
       {TensorId::kInput, TensorId::kBias, TensorId::kPast, TensorId::kAttentionBias,
        TensorId::kQuery, TensorId::kKey, TensorId::kValue}) {
    r.of(id) = Make(rng, Distribution::kNormal, 0.0F, 1.0F);
  }
  r.of(TensorId::kWeights) = Make(rng, Distribution::kNormal, 0.0F, weight);
  if (r.op != Op::kQAttention) return;
  const auto all = [&](bool is_signed) {
    return Make(rng, Distribution::kIntegers, is_signed ? -128.0F : 0.0F,
                is_signed ? 127.0F : 255.0F);
  };
  constexpr float kDeviation = 74.0F;  // of those
  r.of(TensorId::kInput) = all(r.input_signed);
  r.of(TensorId::kWeights) = all(r.weights_signed);
  r.of(TensorId::kInputScale) = Make(rng, Distribution::kConstant, 1.0F / kDeviation, 0.0F);
  r.of(TensorId::kWeightScale) =
      Make(rng, Distribution::kUniform, 0.5F * weight / kDeviation, 1.5F * weight / kDeviation);
  const auto middle = [](bool is_signed) { return is_signed ? 0.0F : 128.0F; };
  r.of(TensorId::kInputZeroPoint) = Make(rng, Distribution::kNormal, middle(r.input_signed), 10.0F);
  r.of(TensorId::kWeightZeroPoint) =
      Make(rng, Distribution::kNormal, middle(r.weights_signed), 10.0F);
}

// The first element that is out of tolerance; "" if none.
std::string FirstDifference(const char* name, const Tensor& got,
                            const std::vector<double>& expected) {
  if (got.size() != static_cast<int64_t>(expected.size())) {
    return fmt::format("{} has {} elements in place of {}", name, got.size(), expected.size());
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    const double value = got.Get(static_cast<int64_t>(i));
    if (Within(value, expected[i], kTolerance + kTolerance * std::fabs(expected[i]))) continue;
    return fmt::format("{}[{}]: expected {:.9g}, got {:.9g}", name, i, expected[i], value);
  }
  return {};
}

std::string Difference(Subject& subject, const Case& c) {
  const Outcome outcome = subject.Run(c);
  if (outcome.kind == OutcomeKind::kUnsupported) return {};
  if (outcome.kind != OutcomeKind::kOutput) {
    return fmt::format("{}: {}", OutcomeKindName(outcome.kind), outcome.message);
  }
  OracleOptions options;
  options.fully_masked = subject.promises().fully_masked;
  const Reference reference = ComputeReference(c, options);
  std::string difference = FirstDifference("output", outcome.output.output, reference.output);
  if (!difference.empty() || !c.want_present) return difference;
  if (!outcome.output.present) return "present is missing";
  return FirstDifference("present", *outcome.output.present, reference.present);
}

}  // namespace

Recipe TypicalRecipe(Op op, Rng& rng) {
  Recipe r;
  r.op = op;
  r.batch = PickOf<int64_t>(rng, {1, 1, 2, 4});
  r.sequence = PickOf<int64_t>(rng, {1, 4, 8, 16, 32, 50, 64});
  r.heads = PickOf<int64_t>(rng, {1, 2, 4, 8, 12});
  r.head_size = PickOf<int64_t>(rng, {8, 16, 32, 64});
  r.value_head_size = r.head_size;
  r.input_width = op == Op::kCore ? 0 : r.heads * r.head_size;
  r.unidirectional = static_cast<int64_t>(rng.Below(2));
  if (rng.OneIn(4)) {
    r.past = PickOf<int64_t>(rng, {4, 8, 16, 32});
    r.present = op != Op::kCore;
  } else if (op != Op::kQAttention && rng.OneIn(4)) {
    r.attention_bias = PickOf(rng, {BiasBroadcast::kFull, BiasBroadcast::kHeads,
                                    BiasBroadcast::kBatch, BiasBroadcast::kBoth});
  }
  ChooseTypicalMask(rng, r);
  r.input_signed = rng.OneIn(2);
  r.weights_signed = rng.OneIn(2);
  r.has_input_zero_point = r.has_weight_zero_point = rng.OneIn(2);
  r.weight_scale_per_column = rng.OneIn(2);
  r.weight_zero_point_per_column = rng.OneIn(2);
  ChooseTypicalValues(rng, r);
  Normalize(r, kTypicalLimits);
  return r;
}

Hunt HuntWithVectors(Subject& subject, const std::vector<Vector>& vectors,
                     const HuntOptions& options) {
  Hunt hunt;
  const HuntClock clock(subject);
  for (const Vector& v : vectors) {
    if (clock.Seconds() >= options.seconds || Interrupted()) break;
    const Outcome outcome = subject.Run(v.c);
    ++hunt.cases;
    hunt.evidence = outcome.kind == OutcomeKind::kUnsupported ? "" : VectorMismatch(v, outcome);
    hunt.complete = hunt.cases == static_cast<int64_t>(vectors.size());
    if (hunt.evidence.empty()) continue;
    hunt.caught = true;
    hunt.by = v.id;
    break;
  }
  hunt.seconds = clock.Seconds();
  return hunt;
}

Hunt HuntWithRandomInputs(Subject& subject, const HuntOptions& options) {
  Hunt hunt;
  const HuntClock clock(subject);
  while (clock.Seconds() < options.seconds && !Interrupted()) {
    const auto number = static_cast<uint64_t>(hunt.cases++);
    Rng rng(MixSeeds(options.seed, number));
    const auto op = static_cast<Op>(number % kOpCount);
    hunt.evidence = Difference(subject, Expand(TypicalRecipe(op, rng)));
    if (hunt.evidence.empty()) continue;
    hunt.caught = true;
    hunt.by = fmt::format("random case {} on {}", number, OpName(op));
    break;
  }
  hunt.seconds = clock.Seconds();
  return hunt;
}

}  // namespace maskproof::cli
