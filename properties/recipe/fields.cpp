#include "properties/recipe/fields.h"

#include <array>
#include <bit>

namespace maskproof {

const DistributionTraits& TraitsOf(Distribution distribution) {
  static constexpr std::array<DistributionTraits, kDistributionCount> kByDistribution = {{
      {.name = "constant", .seeded = false, .a = "value", .b = nullptr},
      {.name = "normal", .seeded = true, .a = "mean", .b = "sd"},
      {.name = "uniform", .seeded = true, .a = "low", .b = "high"},
      {.name = "integers", .seeded = true, .a = "low", .b = "high"},
      {.name = "scales", .seeded = true, .a = "low", .b = "high"},
      {.name = "extremes", .seeded = true, .a = nullptr, .b = nullptr},
      {.name = "repeat", .seeded = true, .a = "mean", .b = "sd"},
      {.name = "identity", .seeded = false, .a = nullptr, .b = nullptr},
      {.name = "peak", .seeded = true, .a = "mean", .b = "sd"},
      {.name = "faint_rows", .seeded = true, .a = "low", .b = "high"},
      {.name = "faint_columns", .seeded = true, .a = "low", .b = "high"},
  }};
  return kByDistribution[static_cast<size_t>(distribution)];
}

const char* MaskFormName(MaskForm form) {
  static constexpr std::array<const char*, kMaskFormCount> kNames = {
      "none", "lengths", "ends_starts", "cumulative", "raw2d", "dummy2d", "raw3d"};
  return kNames[static_cast<size_t>(form)];
}

bool UsesTensor(const Recipe& recipe, TensorId id) {
  const bool core = recipe.op == Op::kCore;
  const bool quantized = recipe.op == Op::kQAttention;
  switch (id) {
    case TensorId::kInput:
    case TensorId::kWeights:
      return !core;
    case TensorId::kBias:
      return quantized || (!core && recipe.bias);
    case TensorId::kMaskIndex:
      return recipe.mask.form != MaskForm::kNone;
    case TensorId::kPast:
      return !core && recipe.past.has_value();
    case TensorId::kAttentionBias:
      return !quantized && recipe.attention_bias != BiasBroadcast::kNone;
    case TensorId::kPastSequenceLength:
      return false;
    case TensorId::kInputScale:
    case TensorId::kWeightScale:
      return quantized;
    case TensorId::kInputZeroPoint:
      return quantized && recipe.has_input_zero_point;
    case TensorId::kWeightZeroPoint:
      return quantized && recipe.has_weight_zero_point;
    case TensorId::kQuery:
    case TensorId::kKey:
    case TensorId::kValue:
      return core;
  }
  return false;
}

ElementType TensorType(const Recipe& recipe, TensorId id) {
  const auto quantized = [&](bool is_signed) {
    if (recipe.op != Op::kQAttention) return ElementType::kFloat32;
    return is_signed ? ElementType::kInt8 : ElementType::kUint8;
  };
  switch (id) {
    case TensorId::kInput:
      return quantized(recipe.input_signed);
    case TensorId::kWeights:
      return quantized(recipe.weights_signed);
    case TensorId::kInputZeroPoint:
      return recipe.input_signed ? ElementType::kInt8 : ElementType::kUint8;
    case TensorId::kWeightZeroPoint:
      return recipe.weights_signed ? ElementType::kInt8 : ElementType::kUint8;
    case TensorId::kMaskIndex:
    case TensorId::kPastSequenceLength:
      return ElementType::kInt32;
    default:
      return ElementType::kFloat32;
  }
}

namespace {

Dims MaskDims(const Recipe& r) {
  switch (r.mask.form) {
    case MaskForm::kNone:
      return {};
    case MaskForm::kLengths:
      return {r.batch};
    case MaskForm::kEndsStarts:
      return {2 * r.batch};
    case MaskForm::kCumulative:
      return {3 * r.batch + 2};
    case MaskForm::kRaw2D:
      return {r.batch, TotalLength(r)};
    case MaskForm::kDummy2D:
      return {r.batch, 1};
    case MaskForm::kRaw3D:
      return {r.batch, r.sequence, TotalLength(r)};
  }
  return {};
}

Dims ParameterDims(const Recipe& r, bool per_column) {
  if (per_column) return {WeightColumns(r)};
  return r.scalars_as_vectors ? Dims{1} : Dims{};
}

}  // namespace

Dims TensorDims(const Recipe& recipe, TensorId id) {
  const Recipe& r = recipe;
  switch (id) {
    case TensorId::kInput:
      return {r.batch, r.sequence, r.input_width};
    case TensorId::kWeights:
      return {r.input_width, WeightColumns(r)};
    case TensorId::kBias:
      return {WeightColumns(r)};
    case TensorId::kMaskIndex:
      return MaskDims(r);
    case TensorId::kPast:
      return {2, r.batch, r.heads, PastLength(r), r.head_size};
    case TensorId::kAttentionBias: {
      const BiasBroadcast over = r.attention_bias;
      const bool one_batch = over == BiasBroadcast::kBatch || over == BiasBroadcast::kBoth;
      const bool one_head = over == BiasBroadcast::kHeads || over == BiasBroadcast::kBoth;
      return {one_batch ? 1 : r.batch, one_head ? 1 : r.heads, r.sequence, TotalLength(r)};
    }
    case TensorId::kPastSequenceLength:
      return {1};
    case TensorId::kInputScale:
    case TensorId::kInputZeroPoint:
      return ParameterDims(r, false);
    case TensorId::kWeightScale:
      return ParameterDims(r, r.weight_scale_per_column);
    case TensorId::kWeightZeroPoint:
      return ParameterDims(r, r.weight_zero_point_per_column);
    case TensorId::kQuery:
      return {r.batch, r.heads, r.sequence, r.head_size};
    case TensorId::kKey:
      return {r.batch, r.heads, TotalLength(r), r.head_size};
    case TensorId::kValue:
      return {r.batch, r.heads, TotalLength(r), r.value_head_size};
  }
  return {};
}

int64_t CheckedLengths(const Recipe& recipe) {
  switch (recipe.mask.form) {
    case MaskForm::kLengths:
    case MaskForm::kEndsStarts:
    case MaskForm::kCumulative:
      return recipe.batch;
    default:
      return 0;
  }
}

bool PatternIsSeeded(KeepPattern pattern) {
  return pattern != KeepPattern::kAll && pattern != KeepPattern::kNothing &&
         pattern != KeepPattern::kLast;
}

bool PatternUsesShare(KeepPattern pattern) {
  return pattern == KeepPattern::kRandom || pattern == KeepPattern::kMixed ||
         pattern == KeepPattern::kBlocks || pattern == KeepPattern::kMostlyAll;
}

double Work(const Recipe& recipe) {
  const auto number = [](int64_t n) { return static_cast<double>(n); };
  const double rows = number(recipe.batch) * number(recipe.sequence);
  const double attention = rows * number(recipe.heads) * number(TotalLength(recipe)) *
                           number(recipe.head_size + recipe.value_head_size);
  return attention + rows * number(recipe.input_width) * number(WeightColumns(recipe));
}

uint32_t FloatBits(float value) { return std::bit_cast<uint32_t>(value); }
uint64_t DoubleBits(double value) { return std::bit_cast<uint64_t>(value); }

bool Values::operator==(const Values& other) const {
  return distribution == other.distribution && seed == other.seed &&
         FloatBits(a) == FloatBits(other.a) && FloatBits(b) == FloatBits(other.b);
}

bool MaskRecipe::operator==(const MaskRecipe& other) const {
  return form == other.form && pattern == other.pattern && seed == other.seed &&
         FloatBits(share) == FloatBits(other.share) && kept_value == other.kept_value &&
         masked_value == other.masked_value;
}

bool CellOverride::operator==(const CellOverride& other) const {
  return tensor == other.tensor && index == other.index &&
         FloatBits(value) == FloatBits(other.value);
}

bool Fault::operator==(const Fault& other) const {
  return kind == other.kind && tensor == other.tensor && dims == other.dims &&
         attribute == other.attribute && DoubleBits(number) == DoubleBits(other.number);
}

namespace {

bool SameBits(const std::optional<float>& x, const std::optional<float>& y) {
  if (!x || !y) return x.has_value() == y.has_value();
  return FloatBits(*x) == FloatBits(*y);
}

bool SameShape(const Recipe& x, const Recipe& y) {
  return x.op == y.op && x.batch == y.batch && x.sequence == y.sequence && x.past == y.past &&
         x.present == y.present && x.heads == y.heads && x.head_size == y.head_size &&
         x.value_head_size == y.value_head_size && x.input_width == y.input_width;
}

bool SameOptions(const Recipe& x, const Recipe& y) {
  return x.unidirectional == y.unidirectional &&
         x.explicit_hidden_sizes == y.explicit_hidden_sizes && SameBits(x.scale, y.scale) &&
         SameBits(x.mask_filter_value, y.mask_filter_value) && x.bias == y.bias &&
         x.mask == y.mask && x.attention_bias == y.attention_bias &&
         FloatBits(x.bias_masked_share) == FloatBits(y.bias_masked_share) &&
         FloatBits(x.bias_masked_value) == FloatBits(y.bias_masked_value) &&
         x.core_layout == y.core_layout;
}

bool SameQuantization(const Recipe& x, const Recipe& y) {
  return x.input_signed == y.input_signed && x.weights_signed == y.weights_signed &&
         x.weight_scale_per_column == y.weight_scale_per_column &&
         x.weight_zero_point_per_column == y.weight_zero_point_per_column &&
         x.has_input_zero_point == y.has_input_zero_point &&
         x.has_weight_zero_point == y.has_weight_zero_point &&
         x.scalars_as_vectors == y.scalars_as_vectors;
}

}  // namespace

bool Recipe::operator==(const Recipe& other) const {
  return SameShape(*this, other) && SameOptions(*this, other) && SameQuantization(*this, other) &&
         values == other.values && cells == other.cells && faults == other.faults &&
         salt == other.salt;
}

}  // namespace maskproof
