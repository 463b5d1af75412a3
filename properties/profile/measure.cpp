#include "properties/profile/measure.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdio>
#include <functional>
#include <utility>

#include "properties/base/rng.h"
#include "properties/invariants/compare.h"
#include "properties/profile/prober.h"
#include "properties/profile/sums.h"

namespace maskproof {
namespace {

// Queries in a case: one, as in decoding, and enough for several rows of any register tile; and the
// same in a head as wide as those of models, for units that multiply whole matrices.
struct Sizes {
  int64_t copies;
  int64_t least_size;
};
constexpr std::array<Sizes, 3> kSizes = {{{1, 1}, {24, 1}, {16, 32}}};
// Weights below this beside one of 1 leave a sum of 1: they can be read off the output as they are.
constexpr double kReadable = 17.4;
constexpr int64_t kDraws = 64;

bool AllSameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return std::ranges::equal(a, b, SameBits);
}

// Two keys, of which the output is the weight of the first: `first` and `second` are what the
// query, a 1, is multiplied with.
Probe WeightOf(const std::vector<float>& first, const std::vector<float>& second) {
  Probe probe;
  probe.batch = static_cast<int64_t>(first.size());
  probe.keys = 2;
  probe.query.assign(first.size(), 1.0F);
  for (size_t b = 0; b < first.size(); ++b) {
    probe.key.insert(probe.key.end(), {first[b], second[b]});
    probe.value.insert(probe.value.end(), {1.0F, 0.0F});
  }
  return probe;
}

std::vector<float> Zeros(size_t count) { return std::vector<float>(count, 0.0F); }

std::string Text(double value) {
  std::array<char, 32> text{};
  (void)std::snprintf(text.data(), text.size(), "%.3g", value);
  return text.data();
}

class Measurement {
 public:
  explicit Measurement(Subject& subject) : prober_(subject) {}

  // False if a probe failed.
  bool Measure() {
    return Rounding() && Sums() && Exponential() && Blocks() && Denormals() && WholeProducts() &&
           Products() && NaturalBase();
  }

  MeasuredProfile Result() const {
    MeasuredProfile result{.profile = profile_, .evidence = DescribeProfile(profile_)};
    for (const auto& [field, seen] : seen_) {
      std::ranges::find(result.evidence, field, &ProfileEvidence::field)->seen = seen;
    }
    return result;
  }
  const std::string& failure() const { return prober_.failure(); }

 private:
  void Note(const char* field, std::string seen) { seen_.emplace_back(field, std::move(seen)); }

  // `measure` in each of kSizes.
  bool ForAllSizes(const std::function<bool()>& measure) {
    return std::ranges::all_of(kSizes, [&](const Sizes& sizes) {
      prober_.UseSizes(sizes.copies, sizes.least_size);
      return measure();
    });
  }

  // Sums of two beside 1, half of which is the output: what is nearest, to which side? Only where
  // two equal scores get one half each to the last bit.
  bool Rounding() {
    Probe probe;
    probe.batch = 5;
    probe.keys = 2;
    probe.query.assign(5, 0.0F);
    probe.key.assign(10, 0.0F);
    probe.value = {1.0F,     0.0F, 1.0F,        0x1.8p-24F, 1.0F,
                   0x1p-25F, 1.0F, -0x1.8p-25F, 1.0F,       -0x1p-26F};
    const std::vector<float> nearest = {0.5F, 0x1.000002p-1F, 0x1p-1F, 0x1.FFFFFEp-2F, 0x1p-1F};
    bool halves = true;
    bool is_nearest = true;
    const bool ran = ForAllSizes([&] {
      const auto got = prober_.Run(probe);
      if (!got) return false;
      halves = halves && got->front() == nearest.front();
      is_nearest = is_nearest && AllSameBits(*got, nearest);
      return true;
    });
    if (!ran) return false;
    profile_.any_rounding = halves && !is_nearest;
    const char* seen =
        is_nearest ? "four sums went to the nearest" : "a sum did not go to the nearest";
    Note("rounding", halves ? seen : "equal scores do not get equal weights: could not be tried");
    return true;
  }

  bool Sums() {
    std::vector<SumDepth> all;
    bool sums_of_ones = true;
    const bool ran = ForAllSizes([&] {
      for (const auto& sums : {ScoreSums(prober_), ValueSums(prober_)}) {
        if (!sums && !prober_.failure().empty()) return false;
        sums_of_ones = sums_of_ones && sums.has_value();
        if (sums) all.insert(all.end(), sums->begin(), sums->end());
      }
      return true;
    });
    if (!ran) return false;
    profile_.sum_lanes = sums_of_ones ? LanesOf(all) : 1;
    std::string seen = "results that no order of additions gives";
    if (sums_of_ones) {
      const SumDepth& last = *std::ranges::max_element(all, {}, &SumDepth::depth);
      seen = "at most " + std::to_string(last.depth) + " additions in a sum of " +
             std::to_string(last.terms);
    }
    Note("sums", seen);
    return true;
  }

  // Far from the largest key the weight is the exponential itself. Nearer, the ratio of two weights
  // is, but for the roundings of the two. An error that grows with the argument is that of a base
  // 2, log2(e) times which is rounded: the profile allows for it apart.
  bool Exponential() {
    constexpr double kRatioRoundings = 2.5;
    constexpr double kLargestNatural = 4.0;
    // To weights of 2^-95: parts of those are still normal numbers.
    constexpr double kFurther = 48.0;
    Rng rng(0x0E40);
    double largest = 0.0;        // in units in the last place
    double beyond_base_2 = 0.0;  // of it, what three roundings of the argument do not explain
    const auto see = [&](double got, double exact, double allowed) {
      const double unit = std::ldexp(1.0, std::ilogb(exact) - 23);
      const double error = (std::abs(got - exact) / unit) - allowed;
      const double of_argument = 3.0 * std::abs(std::log(exact)) * 0x1p-24 * exact / unit;
      largest = std::max(largest, error);
      beyond_base_2 = std::max(beyond_base_2, error - of_argument);
    };
    const bool ran = ForAllSizes([&] {
      for (int round = 0; round < 32; ++round) {
        std::vector<float> near;
        std::vector<float> far;
        for (int64_t i = 0; i < kDraws; ++i) {
          near.push_back(-static_cast<float>(rng.Unit() * kReadable));
          far.push_back(-static_cast<float>(kReadable + (rng.Unit() * kFurther)));
        }
        const auto weights = prober_.Run(WeightOf(far, Zeros(far.size())));
        const auto few = prober_.Run(WeightOf(near, Zeros(near.size())));
        const auto most = prober_.Run(WeightOf(Zeros(near.size()), near));
        if (!weights || !few || !most) return false;
        for (size_t i = 0; i < far.size(); ++i) {
          see((*weights)[i], std::exp(static_cast<double>(far[i])), 0.0);
          see(static_cast<double>((*few)[i]) / (*most)[i], std::exp(static_cast<double>(near[i])),
              kRatioRoundings);
        }
      }
      return true;
    });
    if (!ran) return false;
    base_2_ = largest > kLargestNatural && beyond_base_2 < largest;
    const double error = base_2_ ? beyond_base_2 : largest;
    // What is seen is a sample; the worst may lie beyond.
    profile_.exp_ulp = std::max(1.0, std::ceil(error * 6.0) / 4.0);
    Note("exp", "at most " + Text(error) + " ulp" +
                    (base_2_ ? " beside the rounding of its argument" : "") +
                    "; half as much again is allowed");
    return true;
  }

  // The weight of the first key with the largest at `place`, all others being nothing.
  std::optional<std::vector<float>> WeightWithLargestAt(int64_t place, int64_t keys) {
    constexpr float kNothing = -1000.0F;
    constexpr int64_t kBatch = 16;
    Rng rng(0x0B10);
    Probe probe;
    probe.batch = kBatch;
    probe.keys = keys;
    probe.query.assign(static_cast<size_t>(kBatch), 1.0F);
    probe.key.assign(static_cast<size_t>(kBatch * keys), kNothing);
    probe.value.assign(static_cast<size_t>(kBatch * keys), 0.0F);
    for (int64_t b = 0; b < kBatch; ++b) {
      const auto row = static_cast<size_t>(b * keys);
      const auto second = static_cast<float>(-18.0 - rng.Unit());
      probe.key[row] = second - static_cast<float>(1.0 + (rng.Unit() * 39.0));
      probe.key[row + 1] = second;
      probe.key[row + static_cast<size_t>(place)] = 0.0F;
      probe.value[row] = 1.0F;
    }
    return prober_.Run(probe);
  }

  // A softmax in one pass weighs the first key against the second, and again when the largest
  // comes, if that is in a later block: two exponentials and a product, which round elsewhere.
  bool Blocks() {
    constexpr int64_t kKeys = 1100;
    int64_t block = 0;
    const bool ran = ForAllSizes([&] {
      const auto together = WeightWithLargestAt(2, kKeys);
      if (!together) return false;
      const auto differs = [&](int64_t place) -> std::optional<bool> {
        const auto apart = WeightWithLargestAt(place, kKeys);
        if (!apart) return std::nullopt;
        return !AllSameBits(*together, *apart);
      };
      int64_t same = 2;
      int64_t different = kKeys - 1;
      const std::optional<bool> at_the_end = differs(different);
      if (!at_the_end) return false;
      if (!*at_the_end) return true;
      while (different - same > 1) {
        const int64_t middle = same + ((different - same) / 2);
        const std::optional<bool> there = differs(middle);
        if (!there) return false;
        (*there ? different : same) = middle;
      }
      block = block == 0 ? different : std::min(block, different);
      return true;
    });
    if (!ran) return false;
    profile_.online_block = block;
    Note("softmax", block == 0 ? "a weight does not depend on where the largest score comes"
                               : "a weight is another one if the largest score comes " +
                                     std::to_string(block) + " keys later");
    return true;
  }

  bool Denormals() {
    bool kept = true;
    const bool ran = ForAllSizes([&] {
      Probe value;
      value.batch = 3;
      value.query = {0.0F, 0.0F, 0.0F};
      value.key = {0.0F, 0.0F, 0.0F};
      value.value = {0x1p-149F, 0x1.8p-140F, -0x1.4p-127F};
      const auto out = prober_.Run(value);
      Probe operand = WeightOf({0x1p120F}, {0.0F});
      operand.query = {0x1p-130F};
      operand.scale = 0x1p9F;
      const auto weight = prober_.Run(operand);
      if (!out || !weight) return false;
      const bool weighed = std::abs((*weight)[0] - (1.0 / (1.0 + std::exp(-0.5)))) < 1e-3;
      kept = kept && AllSameBits(*out, value.value) && weighed;
      return true;
    });
    if (!ran) return false;
    profile_.flush_to_zero = !kept;
    Note("denormals", kept ? "denormal queries and values arrive" : "a denormal was lost");
    return true;
  }

  // Is a product of numbers with all their bits rounded once? Where it is not, it is put together
  // from parts, and parts are lost sooner than the numbers.
  bool WholeProducts() {
    Rng rng(0x0F1E);
    bool whole = true;
    const bool ran = ForAllSizes([&] {
      Probe product;
      std::vector<float> scores;
      product.batch = kDraws;
      product.keys = 2;
      for (int64_t b = 0; b < kDraws; ++b) {
        const auto q = static_cast<float>(1.0 + rng.Unit());
        const auto k = static_cast<float>(-(kReadable + (rng.Unit() * 25.0)));
        product.query.push_back(q);
        product.key.insert(product.key.end(), {k, 0.0F});
        product.value.insert(product.value.end(), {1.0F, 0.0F});
        scores.push_back(q * k);
      }
      const auto got = prober_.Run(product);
      const auto expected = prober_.Run(WeightOf(scores, Zeros(scores.size())));
      if (!got || !expected) return false;
      whole = whole && AllSameBits(*got, *expected);
      return true;
    });
    if (!ran) return false;
    profile_.split_products = !whole;
    if (!whole) profile_.flush_to_zero = true;
    Note("products", whole ? "products of query and key are rounded once"
                           : "a product of query and key is off by more than one rounding");
    return true;
  }

  // Is q k scale what a score of that value gives, where q k is exact? And does a bias survive
  // beside products that cancel?
  bool Products() {
    Rng rng(0x0F1D);
    bool first = prober_.TakesBias();
    std::string seen = first ? "" : "a bias beside given keys could not be tried";
    const bool ran = ForAllSizes([&] {
      constexpr float kScale = 0.3F;
      Probe product;
      std::vector<float> scores;
      product.batch = kDraws;
      product.keys = 2;
      product.scale = kScale;
      for (int64_t b = 0; b < kDraws; ++b) {
        const auto q = static_cast<float>(rng.Between(128, 255)) / 128.0F;
        const double most_bits = std::floor((kReadable + (rng.Unit() * 25.0)) / kScale * 256.0);
        const auto k = static_cast<float>(-most_bits / 256.0);
        product.query.push_back(q);
        product.key.insert(product.key.end(), {k, 0.0F});
        product.value.insert(product.value.end(), {1.0F, 0.0F});
        const float unscaled = q * k;
        scores.push_back(unscaled * kScale);
      }
      const auto got = prober_.Run(product);
      const auto expected = prober_.Run(WeightOf(scores, Zeros(scores.size())));
      if (!got || !expected) return false;
      if (!AllSameBits(*got, *expected)) {
        first = false;
        seen = "the scale rounds elsewhere";
      }
      if (!prober_.TakesBias()) return true;
      constexpr float kBias = -20.5F;
      Probe biased;
      biased.keys = 2;
      biased.head_size = 2;
      biased.query = {0x1p60F, -0x1p60F};
      biased.key = {1.0F, 1.0F, 0.0F, 0.0F};
      biased.bias = {kBias, 0.0F};
      biased.value = {1.0F, 0.0F};
      const auto with_bias = prober_.Run(biased);
      const auto plain = prober_.Run(WeightOf({kBias}, {0.0F}));
      if (!with_bias || !plain) return false;
      if (!AllSameBits(*with_bias, *plain)) {
        first = false;
        seen = "the bias is in the sum of products";
      }
      return true;
    });
    if (!ran) return false;
    profile_.product_first = first;
    Note("scale", first ? "score and bias round as finished products do" : seen);
    return true;
  }

  // Scores of a thousand whose difference is exact: with log2(e) in the scale they are rounded
  // before they are subtracted.
  bool NaturalBase() {
    constexpr float kShift = 1000.0F;
    constexpr int64_t kFewest = 18'432;  // of 1/1024
    constexpr int64_t kMost = 61'440;
    Rng rng(0x0BA5);
    bool natural = true;
    const bool ran = ForAllSizes([&] {
      std::vector<float> low;
      std::vector<float> high;
      for (int64_t i = 0; i < kDraws; ++i) {
        const auto steps = static_cast<float>(rng.Between(kFewest, kMost));
        low.push_back(-steps / 1024.0F);
        high.push_back(kShift + low.back());
      }
      const auto expected = prober_.Run(WeightOf(low, Zeros(low.size())));
      const auto got = prober_.Run(WeightOf(high, std::vector<float>(high.size(), kShift)));
      if (!expected || !got) return false;
      natural = natural && AllSameBits(*expected, *got);
      return true;
    });
    if (!ran) return false;
    profile_.natural_exp = natural && !base_2_;
    const char* seen = "weights depend on differences of scores alone";
    if (base_2_) seen = "the error grows with the difference of scores";
    if (!natural) seen = "weights depend on how large the scores are";
    Note("base", seen);
    return true;
  }

  Prober prober_;
  bool base_2_ = false;  // log2(e) times something is rounded
  NumericsProfile profile_;
  std::vector<std::pair<std::string, std::string>> seen_;  // field, evidence
};

}  // namespace

std::optional<MeasuredProfile> MeasureProfile(Subject& subject, std::string& failure) {
  Measurement measurement(subject);
  if (measurement.Measure()) return measurement.Result();
  failure = measurement.failure();
  return std::nullopt;
}

std::vector<ProfileEvidence> DescribeProfile(const NumericsProfile& profile) {
  return {
      {.field = "rounding",
       .value = profile.any_rounding ? "to either neighbour" : "to nearest",
       .seen = ""},
      {.field = "sums",
       .value = profile.sum_lanes <= 1 ? "in any order"
                                       : "in " + std::to_string(profile.sum_lanes) + " lanes",
       .seen = ""},
      {.field = "exp", .value = "within " + Text(profile.exp_ulp) + " ulp", .seen = ""},
      {.field = "softmax",
       .value = profile.online_block == 0
                    ? "the maximum first"
                    : "in blocks of " + std::to_string(profile.online_block) + " keys",
       .seen = ""},
      {.field = "denormals",
       .value = profile.flush_to_zero ? "may be read as zero" : "kept",
       .seen = ""},
      {.field = "products",
       .value = profile.split_products ? "from parts of the factors" : "rounded once",
       .seen = ""},
      {.field = "scale",
       .value = profile.product_first ? "on the finished product" : "anywhere",
       .seen = ""},
      {.field = "base",
       .value = profile.natural_exp ? "e" : "2, log2 e times a score or difference",
       .seen = ""},
  };
}

}  // namespace maskproof
