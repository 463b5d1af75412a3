#include "cli/sharpness.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <numbers>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "cli/interrupt.h"
#include "properties/base/rng.h"
#include "properties/case/case.h"
#include "properties/oracle/oracle.h"
#include "properties/profile/measure.h"
#include "properties/subjects/evaluation.h"

namespace maskproof::cli {
namespace {

enum class Data : uint8_t { kPlain, kMasked, kCausal, kLargeSizes, kMixedScales, kLargeScores };
struct DataClass {
  Data data;
  const char* name;
};
constexpr auto kClasses = std::to_array<DataClass>({{Data::kPlain, "no mask"},
                                                    {Data::kMasked, "random mask"},
                                                    {Data::kCausal, "causal"},
                                                    {Data::kLargeSizes, "no mask, large sizes"},
                                                    {Data::kMixedScales, "mixed scales"},
                                                    {Data::kLargeScores, "large scores"}});

struct FaultClass {
  EvaluationFault fault;
  const char* name;
};
constexpr auto kFaults =
    std::to_array<FaultClass>({{EvaluationFault::kNone, "none"},
                               {EvaluationFault::kLane, "one output lane off by 1e-3"},
                               {EvaluationFault::kExponential, "every exp off by 1e-4"},
                               {EvaluationFault::kBfloat16, "weights in bfloat16"},
                               {EvaluationFault::kScale, "scale 1/sqrt(H+1)"},
                               {EvaluationFault::kDroppedKey, "last visible key dropped"}});

double Normal(Rng& rng) {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - rng.Unit()));
  return radius * std::cos(2.0 * std::numbers::pi * rng.Unit());
}

Tensor Draw(Rng& rng, Data data, bool scores, const Dims& dims) {
  Tensor tensor(ElementType::kFloat32, dims);
  for (float& x : tensor.as<float>()) {
    double value = Normal(rng);
    if (data == Data::kMixedScales) value *= std::exp2(static_cast<double>(rng.Between(-6, 6)));
    if (data == Data::kLargeScores && scores) value *= 5.0;
    x = static_cast<float>(value);
  }
  return tensor;
}

// Every order of magnitude alike; with large sizes, every number.
int64_t Size(Rng& rng, Data data, int64_t least, int64_t most) {
  if (data == Data::kLargeSizes) return rng.Between(least, most);
  const double low = std::log(static_cast<double>(least));
  const double high = std::log(static_cast<double>(most + 1));
  return std::clamp(static_cast<int64_t>(std::exp(low + rng.Unit() * (high - low))), least, most);
}

Case DrawCase(Rng& rng, Data data) {
  Case c;
  c.op = Op::kCore;
  const int64_t sequence = rng.Between(1, 6);
  const int64_t total = Size(rng, data, sequence, 200);
  const int64_t head_size = Size(rng, data, 1, 128);
  const int64_t columns = rng.Between(1, 24);
  c[TensorId::kQuery] = Draw(rng, data, true, {1, 1, sequence, head_size});
  c[TensorId::kKey] = Draw(rng, data, true, {1, 1, total, head_size});
  c[TensorId::kValue] = Draw(rng, data, false, {1, 1, total, columns});
  if (data == Data::kCausal) c.attributes.unidirectional = 1;
  if (data == Data::kMasked) {
    Tensor mask(ElementType::kInt32, {1, sequence, total});
    for (int32_t& keeps : mask.as<int32_t>()) keeps = rng.OneIn(2) ? 1 : 0;
    // No row is left without a key: that is another law's business.
    for (int64_t s = 0; s < sequence; ++s) mask.Set(s * total + rng.Between(0, total - 1), 1.0);
    c[TensorId::kMaskIndex] = std::move(mask);
  }
  return c;
}

// Orders that a kernel may well have: eight lanes, scores scaled once they are summed.
EvaluationStyle DrawStyle(Rng& rng) {
  EvaluationStyle style = EvaluationStyle::Random(rng);
  style.order = SumOrder::kLanes8;
  style.scale = ScaleUse::kOnScore;
  style.preload_bias = false;
  style.exponential = Exponential::kNatural;
  style.online_block = 0;
  style.flush = false;
  return style;
}

// The profile that is measured of a style as DrawStyle gives it. The default if it cannot be.
class MeasuredProfiles {
 public:
  const NumericsProfile& Of(const EvaluationStyle& style) {
    std::optional<NumericsProfile>& known =
        known_[style.fused ? 1 : 0][static_cast<size_t>(style.normalization)];
    if (!known) {
      std::string failure;
      const std::unique_ptr<Subject> subject =
          MakeEvaluationSubject({.name = "style", .what = "", .style = style});
      const std::optional<MeasuredProfile> measured = MeasureProfile(*subject, failure);
      known = measured ? measured->profile : NumericsProfile();
    }
    return *known;
  }

 private:
  // What DrawStyle leaves open, but for the seed.
  std::array<std::array<std::optional<NumericsProfile>, 3>, 2> known_;
};

bool Outside(const Reference& reference, std::span<const float> got) {
  for (size_t i = 0; i < got.size(); ++i) {
    if (!Within(got[i], reference.output[i], reference.bound[i])) return true;
  }
  return false;
}

double LargestRatio(const Reference& reference, std::span<const float> got) {
  double largest = 0.0;
  for (size_t i = 0; i < got.size(); ++i) {
    if (reference.bound[i] <= 0.0) continue;
    largest = std::max(largest, std::abs(got[i] - reference.output[i]) / reference.bound[i]);
  }
  return largest;
}

bool BeyondAllclose(const Reference& reference, std::span<const float> got) {
  constexpr double kAllowed = 1e-3;
  for (size_t i = 0; i < got.size(); ++i) {
    const double expected = reference.output[i];
    if (!Within(got[i], expected, kAllowed + kAllowed * std::abs(expected))) return true;
  }
  return false;
}

bool BeyondNmse(const Reference& reference, std::span<const float> got) {
  constexpr double kLargest = 5e-4;
  double error = 0.0;
  double power = 0.0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double difference = got[i] - reference.output[i];
    error += difference * difference;
    power += reference.output[i] * reference.output[i];
  }
  return !(error <= kLargest * power);
}

// One bound for the whole tensor, from the largest row of each operand: the errors of all scores
// act on the largest value.
double NormwiseTolerance(const Case& c) {
  const Geometry g = GeometryOf(c);
  const auto largest_norm = [](const Tensor& tensor) {
    const auto width = static_cast<size_t>(tensor.dims.back());
    const std::span<const float> values = tensor.as<float>();
    double largest = 0.0;
    for (size_t row = 0; row < values.size(); row += width) {
      double sum = 0.0;
      for (const float x : values.subspan(row, width)) sum += static_cast<double>(x) * x;
      largest = std::max(largest, sum);
    }
    return std::sqrt(largest);
  };
  double largest_value = 0.0;
  for (const float v : c[TensorId::kValue]->as<float>()) {
    largest_value = std::max(largest_value, std::abs(static_cast<double>(v)));
  }
  const auto gamma = [](double k) { return k * 0x1p-24 / (1.0 - k * 0x1p-24); };
  const auto h = static_cast<double>(g.head_size);
  const double score = gamma(h + 3.0) / std::sqrt(h) * largest_norm(*c[TensorId::kQuery]) *
                       largest_norm(*c[TensorId::kKey]);
  return (std::expm1(2.0 * (score + 4.0 * 0x1p-23)) + gamma(2.0 * static_cast<double>(g.total))) *
         largest_value;
}

bool BeyondNormwise(const Case& c, const Reference& reference, std::span<const float> got) {
  const double tolerance = NormwiseTolerance(c);
  for (size_t i = 0; i < got.size(); ++i) {
    if (!Within(got[i], reference.output[i], tolerance)) return true;
  }
  return false;
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0.0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

bool SameBits(std::span<const float> a, std::span<const float> b) {
  return std::ranges::equal(a, b, [](float x, float y) {
    return std::bit_cast<uint32_t>(x) == std::bit_cast<uint32_t>(y);
  });
}

// All cases of one class.
class ClassMeasurement {
 public:
  explicit ClassMeasurement(const DataClass& data_class) : class_(data_class) {
    for (const FaultClass& fault : kFaults) {
      rows_.push_back({.data = data_class.name, .fault = fault.name});
    }
  }

  void Measure(Rng& rng, MeasuredProfiles& profiles) {
    const Case c = DrawCase(rng, class_.data);
    EvaluationStyle style = DrawStyle(rng);
    OracleOptions measured;
    measured.profile = profiles.Of(style);
    const std::array<Reference, 2> references = {ComputeReference(c, {}),
                                                 ComputeReference(c, measured)};
    const std::vector<float> good = Evaluate(c, style);
    for (size_t p = 0; p < references.size(); ++p) {
      ratios_[p].push_back(LargestRatio(references[p], good));
    }
    for (size_t f = 0; f < kFaults.size(); ++f) {
      style.fault = kFaults[f].fault;
      const std::vector<float> got = Evaluate(c, style);
      if (f > 0 && SameBits(got, good)) continue;
      ++rows_[f].visible;
      const std::array<bool, kYardsticks.size()> noticed = {
          Outside(references[0], got), Outside(references[1], got),
          BeyondAllclose(references[0], got), BeyondNmse(references[0], got),
          BeyondNormwise(c, references[0], got)};
      for (size_t y = 0; y < noticed.size(); ++y) rows_[f].noticed[y] += noticed[y] ? 1 : 0;
    }
  }

  void AddTo(SharpnessResults& results) const {
    results.rows.insert(results.rows.end(), rows_.begin(), rows_.end());
    for (size_t p = 0; p < ratios_.size(); ++p) {
      results.ratios.push_back({.data = class_.name,
                                .profile = p == 0 ? "default" : "measured",
                                .largest = *std::ranges::max_element(ratios_[p]),
                                .median = Median(ratios_[p])});
    }
  }

 private:
  DataClass class_;
  std::vector<SharpnessRow> rows_;
  std::array<std::vector<double>, 2> ratios_;
};

}  // namespace

SharpnessResults MeasureSharpness(int64_t cases, uint64_t seed) {
  SharpnessResults results{.seed = seed, .cases = cases, .rows = {}, .ratios = {}};
  MeasuredProfiles profiles;
  for (const DataClass& data_class : kClasses) {
    ClassMeasurement measurement(data_class);
    for (int64_t i = 0; i < cases; ++i) {
      Rng rng(MixSeeds(MixSeeds(seed, static_cast<uint64_t>(data_class.data)),
                       static_cast<uint64_t>(i)));
      measurement.Measure(rng, profiles);
    }
    measurement.AddTo(results);
  }
  return results;
}

}  // namespace maskproof::cli
