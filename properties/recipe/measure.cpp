#include "properties/recipe/measure.h"

#include <array>
#include <bit>
#include <cmath>

#include "properties/recipe/fields.h"

namespace maskproof {
namespace {

uint64_t BitLength(uint64_t n) { return static_cast<uint64_t>(std::bit_width(n)); }

uint64_t NumberRank(float x) {
  if (FloatBits(x) == 0) return 0;
  if (x == 1.0F) return 1;
  const bool small = std::fabs(x) <= 16.0F;
  if (small && x == static_cast<float>(static_cast<int32_t>(x))) return 2;
  if (small && x * 1024.0F == static_cast<float>(static_cast<int32_t>(x * 1024.0F))) return 3;
  return std::isfinite(x) ? 4 : 5;
}

uint64_t ValuesRank(const Values& v) {
  // By Distribution: constant, normal, uniform, integers, scales, extremes, repeat, identity, peak,
  // faint rows, faint columns.
  static constexpr std::array<uint64_t, kDistributionCount> kRanks = {0, 3, 4, 2, 6, 8,
                                                                      5, 1, 7, 9, 10};
  return 1000 * kRanks[static_cast<size_t>(v.distribution)] +
         50 * (NumberRank(v.a) + NumberRank(v.b)) + BitLength(v.seed);
}

uint64_t MaskRank(const MaskRecipe& mask) {
  // By MaskForm: none, lengths, ends_starts, cumulative, raw2d, dummy2d, raw3d.
  static constexpr std::array<uint64_t, kMaskFormCount> kRanks = {0, 2, 3, 5, 1, 4, 6};
  return 20 * kRanks[static_cast<size_t>(mask.form)] + 2 * PatternRank(mask.pattern) +
         (mask.kept_value != 1 ? 2U : 0U) + (mask.masked_value != 0 ? 2U : 0U) +
         (mask.share != 0.5F ? 1U : 0U);
}

uint64_t SizesRank(const Recipe& r) {
  const int64_t sizes = 8 * (r.batch + r.sequence + PastLength(r) + r.heads) +
                        4 * (r.head_size + r.value_head_size) + 2 * r.input_width;
  return static_cast<uint64_t>(sizes);
}

uint64_t OptionsRank(const Recipe& r) {
  uint64_t rank = 0;
  const auto add = [&](bool is_there, uint64_t amount) { rank += is_there ? amount : 0; };
  add(r.past.has_value(), 12);
  add(r.present, 6);
  add(r.unidirectional != 0, 10);
  add(r.unidirectional != 0 && r.unidirectional != 1, 2);
  add(r.explicit_hidden_sizes, 3);
  add(r.scale.has_value(), 5 + NumberRank(r.scale.value_or(0.0F)));
  add(r.mask_filter_value.has_value(), 5 + NumberRank(r.mask_filter_value.value_or(0.0F)));
  add(r.bias && r.op == Op::kAttention, 5);
  add(r.attention_bias != BiasBroadcast::kNone, 20 + static_cast<uint64_t>(r.attention_bias));
  add(r.bias_masked_share > 0.0F, 5);
  add(r.bias_masked_share > 0.0F && r.bias_masked_share < 1.0F, 2);
  add(r.bias_masked_share > 0.0F && std::isfinite(r.bias_masked_value), 3);
  rank += 2 * static_cast<uint64_t>(r.core_layout);
  add(r.input_signed, 2);
  add(r.weights_signed, 2);
  add(r.weight_scale_per_column, 4);
  add(r.weight_zero_point_per_column, 4);
  add(r.has_input_zero_point, 6);
  add(r.has_weight_zero_point, 6);
  add(r.scalars_as_vectors, 1);
  return rank;
}

}  // namespace

uint64_t PatternRank(KeepPattern pattern) {
  // By KeepPattern: all, nothing, random, right, left, span, one, all_but_one, last, mixed, blocks,
  // gap, mostly_all.
  static constexpr std::array<uint64_t, kKeepPatternCount> kRanks = {0, 1, 8, 4,  5,  7, 3,
                                                                     6, 2, 9, 11, 10, 12};
  return kRanks[static_cast<size_t>(pattern)];
}

Measure MeasureOf(const Recipe& r) {
  Measure measure;
  measure.structure = 1000 * r.faults.size() + 300 * r.cells.size() + SizesRank(r) +
                      MaskRank(r.mask) + OptionsRank(r);
  measure.details = BitLength(r.mask.seed) + BitLength(r.salt);
  for (size_t i = 0; i < kTensorCount; ++i) {
    const auto id = static_cast<TensorId>(i);
    if (UsesTensor(r, id) && id != TensorId::kMaskIndex) measure.details += ValuesRank(r.values[i]);
  }
  for (const CellOverride& cell : r.cells) {
    measure.details += BitLength(cell.index) + NumberRank(cell.value);
  }
  for (const Fault& fault : r.faults) {
    for (const int64_t dim : fault.dims) measure.details += BitLength(static_cast<uint64_t>(dim));
  }
  return measure;
}

}  // namespace maskproof
