#include "properties/recipe/coverage.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "properties/case/visibility.h"
#include "properties/recipe/fields.h"

namespace maskproof {
namespace {

// ---- what is looked at
// -----------------------------------------------------------------------------

struct RowFacts {
  bool one_of_several = false;  // a row that sees one key of several
  bool only_last = false;       // a row that sees the last key of several alone
  bool late_first = false;      // a row whose first key comes late
  bool fully_masked = false;
  bool some_masked = false;  // beside one that is not fully masked
};

struct ValueFacts {
  bool negative_zero = false;
  bool denormal = false;
  bool non_finite = false;
  bool huge = false;
};

struct Facts {
  const Recipe& recipe;
  RowFacts rows;
  ValueFacts values;
  bool ends = false;          // both ends of the 8-bit type, in input and weights
  bool tail_maximum = false;  // Core: the largest score of a row stands behind whole vectors
};

constexpr int64_t kVector = 8;
constexpr int64_t kLate = 64;

bool IsTail(int64_t n) { return n > kVector && n % kVector != 0; }
bool In(int64_t n, int64_t low, int64_t high) { return low <= n && n <= high; }

RowFacts LookAtRows(const Recipe& r, const Case& c) {
  RowFacts facts;
  const int64_t keys = TotalLength(r);
  const Visibility visibility(c);
  bool any_seen = false;
  for (int64_t b = 0; b < r.batch; ++b) {
    for (int64_t n = 0; n < r.heads; ++n) {
      for (int64_t q = 0; q < r.sequence; ++q) {
        int64_t seen = 0;
        int64_t first = keys;
        for (int64_t t = keys; t-- > 0;) {
          if (!visibility.Sees(b, n, q, t)) continue;
          ++seen;
          first = t;
        }
        any_seen = any_seen || seen > 0;
        facts.fully_masked = facts.fully_masked || seen == 0;
        facts.late_first = facts.late_first || (seen > 0 && first >= kLate);
        facts.one_of_several = facts.one_of_several || (seen == 1 && keys > 1);
        facts.only_last = facts.only_last || (seen == 1 && keys > 1 && first == keys - 1);
      }
    }
  }
  facts.some_masked = facts.fully_masked && any_seen;
  return facts;
}

// Infinities in attention_bias are masks and do not count.
ValueFacts LookAtValues(const Case& c) {
  ValueFacts facts;
  constexpr float kHugeValue = 0x1p60F;
  for (size_t i = 0; i < kTensorCount; ++i) {
    const auto& tensor = c.tensors[i];
    if (!tensor || tensor->type != ElementType::kFloat32) continue;
    const bool is_bias = static_cast<TensorId>(i) == TensorId::kAttentionBias;
    for (const float x : tensor->as<float>()) {
      if (is_bias && x == -std::numeric_limits<float>::infinity()) continue;
      const int kind = std::fpclassify(x);
      facts.negative_zero = facts.negative_zero || (kind == FP_ZERO && std::signbit(x));
      facts.denormal = facts.denormal || kind == FP_SUBNORMAL;
      facts.non_finite = facts.non_finite || kind == FP_NAN || kind == FP_INFINITE;
      facts.huge = facts.huge || std::fabs(x) >= kHugeValue;
    }
  }
  return facts;
}

template <typename T>
bool HasEnds(const Tensor& tensor) {
  bool low = false;
  bool high = false;
  for (const T x : tensor.as<T>()) {
    low = low || x == std::numeric_limits<T>::min();
    high = high || x == std::numeric_limits<T>::max();
  }
  return low && high;
}

bool HasEnds(const Case& c, TensorId id) {
  if (!c.has(id)) return false;
  const Tensor& tensor = *c[id];
  if (tensor.type == ElementType::kInt8) return HasEnds<int8_t>(tensor);
  return tensor.type == ElementType::kUint8 && HasEnds<uint8_t>(tensor);
}

// Of the first row of every head, without the mask.
bool HasTailMaximum(const Recipe& r, const Case& c) {
  const int64_t keys = TotalLength(r);
  if (r.op != Op::kCore || !IsTail(keys)) return false;
  const auto query = c[TensorId::kQuery]->as<float>();
  const auto key = c[TensorId::kKey]->as<float>();
  for (int64_t head = 0; head < r.batch * r.heads; ++head) {
    float largest = -std::numeric_limits<float>::infinity();
    int64_t where = 0;
    for (int64_t t = 0; t < keys; ++t) {
      float score = 0.0F;
      for (int64_t h = 0; h < r.head_size; ++h) {
        score += query[static_cast<size_t>(head * r.sequence * r.head_size + h)] *
                 key[static_cast<size_t>((head * keys + t) * r.head_size + h)];
      }
      if (score > largest) {
        largest = score;
        where = t;
      }
    }
    if (where >= keys - keys % kVector) return true;
  }
  return false;
}

bool HasFault(const Recipe& r, Fault::Kind kind) {
  return std::ranges::any_of(r.faults, [&](const Fault& fault) { return fault.kind == kind; });
}

// ---- single corners
// --------------------------------------------------------------------------------

bool Every(Op /*op*/) { return true; }
bool Operators(Op op) { return op != Op::kCore; }
bool WithBias(Op op) { return op != Op::kQAttention; }
bool OnlyCore(Op op) { return op == Op::kCore; }
bool OnlyQuantised(Op op) { return op == Op::kQAttention; }
bool OnlyAttention(Op op) { return op == Op::kAttention; }

struct Corner {
  const char* name;
  bool (*reachable)(Op op);
  bool (*holds)(const Facts& f);
};

#define MASKPROOF_HOLDS(expression) \
  [](const Facts& f) -> bool {      \
    const Recipe& r = f.recipe;     \
    return (void)r, (expression);   \
  }

constexpr Corner kCorners[] = {
    {"head size 1", Every, MASKPROOF_HOLDS(r.head_size == 1)},
    {"head size 2 to 7", Every, MASKPROOF_HOLDS(In(r.head_size, 2, 7))},
    {"head size 8 to 31", Every, MASKPROOF_HOLDS(In(r.head_size, 8, 31))},
    {"head size 32 to 127", Every, MASKPROOF_HOLDS(In(r.head_size, 32, 127))},
    {"head size 128 or more", Every, MASKPROOF_HOLDS(r.head_size >= 128)},
    {"value head size differs", WithBias, MASKPROOF_HOLDS(r.value_head_size != r.head_size)},
    {"one key", Every, MASKPROOF_HOLDS(TotalLength(r) == 1)},
    {"2 to 63 keys", Every, MASKPROOF_HOLDS(In(TotalLength(r), 2, 63))},
    {"64 to 511 keys", Every, MASKPROOF_HOLDS(In(TotalLength(r), 64, 511))},
    {"512 keys", Every, MASKPROOF_HOLDS(TotalLength(r) == 512)},
    {"513 to 1023 keys", Every, MASKPROOF_HOLDS(In(TotalLength(r), 513, 1023))},
    {"1024 to 2047 keys", Every, MASKPROOF_HOLDS(In(TotalLength(r), 1024, 2047))},
    {"2048 keys or more", Every, MASKPROOF_HOLDS(TotalLength(r) >= 2048)},
    {"one query", Every, MASKPROOF_HOLDS(r.sequence == 1)},
    {"2 to 13 queries", Every, MASKPROOF_HOLDS(In(r.sequence, 2, 13))},
    {"14 to 55 queries", Every, MASKPROOF_HOLDS(In(r.sequence, 14, 55))},
    {"56 to 96 queries", Every, MASKPROOF_HOLDS(In(r.sequence, 56, 96))},
    {"97 to 255 queries", Every, MASKPROOF_HOLDS(In(r.sequence, 97, 255))},
    {"256 queries or more", Every, MASKPROOF_HOLDS(r.sequence >= 256)},
    {"several batches", Every, MASKPROOF_HOLDS(r.batch > 1)},
    {"8 batches or more", Every, MASKPROOF_HOLDS(r.batch >= 8)},
    {"several heads", Every, MASKPROOF_HOLDS(r.heads > 1)},
    {"16 heads or more", Every, MASKPROOF_HOLDS(r.heads >= 16)},
    {"input width 1 to 7", Operators, MASKPROOF_HOLDS(r.input_width < 8)},
    {"input width 8 to 255", Operators, MASKPROOF_HOLDS(In(r.input_width, 8, 255))},
    {"input width 256 to 1023", Operators, MASKPROOF_HOLDS(In(r.input_width, 256, 1023))},
    {"input width 1024 or more", Operators, MASKPROOF_HOLDS(r.input_width >= 1024)},
    {"input width above 32768", OnlyQuantised, MASKPROOF_HOLDS(r.input_width > 32768)},
    {"256 or more columns of weights", Operators, MASKPROOF_HOLDS(WeightColumns(r) >= 256)},
    {"past longer than the sequence", Every, MASKPROOF_HOLDS(PastLength(r) > r.sequence)},
    {"empty past", Operators, MASKPROOF_HOLDS(r.past && *r.past == 0)},
    {"decoding", Every, MASKPROOF_HOLDS(r.sequence == 1 && PastLength(r) > 0)},
    {"present without past", Operators, MASKPROOF_HOLDS(r.present && !r.past)},
    {"fully masked row", Every, MASKPROOF_HOLDS(f.rows.fully_masked)},
    {"fully masked row beside another", Every, MASKPROOF_HOLDS(f.rows.some_masked)},
    {"row with one key of several", Every, MASKPROOF_HOLDS(f.rows.one_of_several)},
    {"row with the last key alone", Every, MASKPROOF_HOLDS(f.rows.only_last)},
    {"row whose first key is the 65th or later", Every, MASKPROOF_HOLDS(f.rows.late_first)},
    {"bias full", WithBias, MASKPROOF_HOLDS(r.attention_bias == BiasBroadcast::kFull)},
    {"bias for all heads", WithBias, MASKPROOF_HOLDS(r.attention_bias == BiasBroadcast::kHeads)},
    {"bias for all batches", WithBias, MASKPROOF_HOLDS(r.attention_bias == BiasBroadcast::kBatch)},
    {"bias for all of both", WithBias, MASKPROOF_HOLDS(r.attention_bias == BiasBroadcast::kBoth)},
    {"-inf in the bias", WithBias,
     MASKPROOF_HOLDS(r.bias_masked_share > 0.0F && std::isinf(r.bias_masked_value))},
    {"a finite number that masks in the bias", WithBias,
     MASKPROOF_HOLDS(r.bias_masked_share > 0.0F && std::isfinite(r.bias_masked_value))},
    {"whole blocks of keys masked", Every,
     MASKPROOF_HOLDS(r.mask.pattern == KeepPattern::kBlocks && TotalLength(r) > 64)},
    {"no bias of the projection", OnlyAttention, MASKPROOF_HOLDS(!r.bias)},
    {"explicit scale", Every, MASKPROOF_HOLDS(r.scale.has_value())},
    {"mask_filter_value", Operators, MASKPROOF_HOLDS(r.mask_filter_value.has_value())},
    {"equal rows", Every, MASKPROOF_HOLDS(HasDistribution(r, Distribution::kRepeat))},
    {"dominant rows", Every, MASKPROOF_HOLDS(HasDistribution(r, Distribution::kPeak))},
    {"rows or columns far below the others", OnlyAttention,
     MASKPROOF_HOLDS(HasDistribution(r, Distribution::kFaintRows) ||
                     HasDistribution(r, Distribution::kFaintColumns))},
    {"identity weights", Operators, MASKPROOF_HOLDS(HasDistribution(r, Distribution::kIdentity))},
    {"negative zero", Every, MASKPROOF_HOLDS(f.values.negative_zero)},
    {"denormal", Every, MASKPROOF_HOLDS(f.values.denormal)},
    {"NaN or infinity", Every, MASKPROOF_HOLDS(f.values.non_finite)},
    {"largest score of a row in a tail", OnlyCore, MASKPROOF_HOLDS(f.tail_maximum)},
    {"uint8 times uint8", OnlyQuantised, MASKPROOF_HOLDS(!r.input_signed && !r.weights_signed)},
    {"uint8 times int8", OnlyQuantised, MASKPROOF_HOLDS(!r.input_signed && r.weights_signed)},
    {"int8 times uint8", OnlyQuantised, MASKPROOF_HOLDS(r.input_signed && !r.weights_signed)},
    {"int8 times int8", OnlyQuantised, MASKPROOF_HOLDS(r.input_signed&& r.weights_signed)},
    {"scale per column", OnlyQuantised, MASKPROOF_HOLDS(r.weight_scale_per_column)},
    {"zero point per column", OnlyQuantised, MASKPROOF_HOLDS(r.weight_zero_point_per_column)},
    {"both ends of both 8-bit types", OnlyQuantised, MASKPROOF_HOLDS(f.ends)},
    {"fault: other dims", Every, MASKPROOF_HOLDS(HasFault(r, Fault::Kind::kReshape))},
    {"fault: other type", Every, MASKPROOF_HOLDS(HasFault(r, Fault::Kind::kRetype))},
    {"fault: tensor left out", Every, MASKPROOF_HOLDS(HasFault(r, Fault::Kind::kOmit))},
    {"fault: tensor too many", Every, MASKPROOF_HOLDS(HasFault(r, Fault::Kind::kAdd))},
    {"fault: attribute", Every, MASKPROOF_HOLDS(HasFault(r, Fault::Kind::kAttribute))},
};

#undef MASKPROOF_HOLDS

// ---- combinations
// ----------------------------------------------------------------------------------

constexpr const char* kForms[] = {"no mask", "lengths", "ends_starts", "cumulative",
                                  "raw2d",   "dummy2d", "raw3d"};
constexpr size_t kFormCount = std::size(kForms);
constexpr const char* kTraits[] = {"causal", "past", "tail", "extreme"};
constexpr size_t kTraitCount = std::size(kTraits);
constexpr size_t kCombinations = kFormCount << kTraitCount;
constexpr size_t kBinsPerOp = kCombinations + std::size(kCorners);

size_t Combination(const Recipe& r, const Facts& facts) {
  const std::array<bool, kTraitCount> traits = {
      r.unidirectional == 1, PastLength(r) > 0, IsTail(TotalLength(r)) || IsTail(r.head_size),
      facts.values.huge || HasDistribution(r, Distribution::kExtremes)};
  auto index = static_cast<size_t>(r.mask.form);
  for (const bool trait : traits) index = 2 * index + (trait ? 1 : 0);
  return index;
}

}  // namespace

size_t CoverageBinCount() { return kOpCount * kBinsPerOp; }

Op CoverageBinOp(size_t bin) { return static_cast<Op>(bin / kBinsPerOp); }

std::string CoverageBinName(size_t bin) {
  const size_t index = bin % kBinsPerOp;
  if (index >= kCombinations) return kCorners[index - kCombinations].name;
  std::string name = kForms[index >> kTraitCount];
  for (size_t i = 0; i < kTraitCount; ++i) {
    if (((index >> (kTraitCount - 1 - i)) & 1) == 0) continue;
    name += " + ";
    name += kTraits[i];
  }
  return name;
}

bool CoverageBinReachable(size_t bin) {
  const size_t index = bin % kBinsPerOp;
  return index < kCombinations || kCorners[index - kCombinations].reachable(CoverageBinOp(bin));
}

std::vector<uint16_t> CoveredBins(const Recipe& recipe, const Case& expanded) {
  Facts facts{.recipe = recipe, .rows = {}, .values = {}};
  // A case with faults need not have the tensors that its recipe speaks of.
  if (recipe.faults.empty()) {
    facts.rows = LookAtRows(recipe, expanded);
    facts.values = LookAtValues(expanded);
    facts.ends = HasEnds(expanded, TensorId::kInput) && HasEnds(expanded, TensorId::kWeights);
    facts.tail_maximum = HasTailMaximum(recipe, expanded);
  }
  const size_t first = static_cast<size_t>(recipe.op) * kBinsPerOp;
  std::vector<uint16_t> bins;
  bins.reserve(kBinsPerOp / 4);
  bins.push_back(static_cast<uint16_t>(first + Combination(recipe, facts)));
  for (size_t i = 0; i < std::size(kCorners); ++i) {
    if (!kCorners[i].reachable(recipe.op) || !kCorners[i].holds(facts)) continue;
    bins.push_back(static_cast<uint16_t>(first + kCombinations + i));
  }
  return bins;
}

}  // namespace maskproof
