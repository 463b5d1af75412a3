// A sum of ones in which term i is M and term j is -M, M so large that it swallows any number of
// ones: what is added to M before -M comes is lost. The ones that are left are those outside of the
// smallest part of the tree of additions that holds both i and j. For a fixed i, the parts for all
// j are the ones on the way from i to the root, each larger than the last: there are as many
// different sizes as additions that term i goes through.
#include "properties/profile/sums.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

namespace maskproof {
namespace {

constexpr float kHuge = 0x1p60F;
constexpr int64_t kPatternsAtOnce = 64;
// Small enough to be read off a sigmoid, large enough to tell one from the next; the root is a
// power of two as well, should it be multiplied into query and key.
constexpr float kScoreScale = 0x1p-4F;

// Terms whose way to the root is looked at: both ends, around the middle, and some between.
std::vector<int64_t> Leaves(int64_t terms) {
  std::vector<int64_t> leaves = {0, 1, terms / 2 - 1, terms / 2, terms - 2, terms - 1};
  for (int64_t i = 3; i < terms - 2; i += std::max<int64_t>(terms / 5, 1) + 1) leaves.push_back(i);
  return leaves;
}

using Pairs = std::vector<std::pair<int64_t, int64_t>>;

// `count(terms, pairs)`: for each pair, how many ones are left. Depths of all `sizes`.
template <typename Count>
std::optional<std::vector<SumDepth>> Depths(const std::vector<int64_t>& sizes, const Count& count) {
  std::vector<SumDepth> depths;
  for (const int64_t terms : sizes) {
    int64_t deepest = 0;
    for (const int64_t leaf : Leaves(terms)) {
      std::vector<bool> seen(static_cast<size_t>(terms));
      for (int64_t first = 0; first < terms; first += kPatternsAtOnce) {
        Pairs pairs;
        for (int64_t j = first; j < std::min(terms, first + kPatternsAtOnce); ++j) {
          if (j != leaf) pairs.emplace_back(leaf, j);
        }
        if (pairs.empty()) continue;
        const std::optional<std::vector<double>> left = count(terms, pairs);
        if (!left) return std::nullopt;
        for (const double ones : *left) {
          const double whole = std::round(ones);
          if (!(std::abs(ones - whole) < 0.25) || whole < 0.0 ||
              whole > static_cast<double>(terms - 2)) {
            return std::nullopt;
          }
          seen[static_cast<size_t>(whole)] = true;
        }
      }
      deepest = std::max<int64_t>(deepest, std::ranges::count(seen, true));
    }
    depths.push_back({.terms = terms, .depth = deepest});
  }
  return depths;
}

std::vector<float> Ones(int64_t count) {
  return std::vector<float>(static_cast<size_t>(count), 1.0F);
}

// Each pattern is a query, against a key of ones and one of zeros; the weight of the first is the
// sigmoid of its score.
std::optional<std::vector<double>> OnesLeftInScores(Prober& prober, int64_t terms,
                                                    const Pairs& pairs) {
  Probe probe;
  probe.batch = static_cast<int64_t>(pairs.size());
  probe.keys = 2;
  probe.head_size = terms;
  probe.scale = kScoreScale;
  probe.query = Ones(probe.batch * terms);
  probe.key.assign(static_cast<size_t>(probe.batch * 2 * terms), 0.0F);
  for (size_t b = 0; b < pairs.size(); ++b) {
    const size_t row = b * static_cast<size_t>(terms);
    probe.query[row + static_cast<size_t>(pairs[b].first)] = kHuge;
    probe.query[row + static_cast<size_t>(pairs[b].second)] = -kHuge;
    std::fill_n(probe.key.begin() + static_cast<std::ptrdiff_t>(2 * row), terms, 1.0F);
    probe.value.insert(probe.value.end(), {1.0F, 0.0F});
  }
  const std::optional<std::vector<float>> weights = prober.Run(probe);
  if (!weights) return std::nullopt;
  std::vector<double> left;
  for (const double w : *weights) left.push_back(std::log(w / (1.0 - w)) / kScoreScale);
  return left;
}

// Equal scores, a power of two of them: every weight is the same power of two. Each pattern is a
// column of the values.
std::optional<std::vector<double>> OnesLeftInValues(Prober& prober, int64_t terms,
                                                    const Pairs& pairs) {
  Probe probe;
  probe.keys = terms;
  probe.value_size = static_cast<int64_t>(pairs.size());
  probe.query = {0.0F};
  probe.key.assign(static_cast<size_t>(terms), 0.0F);
  probe.value = Ones(terms * probe.value_size);
  for (size_t column = 0; column < pairs.size(); ++column) {
    const auto at = [&](int64_t key) {
      return static_cast<size_t>(key * probe.value_size) + column;
    };
    probe.value[at(pairs[column].first)] = kHuge;
    probe.value[at(pairs[column].second)] = -kHuge;
  }
  const std::optional<std::vector<float>> means = prober.Run(probe);
  if (!means) return std::nullopt;
  std::vector<double> left;
  for (const double mean : *means) left.push_back(mean * static_cast<double>(terms));
  return left;
}

}  // namespace

std::optional<std::vector<SumDepth>> ScoreSums(Prober& prober) {
  return Depths({8, 16, 31, 64, 128}, [&](int64_t terms, const Pairs& pairs) {
    return OnesLeftInScores(prober, terms, pairs);
  });
}

std::optional<std::vector<SumDepth>> ValueSums(Prober& prober) {
  return Depths({8, 16, 64, 256}, [&](int64_t terms, const Pairs& pairs) {
    return OnesLeftInValues(prober, terms, pairs);
  });
}

int64_t LanesOf(const std::vector<SumDepth>& sums) {
  constexpr int64_t kMostLanes = 64;
  for (int64_t lanes = kMostLanes; lanes > 1; lanes /= 2) {
    const auto tree = static_cast<int64_t>(std::bit_width(static_cast<uint64_t>(lanes)) - 1);
    const bool covers = std::ranges::all_of(sums, [&](const SumDepth& sum) {
      return sum.depth <= std::min(sum.terms, ((sum.terms + lanes - 1) / lanes) + tree);
    });
    if (covers) return lanes;
  }
  return 1;
}

}  // namespace maskproof
