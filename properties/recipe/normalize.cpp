#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "properties/recipe/fields.h"
#include "properties/recipe/recipe.h"

namespace maskproof {
namespace {

constexpr float kLargestParameter = 0x1p100F;
constexpr float kLargestInteger = 0x1p24F;
constexpr float kLargestExponent = 126.0F;

template <typename Enum>
void ClampEnum(Enum& value, size_t count) {
  if (static_cast<size_t>(value) >= count) value = Enum{};
}

// Lets `keep` change each element once, in order, and drops those that it rejects.
template <typename T, typename Keep>
void KeepIf(std::vector<T>& list, Keep keep) {
  size_t kept = 0;
  for (size_t i = 0; i < list.size(); ++i) {
    if (!keep(list[i])) continue;
    if (kept != i) list[kept] = std::move(list[i]);
    ++kept;
  }
  list.resize(kept);
}

// NaN gives `fallback`; infinities are clamped like any other number.
float ClampFloat(float value, float lo, float hi, float fallback) {
  return std::isnan(value) ? fallback : std::clamp(value, lo, hi);
}

// Rounds towards zero; `limit` must be representable in int32.
float WholeNumber(float value, float limit) {
  return static_cast<float>(static_cast<int32_t>(ClampFloat(value, -limit, limit, 0.0F)));
}

// ---- values ------------------------------------------------------

void NormalizeValues(Values& v, TensorId id) {
  ClampEnum(v.distribution, kDistributionCount);
  if (v.distribution == Distribution::kIdentity && id != TensorId::kWeights) {
    v.distribution = Distribution::kNormal;
  }
  const DistributionTraits& traits = TraitsOf(v.distribution);
  if (!traits.seeded) v.seed = 0;
  if (traits.a == nullptr) v.a = 0.0F;
  if (traits.b == nullptr) v.b = 1.0F;
  switch (v.distribution) {
    case Distribution::kConstant: {
      constexpr float kMax = std::numeric_limits<float>::max();
      v.a = ClampFloat(v.a, -kMax, kMax, 0.0F);
      break;
    }
    case Distribution::kIntegers:
      v.a = WholeNumber(v.a, kLargestInteger);
      v.b = std::max(WholeNumber(v.b, kLargestInteger), v.a);
      break;
    case Distribution::kScales:
    case Distribution::kFaintRows:
    case Distribution::kFaintColumns:
      v.a = WholeNumber(v.a, kLargestExponent);
      v.b = std::max(WholeNumber(v.b, kLargestExponent), v.a);
      break;
    case Distribution::kUniform:
      v.a = ClampFloat(v.a, -kLargestParameter, kLargestParameter, 0.0F);
      v.b = std::max(ClampFloat(v.b, -kLargestParameter, kLargestParameter, 1.0F), v.a);
      break;
    case Distribution::kNormal:
    case Distribution::kExtremes:
    case Distribution::kRepeat:
    case Distribution::kIdentity:
    case Distribution::kPeak:
      v.a = ClampFloat(v.a, -kLargestParameter, kLargestParameter, 0.0F);
      v.b = ClampFloat(v.b, -kLargestParameter, kLargestParameter, 1.0F);
      break;
  }
}

void NormalizeMask(MaskRecipe& mask) {
  ClampEnum(mask.form, kMaskFormCount);
  ClampEnum(mask.pattern, kKeepPatternCount);
  if (mask.form == MaskForm::kNone) {
    mask = MaskRecipe();
    return;
  }
  if (!PatternIsSeeded(mask.pattern)) mask.seed = 0;
  const float share = PatternUsesShare(mask.pattern) ? mask.share : 0.5F;
  mask.share = ClampFloat(share, 0.0F, 1.0F, 0.5F);
  mask.kept_value = IsRawMask(mask.form) ? std::max(mask.kept_value, 1) : 1;
  mask.masked_value = IsRawMask(mask.form) ? std::min(mask.masked_value, 0) : 0;
}

// ---- agreement between fields ------------------------------------

void ClampSizes(Recipe& r, const Limits& limits) {
  const auto clamp = [](int64_t& value, int64_t max) {
    value = std::clamp<int64_t>(value, 1, std::max<int64_t>(max, 1));
  };
  clamp(r.batch, limits.max_batch);
  clamp(r.sequence, std::min(limits.max_sequence, limits.max_keys));
  clamp(r.heads, limits.max_heads);
  clamp(r.head_size, limits.max_head_size);
  clamp(r.value_head_size, limits.max_head_size);
  const int64_t most_past = std::min(limits.max_past, limits.max_keys - r.sequence);
  if (r.past) r.past = std::clamp<int64_t>(*r.past, 0, std::max<int64_t>(most_past, 0));
  if (r.op == Op::kCore) {
    r.input_width = 0;
  } else {
    clamp(r.input_width, limits.max_input_width);
  }
}

void ClearQuantization(Recipe& r) {
  const Recipe fresh;
  r.input_signed = fresh.input_signed;
  r.weights_signed = fresh.weights_signed;
  r.weight_scale_per_column = fresh.weight_scale_per_column;
  r.weight_zero_point_per_column = fresh.weight_zero_point_per_column;
  r.has_input_zero_point = fresh.has_input_zero_point;
  r.has_weight_zero_point = fresh.has_weight_zero_point;
  r.scalars_as_vectors = fresh.scalars_as_vectors;
}

void MakeFieldsAgree(Recipe& r) {
  ClampEnum(r.attention_bias, kBiasBroadcastCount);
  ClampEnum(r.core_layout, kCoreLayoutCount);
  if (r.scale && !std::isfinite(*r.scale)) r.scale.reset();
  if (r.mask_filter_value && std::isnan(*r.mask_filter_value)) r.mask_filter_value.reset();
  if (r.op == Op::kCore) {
    if (r.past && *r.past == 0) r.past.reset();
    r.present = false;
    r.bias = false;
    r.explicit_hidden_sizes = false;
    r.mask_filter_value.reset();
  } else {
    r.core_layout = CoreLayout::kHeadMajor;
    if (r.past) {
      r.present = true;
      r.attention_bias = BiasBroadcast::kNone;
    }
    if (r.present) r.value_head_size = r.head_size;
  }
  if (r.op == Op::kQAttention) {
    r.value_head_size = r.head_size;
    r.attention_bias = BiasBroadcast::kNone;
    r.bias = true;
    r.explicit_hidden_sizes = false;
    if (!r.has_weight_zero_point) r.weight_zero_point_per_column = false;
  } else {
    ClearQuantization(r);
  }
  // Hidden sizes that differ must be written anyway.
  if (r.value_head_size != r.head_size) r.explicit_hidden_sizes = false;
  r.bias_masked_share = r.attention_bias == BiasBroadcast::kNone
                            ? 0.0F
                            : ClampFloat(r.bias_masked_share, 0.0F, 1.0F, 0.0F);
  if (r.bias_masked_share == 0.0F || std::isnan(r.bias_masked_value)) {
    r.bias_masked_value = Recipe().bias_masked_value;
  }
}

// ---- work --------------------------------------------------------

bool TiesWidth(const Recipe& r) {
  return r.op != Op::kCore && r.of(TensorId::kWeights).distribution == Distribution::kIdentity;
}

int64_t ThreeQuarters(int64_t n) { return n - std::max<int64_t>(n / 4, 1); }

// Makes the largest size a quarter smaller. False if there is nothing left to make smaller.
bool ShrinkLargestSize(Recipe& r) {
  const int64_t past = PastLength(r);
  const int64_t head_size = std::max(r.head_size, r.value_head_size);
  const int64_t width = TiesWidth(r) ? 0 : r.input_width;
  const std::array<int64_t, 6> sizes = {width, past, r.sequence, head_size, r.heads, r.batch};
  const auto largest = std::ranges::max_element(sizes) - sizes.begin();
  if (sizes[static_cast<size_t>(largest)] <= 1) return false;
  switch (largest) {
    case 0:
      r.input_width = ThreeQuarters(r.input_width);
      break;
    case 1:
      r.past = ThreeQuarters(past);
      break;
    case 2:
      r.sequence = ThreeQuarters(r.sequence);
      break;
    case 3:
      if (r.value_head_size == head_size) r.value_head_size = ThreeQuarters(head_size);
      if (r.head_size == head_size) r.head_size = ThreeQuarters(head_size);
      break;
    case 4:
      r.heads = ThreeQuarters(r.heads);
      break;
    default:
      r.batch = ThreeQuarters(r.batch);
      break;
  }
  return true;
}

void HoldWork(Recipe& r, const Limits& limits) {
  if (TiesWidth(r) && WeightColumns(r) > limits.max_input_width) {
    r.of(TensorId::kWeights) = Values();
  }
  do {
    if (TiesWidth(r)) r.input_width = WeightColumns(r);
  } while (Work(r) > static_cast<double>(limits.max_work) && ShrinkLargestSize(r));
}

// ---- faults ------------------------------------------------------

bool AttributeBelongs(Op op, Fault::Attribute attribute) {
  switch (attribute) {
    case Fault::Attribute::kUnidirectional:
    case Fault::Attribute::kScale:
      return true;
    case Fault::Attribute::kHiddenQ:
    case Fault::Attribute::kHiddenK:
    case Fault::Attribute::kHiddenV:
    case Fault::Attribute::kHiddenCount:
      return op == Op::kAttention;
    default:
      return op != Op::kCore;
  }
}

double NormalizeNumber(Fault::Attribute attribute, double number) {
  constexpr double kLargestWhole = 0x1p53;
  switch (attribute) {
    case Fault::Attribute::kScale:
    case Fault::Attribute::kMaskFilterValue:
      if (std::isnan(number)) return std::numeric_limits<double>::quiet_NaN();
      // Conversion of a double beyond the range of float is undefined.
      if (std::isinf(number) || std::fabs(number) <= std::numeric_limits<float>::max()) {
        return static_cast<double>(static_cast<float>(number));
      }
      return std::copysign(std::numeric_limits<double>::infinity(), number);
    case Fault::Attribute::kWantPresent:
      return number == 0.0 || std::isnan(number) ? 0.0 : 1.0;
    case Fault::Attribute::kHiddenCount:
      if (std::isnan(number)) return 0.0;
      return static_cast<double>(
          static_cast<int64_t>(std::clamp(number, 0.0, static_cast<double>(kMaxHiddenCount))));
    default:
      if (std::isnan(number)) return 0.0;
      return static_cast<double>(
          static_cast<int64_t>(std::clamp(number, -kLargestWhole, kLargestWhole)));
  }
}

// Dims whose product overflows, or that are negative, stay as they are: such a tensor holds no
// data. Others are cut until their data are of a reasonable size.
void CutDims(Dims& dims) {
  if (dims.size() > kMaxFaultDims) dims.resize(kMaxFaultDims);
  while (ElementCount(dims) > kMaxFaultElements) {
    int64_t& largest = *std::ranges::max_element(dims);
    largest /= 2;
  }
}

using Presence = std::array<bool, kTensorCount>;

// False if the fault would change nothing. `present` follows the tensors through the faults.
bool NormalizeFault(const Recipe& r, Fault& fault, Presence& present) {
  ClampEnum(fault.kind, kFaultKindCount);
  ClampEnum(fault.tensor, kTensorCount);
  ClampEnum(fault.attribute, kFaultAttributeCount);
  if (fault.kind == Fault::Kind::kAttribute) {
    fault.tensor = TensorId::kInput;
    fault.dims.clear();
    fault.number = NormalizeNumber(fault.attribute, fault.number);
    return AttributeBelongs(r.op, fault.attribute);
  }
  fault.attribute = Fault::Attribute::kNumHeads;
  fault.number = 0.0;
  bool& there = present[static_cast<size_t>(fault.tensor)];
  if (there == (fault.kind == Fault::Kind::kAdd)) return false;
  switch (fault.kind) {
    case Fault::Kind::kRetype: {
      const int64_t type = fault.dims.empty() ? 0 : fault.dims[0];
      constexpr int64_t kCount = kElementTypeCount;
      fault.dims = {((type % kCount) + kCount) % kCount};
      break;
    }
    case Fault::Kind::kOmit:
      fault.dims.clear();
      there = false;
      break;
    default:
      CutDims(fault.dims);
      there = true;
      break;
  }
  return true;
}

void NormalizeFaults(Recipe& r, const Limits& limits) {
  if (r.faults.size() > limits.max_faults) r.faults.resize(limits.max_faults);
  if (r.faults.empty()) return;
  Presence present{};
  for (size_t i = 0; i < kTensorCount; ++i) present[i] = UsesTensor(r, static_cast<TensorId>(i));
  KeepIf(r.faults, [&](Fault& fault) { return NormalizeFault(r, fault, present); });
}

// ---- cells -------------------------------------------------------

// Brings the value into what the element type holds, so that text shows what the case has.
float CellValue(const Recipe& r, const CellOverride& cell) {
  float value = cell.value;
  if (std::isnan(value)) value = std::numeric_limits<float>::quiet_NaN();
  switch (TensorType(r, cell.tensor)) {
    case ElementType::kFloat32:
      return value;
    case ElementType::kInt8:
      value = ClampFloat(value, -128.0F, 127.0F, 0.0F);
      break;
    case ElementType::kUint8:
      value = ClampFloat(value, 0.0F, 255.0F, 0.0F);
      break;
    case ElementType::kInt32:
      value = ClampFloat(value, -0x1p31F, 0x1p31F, 0.0F);
      if (r.faults.empty() && cell.index < CheckedLengths(r)) value = std::max(value, 0.0F);
      break;
  }
  return static_cast<float>(static_cast<int64_t>(value));
}

// False if there is no such cell.
bool NormalizeCell(const Recipe& r, CellOverride& cell) {
  ClampEnum(cell.tensor, kTensorCount);
  if (!UsesTensor(r, cell.tensor)) return false;
  const auto size = static_cast<uint64_t>(ElementCount(TensorDims(r, cell.tensor)));
  if (size == 0) return false;
  cell.index = static_cast<uint32_t>(cell.index % size);
  cell.value = CellValue(r, cell);
  return true;
}

void NormalizeCells(Recipe& r, const Limits& limits) {
  if (r.cells.size() > limits.max_cells) r.cells.resize(limits.max_cells);
  KeepIf(r.cells, [&](CellOverride& cell) { return NormalizeCell(r, cell); });
}

}  // namespace

Limits FileLimits() {
  Limits limits;
  limits.max_batch = 64;
  limits.max_sequence = 2048;
  limits.max_past = 8192;
  limits.max_heads = 128;
  limits.max_head_size = 512;
  limits.max_input_width = 65536;
  limits.max_work = 32'000'000;
  limits.max_cells = 1024;
  limits.max_faults = 8;
  return limits;
}

void Normalize(Recipe& recipe, const Limits& limits) {
  ClampEnum(recipe.op, kOpCount);
  ClampSizes(recipe, limits);
  MakeFieldsAgree(recipe);
  NormalizeMask(recipe.mask);
  for (size_t i = 0; i < kTensorCount; ++i) {
    const auto id = static_cast<TensorId>(i);
    if (UsesTensor(recipe, id) && id != TensorId::kMaskIndex) {
      NormalizeValues(recipe.values[i], id);
    } else {
      recipe.values[i] = Values();
    }
  }
  HoldWork(recipe, limits);
  NormalizeFaults(recipe, limits);
  NormalizeCells(recipe, limits);
}

}  // namespace maskproof
