// convex-hull: a mean lies between the values it is taken of, however wrong the scores are.
#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "properties/base/rng.h"
#include "properties/case/visibility.h"
#include "properties/invariants/laws.h"
#include "properties/invariants/masks.h"
#include "properties/invariants/quantised_ops.h"
#include "properties/invariants/tensor_ops.h"
#include "properties/invariants/transform.h"
#include "properties/invariants/trial.h"

namespace maskproof {
namespace {

constexpr double kUnit = 0x1p-24;             // of rounding to nearest, float32
constexpr double kSmallestNormal = 0x1p-126;  // what a flushed result may have lost

// Relative error of `roundings` roundings one after the other.
double Gamma(int64_t roundings) {
  const double product = static_cast<double>(roundings) * kUnit;
  return product / (1.0 - product);
}

// The value rows, (B,N,T,Hv), and how far a float32 kernel's own may be from them.
struct Values {
  std::vector<double> value;
  std::vector<double> error;
};

// One column of V for one token: sum of products and bias, docs/invariants.md (2).
void ProjectFloat(const Case& c, const Geometry& g, int64_t token, int64_t column, double& value,
                  double& error) {
  const std::span<const float> input = At(c, TensorId::kInput).as<float>();
  const std::span<const float> weights = At(c, TensorId::kWeights).as<float>();
  const int64_t width = (2 * g.hidden()) + g.value_hidden();
  const int64_t weight_column = (2 * g.hidden()) + column;
  double sum = 0.0;
  double magnitude = 0.0;
  for (int64_t d = 0; d < g.input_width; ++d) {
    const double product =
        static_cast<double>(input[static_cast<size_t>((token * g.input_width) + d)]) *
        static_cast<double>(weights[static_cast<size_t>((d * width) + weight_column)]);
    sum += product;
    magnitude += std::fabs(product);
  }
  if (c.has(TensorId::kBias)) {
    const double bias = At(c, TensorId::kBias).Get(weight_column);
    sum += bias;
    magnitude += std::fabs(bias);
  }
  value = sum;
  error = Gamma(g.input_width + 3) * magnitude +
          static_cast<double>(g.input_width + 2) * kSmallestNormal;
}

Values ReadValues(const Case& c) {
  const Geometry g = GeometryOf(c);
  const auto size = static_cast<size_t>(g.batch * g.heads * g.total * g.value_head_size);
  Values values{.value = std::vector<double>(size), .error = std::vector<double>(size)};
  std::vector<int64_t> sums;
  Quantisation q;
  if (c.op == Op::kQAttention) {
    sums = IntegerProjection(c);
    q = ReadQuantisation(c);
  }
  size_t i = 0;
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t n = 0; n < g.heads; ++n) {
      for (int64_t t = 0; t < g.total; ++t) {
        for (int64_t lane = 0; lane < g.value_head_size; ++lane, ++i) {
          if (c.op == Op::kCore) {
            values.value[i] = At(c, TensorId::kValue).Get(static_cast<int64_t>(i));
            continue;
          }
          if (t < g.past) {
            const int64_t row = (((g.batch + b) * g.heads + n) * g.past) + t;
            values.value[i] = At(c, TensorId::kPast).Get((row * g.head_size) + lane);
            continue;
          }
          const int64_t token = (b * g.sequence) + t - g.past;
          const int64_t column = (n * g.value_head_size) + lane;
          if (c.op == Op::kAttention) {
            ProjectFloat(c, g, token, column, values.value[i], values.error[i]);
            continue;
          }
          const int64_t all_columns = 3 * g.hidden();
          const auto of = static_cast<size_t>((2 * g.hidden()) + column);
          const double scaled =
              static_cast<double>(sums[static_cast<size_t>(token * all_columns) + of]) *
              static_cast<double>(q.input_scale) * static_cast<double>(q.weight_scale[of]);
          const double bias = At(c, TensorId::kBias).Get(static_cast<int64_t>(of));
          values.value[i] = scaled + bias;
          values.error[i] =
              Gamma(5) * (std::fabs(scaled) + std::fabs(bias)) +
              kSmallestNormal * (2.0 + std::fabs(static_cast<double>(
                                           sums[static_cast<size_t>(token * all_columns) + of])));
        }
      }
    }
  }
  return values;
}

}  // namespace

Verdict CheckConvexHull(Subject& subject, const Case& c) {
  if (Empty(c)) return NotApplicable();
  Rng rng(MixSeeds(c.salt, 0x17));
  Case base = c;
  EnsureSeeingRow(base, rng);
  Verdict verdict;
  std::optional<Trial> trial = Try(subject, std::move(base), verdict);
  if (!trial) return verdict;
  const Geometry g = GeometryOf(trial->c);
  const Reference& reference = trial->Judge(subject);
  const Visibility visibility(trial->c);
  const Values values = ReadValues(trial->c);
  const std::span<const float> got = trial->output();
  Tally tally("outside of the values that the row attends to");
  for (int64_t b = 0; b < g.batch; ++b) {
    for (int64_t n = 0; n < g.heads; ++n) {
      for (int64_t s = 0; s < g.sequence; ++s) {
        const RowState state = reference.row(b, n, s);
        if (state == RowState::kOverflow) tally.Undecided(g.value_head_size);
        if (state != RowState::kBounded) continue;
        for (int64_t lane = 0; lane < g.value_head_size; ++lane) {
          double low = std::numeric_limits<double>::infinity();
          double high = -low;
          double error = 0.0;
          int64_t seen = 0;
          for (int64_t t = 0; t < g.total; ++t) {
            if (!visibility.Sees(b, n, s, t)) continue;
            const auto i = static_cast<size_t>(
                ((((b * g.heads) + n) * g.total + t) * g.value_head_size) + lane);
            low = std::fmin(low, values.value[i]);
            high = std::fmax(high, values.value[i]);
            error = std::fmax(error, values.error[i]);
            ++seen;
          }
          const double largest = std::fmax(std::fabs(low), std::fabs(high)) + error;
          // docs/invariants.md (3).
          const double slack =
              error + Gamma(4 * seen + 8) * largest +
              2.0 * static_cast<double>(seen + 2) * kSmallestNormal * (1.0 + largest);
          const double value = got[static_cast<size_t>(OutputIndex(c.op, g, b, n, s, lane))];
          // A NaN stays one.
          double nearest = value;
          if (value < low) nearest = low;
          if (value > high) nearest = high;
          tally.Judge({.batch = b, .head = n, .query = s, .column = lane}, nearest, value, slack);
        }
      }
    }
  }
  return tally.Finish();
}

}  // namespace maskproof
