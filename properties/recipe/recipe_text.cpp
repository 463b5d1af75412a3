#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "properties/recipe/fields.h"
#include "properties/recipe/names.h"
#include "properties/recipe/recipe.h"
#include "properties/recipe/text_lines.h"

namespace maskproof {
namespace {

// Shortest text that reads back as the same number.
template <typename T>
std::string Number(T value) {
  std::array<char, 64> buffer{};
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value);
  return {buffer.data(), static_cast<size_t>(result.ptr - buffer.data())};
}

std::string OrDefault(const std::optional<float>& value) {
  return value ? Number(*value) : "default";
}

const char* YesNo(bool value) { return value ? "yes" : "no"; }

std::string MaskText(const MaskRecipe& mask) {
  std::string text = MaskFormName(mask.form);
  if (mask.form == MaskForm::kNone) return text;
  text += " pattern=";
  text += KeepPatternName(mask.pattern);
  if (PatternUsesShare(mask.pattern)) text += " share=" + Number(mask.share);
  if (PatternIsSeeded(mask.pattern)) text += " seed=" + Number(mask.seed);
  if (IsRawMask(mask.form)) {
    text += " kept=" + Number(mask.kept_value) + " masked=" + Number(mask.masked_value);
  }
  return text;
}

std::string ValuesText(const Values& values) {
  const DistributionTraits& traits = TraitsOf(values.distribution);
  std::string text = traits.name;
  const auto parameter = [&](const char* name, const std::string& value) {
    text += ' ';
    text += name;
    text += '=';
    text += value;
  };
  if (traits.seeded) parameter("seed", Number(values.seed));
  if (traits.a != nullptr) parameter(traits.a, Number(values.a));
  if (traits.b != nullptr) parameter(traits.b, Number(values.b));
  return text;
}

std::string DimsText(const Dims& dims) {
  if (dims.empty()) return "scalar";
  std::string text;
  for (size_t i = 0; i < dims.size(); ++i) {
    if (i > 0) text += 'x';
    text += Number(dims[i]);
  }
  return text;
}

std::string FaultText(const Fault& fault) {
  std::string text = FaultKindName(fault.kind);
  text += ' ';
  if (fault.kind == Fault::Kind::kAttribute) {
    text += FaultAttributeName(fault.attribute);
    text += ' ';
    return text + Number(fault.number);
  }
  text += TensorName(fault.tensor);
  if (fault.kind == Fault::Kind::kOmit) return text;
  text += ' ';
  if (fault.kind == Fault::Kind::kRetype) {
    return text + ElementTypeName(static_cast<ElementType>(fault.dims[0]));
  }
  return text + DimsText(fault.dims);
}

std::string CellText(const CellOverride& cell) {
  std::string text = TensorName(cell.tensor);
  text += '[' + Number(cell.index) + "] ";
  // Values of integer tensors are whole numbers and read better without an exponent.
  const bool whole =
      cell.value == static_cast<float>(static_cast<int64_t>(
                        cell.value > -0x1p62F && cell.value < 0x1p62F ? cell.value : 0.0F));
  const bool plain = whole && cell.tensor == TensorId::kMaskIndex;
  return text + (plain ? Number(static_cast<int64_t>(cell.value)) : Number(cell.value));
}

const char* SignText(bool is_signed) { return is_signed ? "int8" : "uint8"; }

std::string ZeroPointText(const Recipe& r) {
  if (!r.has_weight_zero_point) return "absent";
  return r.weight_zero_point_per_column ? "per_column" : "per_tensor";
}

std::string FieldText(const Recipe& r, Key key) {
  switch (key) {
    case Key::kOp:
      return OpName(r.op);
    case Key::kBatch:
      return Number(r.batch);
    case Key::kSequence:
      return Number(r.sequence);
    case Key::kPast:
      return r.past ? Number(*r.past) : "none";
    case Key::kPresent:
      return YesNo(r.present);
    case Key::kHeads:
      return Number(r.heads);
    case Key::kHeadSize:
      return Number(r.head_size);
    case Key::kValueHeadSize:
      return Number(r.value_head_size);
    case Key::kInputWidth:
      return Number(r.input_width);
    case Key::kUnidirectional:
      return Number(r.unidirectional);
    case Key::kExplicitHiddenSizes:
      return YesNo(r.explicit_hidden_sizes);
    case Key::kScale:
      return OrDefault(r.scale);
    case Key::kMaskFilterValue:
      return OrDefault(r.mask_filter_value);
    case Key::kBias:
      return YesNo(r.bias);
    case Key::kMask:
      return MaskText(r.mask);
    case Key::kAttentionBias:
      return BiasBroadcastName(r.attention_bias);
    case Key::kBiasMaskedShare:
      return Number(r.bias_masked_share);
    case Key::kBiasMaskedValue:
      return Number(r.bias_masked_value);
    case Key::kCoreLayout:
      return CoreLayoutName(r.core_layout);
    case Key::kInputType:
      return SignText(r.input_signed);
    case Key::kWeightsType:
      return SignText(r.weights_signed);
    case Key::kWeightScale:
      return r.weight_scale_per_column ? "per_column" : "per_tensor";
    case Key::kInputZeroPoint:
      return r.has_input_zero_point ? "per_tensor" : "absent";
    case Key::kWeightZeroPoint:
      return ZeroPointText(r);
    case Key::kScalarsAsVectors:
      return YesNo(r.scalars_as_vectors);
    case Key::kSalt:
      return Number(r.salt);
  }
  return {};
}

}  // namespace

std::vector<TextLine> ToLines(const Recipe& recipe) {
  std::vector<TextLine> lines;
  for (size_t i = 0; i < kKeyCount; ++i) {
    const auto key = static_cast<Key>(i);
    if (key == Key::kSalt || !KeyBelongs(key, recipe.op)) continue;
    if (key == Key::kBiasMaskedShare && recipe.attention_bias == BiasBroadcast::kNone) continue;
    if (key == Key::kBiasMaskedValue && recipe.bias_masked_share == 0.0F) continue;
    lines.push_back({KeyName(key), FieldText(recipe, key)});
  }
  for (size_t i = 0; i < kTensorCount; ++i) {
    const auto id = static_cast<TensorId>(i);
    if (id == TensorId::kMaskIndex || !UsesTensor(recipe, id)) continue;
    lines.push_back({std::string("values ") + TensorName(id), ValuesText(recipe.values[i])});
  }
  for (const CellOverride& cell : recipe.cells) lines.push_back({"set", CellText(cell)});
  for (const Fault& fault : recipe.faults) lines.push_back({"fault", FaultText(fault)});
  lines.push_back({KeyName(Key::kSalt), FieldText(recipe, Key::kSalt)});
  return lines;
}

std::string ToText(const Recipe& recipe) {
  std::string text(kTextStart);
  text += ' ' + Number(kRecipeVersion) + '\n';
  for (const TextLine& line : ToLines(recipe)) {
    text += line.field;
    text += ' ';
    text += line.value;
    text += '\n';
  }
  return text;
}

}  // namespace maskproof
