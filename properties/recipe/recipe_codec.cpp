#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "properties/recipe/codec_bytes.h"
#include "properties/recipe/fields.h"
#include "properties/recipe/recipe.h"
#include "properties/recipe/text_lines.h"

namespace maskproof {
namespace {

// Layout: operator; two bytes of flags; sizes; attributes; mask; salt; the values of each tensor
// that is there; cells; faults. What a tensor list depends on comes before it.

constexpr uint8_t kFlagPast = 1;
constexpr uint8_t kFlagPresent = 2;
constexpr uint8_t kFlagExplicitHidden = 4;
constexpr uint8_t kFlagScale = 8;
constexpr uint8_t kFlagMaskFilter = 16;
constexpr uint8_t kFlagNoBias = 32;
// The two highest bits: 0 is not causal, 1 and 2 are, 3 says that the attribute's value follows.
constexpr int kUnidirectionalShift = 6;
constexpr uint8_t kUnidirectionalFollows = 3;

uint8_t UnidirectionalBits(int64_t unidirectional) {
  return unidirectional == 0 || unidirectional == 1 ? static_cast<uint8_t>(unidirectional)
                                                    : kUnidirectionalFollows;
}

uint8_t Bit(bool value, uint8_t bit) { return value ? bit : uint8_t{0}; }

uint8_t EncodeFlags(const Recipe& r) {
  return static_cast<uint8_t>(
      Bit(r.past.has_value(), kFlagPast) | Bit(r.present, kFlagPresent) |
      Bit(r.explicit_hidden_sizes, kFlagExplicitHidden) | Bit(r.scale.has_value(), kFlagScale) |
      Bit(r.mask_filter_value.has_value(), kFlagMaskFilter) | Bit(!r.bias, kFlagNoBias) |
      (UnidirectionalBits(r.unidirectional) << kUnidirectionalShift));
}

uint8_t EncodeQuantization(const Recipe& r) {
  return static_cast<uint8_t>(
      Bit(r.input_signed, 1) | Bit(r.weights_signed, 2) | Bit(r.weight_scale_per_column, 4) |
      Bit(r.weight_zero_point_per_column, 8) | Bit(r.has_input_zero_point, 16) |
      Bit(r.has_weight_zero_point, 32) | Bit(r.scalars_as_vectors, 64));
}

void DecodeQuantization(uint8_t flags, Recipe& r) {
  r.input_signed = (flags & 1) != 0;
  r.weights_signed = (flags & 2) != 0;
  r.weight_scale_per_column = (flags & 4) != 0;
  r.weight_zero_point_per_column = (flags & 8) != 0;
  r.has_input_zero_point = (flags & 16) != 0;
  r.has_weight_zero_point = (flags & 32) != 0;
  r.scalars_as_vectors = (flags & 64) != 0;
}

template <typename Enum>
Enum DecodeEnum(ByteReader& in, size_t count) {
  return static_cast<Enum>(in.Byte() % count);
}

template <typename Enum>
void EncodeEnum(Enum value, ByteWriter& out) {
  out.Byte(static_cast<uint8_t>(value));
}

// ---- fields ------------------------------------------------------

void EncodeShape(const Recipe& r, ByteWriter& out) {
  EncodeEnum(r.op, out);
  out.Byte(EncodeFlags(r));
  out.Byte(EncodeQuantization(r));
  out.Size(r.batch);
  out.Size(r.sequence);
  if (r.past) out.Size(*r.past + 1);
  out.Size(r.heads);
  out.Size(r.head_size);
  out.Size(r.value_head_size);
  out.Size(r.op == Op::kCore ? 1 : r.input_width);
}

// Gives the flags that later fields depend on.
uint8_t DecodeShape(ByteReader& in, const Limits& limits, Recipe& r) {
  r.op = DecodeEnum<Op>(in, kOpCount);
  const uint8_t flags = in.Byte();
  DecodeQuantization(in.Byte(), r);
  r.batch = in.Size(limits.max_batch);
  r.sequence = in.Size(limits.max_sequence);
  if ((flags & kFlagPast) != 0) r.past = in.Size(limits.max_past + 1) - 1;
  r.heads = in.Size(limits.max_heads);
  r.head_size = in.Size(limits.max_head_size);
  r.value_head_size = in.Size(limits.max_head_size);
  r.input_width = in.Size(limits.max_input_width);
  return flags;
}

void EncodeOptions(const Recipe& r, ByteWriter& out) {
  if (UnidirectionalBits(r.unidirectional) == kUnidirectionalFollows) {
    out.Integer(r.unidirectional);
  }
  if (r.scale) out.Float(*r.scale);
  if (r.mask_filter_value) out.Float(*r.mask_filter_value);
  EncodeEnum(r.attention_bias, out);
  out.Float(r.bias_masked_share);
  if (r.bias_masked_share > 0.0F) out.Float(r.bias_masked_value);
  EncodeEnum(r.core_layout, out);
  EncodeEnum(r.mask.form, out);
  EncodeEnum(r.mask.pattern, out);
  out.Seed(r.mask.seed, 4);
  out.Float(r.mask.share);
  out.Integer(r.mask.kept_value);
  out.Integer(-static_cast<int64_t>(r.mask.masked_value));
  out.Seed(r.salt, 8);
}

int32_t ToInt32(int64_t value) { return static_cast<int32_t>(static_cast<uint32_t>(value)); }

void DecodeOptions(ByteReader& in, uint8_t flags, Recipe& r) {
  r.present = (flags & kFlagPresent) != 0;
  r.explicit_hidden_sizes = (flags & kFlagExplicitHidden) != 0;
  r.bias = (flags & kFlagNoBias) == 0;
  const int unidirectional = flags >> kUnidirectionalShift;
  r.unidirectional = unidirectional == 0 ? 0 : 1;
  if (unidirectional == kUnidirectionalFollows) r.unidirectional = in.Integer();
  if ((flags & kFlagScale) != 0) r.scale = in.Float();
  if ((flags & kFlagMaskFilter) != 0) r.mask_filter_value = in.Float();
  r.attention_bias = DecodeEnum<BiasBroadcast>(in, kBiasBroadcastCount);
  r.bias_masked_share = in.Float();
  if (r.bias_masked_share > 0.0F) r.bias_masked_value = in.Float();
  r.core_layout = DecodeEnum<CoreLayout>(in, kCoreLayoutCount);
  r.mask.form = DecodeEnum<MaskForm>(in, kMaskFormCount);
  r.mask.pattern = DecodeEnum<KeepPattern>(in, kKeepPatternCount);
  r.mask.seed = static_cast<uint32_t>(in.Seed(4));
  r.mask.share = in.Float();
  r.mask.kept_value = ToInt32(in.Integer());
  const int64_t masked = in.Integer();
  r.mask.masked_value = ToInt32(static_cast<int64_t>(-static_cast<uint64_t>(masked)));
  r.salt = in.Seed(8);
}

// ---- lists -------------------------------------------------------

void EncodeValues(const Recipe& r, ByteWriter& out) {
  for (size_t i = 0; i < kTensorCount; ++i) {
    const auto id = static_cast<TensorId>(i);
    if (id == TensorId::kMaskIndex || !UsesTensor(r, id)) continue;
    const Values& v = r.values[i];
    EncodeEnum(v.distribution, out);
    out.Seed(v.seed, 4);
    out.Float(v.a);
    out.Float(v.b);
  }
}

// `r` is normalized but for the lists.
void DecodeValues(ByteReader& in, Recipe& r) {
  for (size_t i = 0; i < kTensorCount && !in.AtEnd(); ++i) {
    const auto id = static_cast<TensorId>(i);
    if (id == TensorId::kMaskIndex || !UsesTensor(r, id)) continue;
    Values& v = r.values[i];
    v.distribution = DecodeEnum<Distribution>(in, kDistributionCount);
    v.seed = static_cast<uint32_t>(in.Seed(4));
    v.a = in.Float();
    v.b = in.Float();
  }
}

void EncodeCells(const Recipe& r, ByteWriter& out) {
  out.Count(r.cells.size());
  for (const CellOverride& cell : r.cells) {
    EncodeEnum(cell.tensor, out);
    out.Seed(cell.index, 4);
    out.Float(cell.value);
  }
}

void DecodeCells(ByteReader& in, const Limits& limits, Recipe& r) {
  const size_t count = in.Count(limits.max_cells);
  for (size_t i = 0; i < count && !in.AtEnd(); ++i) {
    CellOverride cell;
    cell.tensor = DecodeEnum<TensorId>(in, kTensorCount);
    cell.index = static_cast<uint32_t>(in.Seed(4));
    cell.value = in.Float();
    r.cells.push_back(cell);
  }
}

void EncodeFaults(const Recipe& r, ByteWriter& out) {
  out.Count(r.faults.size());
  for (const Fault& fault : r.faults) {
    EncodeEnum(fault.kind, out);
    if (fault.kind == Fault::Kind::kAttribute) {
      EncodeEnum(fault.attribute, out);
      out.Double(fault.number);
      continue;
    }
    EncodeEnum(fault.tensor, out);
    out.Byte(static_cast<uint8_t>(fault.dims.size()));
    for (const int64_t dim : fault.dims) out.Integer(dim);
  }
}

void DecodeFaults(ByteReader& in, const Limits& limits, Recipe& r) {
  const size_t count = in.Count(limits.max_faults);
  for (size_t i = 0; i < count && !in.AtEnd(); ++i) {
    Fault fault;
    fault.kind = DecodeEnum<Fault::Kind>(in, kFaultKindCount);
    if (fault.kind == Fault::Kind::kAttribute) {
      fault.attribute = DecodeEnum<Fault::Attribute>(in, kFaultAttributeCount);
      fault.number = in.Double();
    } else {
      fault.tensor = DecodeEnum<TensorId>(in, kTensorCount);
      fault.dims.resize(in.Byte() % (kMaxFaultDims + 1));
      for (int64_t& dim : fault.dims) dim = in.Integer();
    }
    r.faults.push_back(std::move(fault));
  }
}

}  // namespace

std::vector<uint8_t> EncodeBytes(const Recipe& recipe) {
  ByteWriter out;
  EncodeShape(recipe, out);
  EncodeOptions(recipe, out);
  EncodeValues(recipe, out);
  EncodeCells(recipe, out);
  EncodeFaults(recipe, out);
  return out.Take();
}

Recipe DecodeBytes(const uint8_t* data, size_t size, const Limits& limits) {
  if (size >= kTextStart.size() &&
      std::string_view(reinterpret_cast<const char*>(data), kTextStart.size()) == kTextStart) {
    ParsedRecipe parsed = ParseText({reinterpret_cast<const char*>(data), size}, FileLimits());
    if (parsed.recipe) {
      Normalize(*parsed.recipe, limits);
      return std::move(*parsed.recipe);
    }
  }
  ByteReader in(data, size);
  Recipe recipe;
  DecodeOptions(in, DecodeShape(in, limits, recipe), recipe);
  Normalize(recipe, limits);
  DecodeValues(in, recipe);
  DecodeCells(in, limits, recipe);
  DecodeFaults(in, limits, recipe);
  Normalize(recipe, limits);
  return recipe;
}

}  // namespace maskproof
