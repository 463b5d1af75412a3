#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "properties/recipe/fields.h"
#include "properties/recipe/names.h"
#include "properties/recipe/parse_state.h"
#include "properties/recipe/recipe.h"
#include "properties/recipe/text_lines.h"
#include "properties/recipe/text_scan.h"

namespace maskproof {
namespace {

constexpr size_t kMaxTextSize = 1 << 20;
constexpr size_t kMaxLineSize = 400;
constexpr int64_t kAnyInteger = std::numeric_limits<int64_t>::max();
constexpr int64_t kMaxInt32 = std::numeric_limits<int32_t>::max();
constexpr int64_t kMaxUint32 = std::numeric_limits<uint32_t>::max();

std::string Joined(const std::vector<std::string_view>& words, size_t first) {
  std::string text;
  for (size_t i = first; i < words.size(); ++i) {
    if (i > first) text += ' ';
    text += words[i];
  }
  return text;
}

class Parser {
 public:
  explicit Parser(const Limits& limits) : limits_(limits) {}

  ParsedRecipe Run(std::string_view text) {
    ParsedRecipe result;
    if (ReadLines(text) && FinishParse(state_, limits_)) {
      result.recipe = std::move(state_.recipe);
    } else {
      result.error = std::move(state_.error);
    }
    return result;
  }

 private:
  using Words = std::vector<std::string_view>;

  // ---- lines -------------------------------------------------------

  bool ReadLines(std::string_view text) {
    if (text.size() > kMaxTextSize) {
      return Fail("recipe", "at most " + std::to_string(kMaxTextSize) + " characters",
                  std::to_string(text.size()));
    }
    bool started = false;
    while (!text.empty()) {
      ++line_;
      const size_t end = text.find('\n');
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      if (line.size() > kMaxLineSize) {
        return Fail("line", "at most " + std::to_string(kMaxLineSize) + " characters",
                    std::to_string(line.size()));
      }
      const Words words = SplitWords(line);
      if (words.empty()) continue;
      if (!(started ? ReadLine(words) : ReadHeader(words))) return false;
      started = true;
    }
    return started || Fail("recipe", "a line 'maskproof recipe 1'", "nothing");
  }

  bool ReadHeader(const Words& words) {
    const std::string header = std::string(kTextStart) + ' ' + std::to_string(kRecipeVersion);
    const std::string got = Joined(words, 0);
    return got == header || Fail("recipe", "'" + header + "'", Quoted(got));
  }

  bool ReadLine(const Words& words) {
    if (words[0] == "values") return ReadValues(words);
    if (words[0] == "set") return ReadCell(words);
    if (words[0] == "fault") return ReadFault(words);
    const auto key = ScanName<Key>(words[0], kKeyCount, KeyName);
    if (!key) return Fail("recipe", "a field of docs/recipes.md", Quoted(words[0]));
    int& seen = state_.key_lines[static_cast<size_t>(*key)];
    if (seen != 0)
      return Fail(words[0], "one such line", "another on line " + std::to_string(seen));
    seen = line_;
    if (*key == Key::kMask) return ReadMask(words);
    if (words.size() != 2) return Fail(words[0], "one value", Quoted(Joined(words, 1)));
    return ReadField(*key, words[0], words[1]);
  }

  // ---- fields of one value -----------------------------------------

  bool ReadField(Key key, std::string_view name, std::string_view value) {
    Recipe& r = recipe_;
    switch (key) {
      case Key::kOp:
        return Name(name, value, "Attention, QAttention or Core", kOpCount, OpName, r.op);
      case Key::kBatch:
        return Size(name, value, limits_.max_batch, r.batch);
      case Key::kSequence:
        return Size(name, value, limits_.max_sequence, r.sequence);
      case Key::kPast:
        return Past(name, value);
      case Key::kPresent:
        return Choice(name, value, "no", "yes", r.present);
      case Key::kHeads:
        return Size(name, value, limits_.max_heads, r.heads);
      case Key::kHeadSize:
        return Size(name, value, limits_.max_head_size, r.head_size);
      case Key::kValueHeadSize:
        return Size(name, value, limits_.max_head_size, r.value_head_size);
      case Key::kInputWidth:
        return Size(name, value, limits_.max_input_width, r.input_width);
      case Key::kUnidirectional:
        return Integer(name, value, -kAnyInteger - 1, kAnyInteger, r.unidirectional);
      case Key::kExplicitHiddenSizes:
        return Choice(name, value, "no", "yes", r.explicit_hidden_sizes);
      case Key::kScale:
        return FloatOrDefault(name, value, r.scale);
      case Key::kMaskFilterValue:
        return FloatOrDefault(name, value, r.mask_filter_value);
      case Key::kBias:
        return Choice(name, value, "no", "yes", r.bias);
      case Key::kAttentionBias:
        return Name(name, value, "none, full, heads, batch or both", kBiasBroadcastCount,
                    BiasBroadcastName, r.attention_bias);
      case Key::kBiasMaskedShare:
        return Float(name, value, r.bias_masked_share);
      case Key::kBiasMaskedValue:
        return Float(name, value, r.bias_masked_value);
      case Key::kCoreLayout:
        return Name(name, value, "head_major, token_major or padded", kCoreLayoutCount,
                    CoreLayoutName, r.core_layout);
      case Key::kInputType:
        return Choice(name, value, "uint8", "int8", r.input_signed);
      case Key::kWeightsType:
        return Choice(name, value, "uint8", "int8", r.weights_signed);
      case Key::kWeightScale:
        return Choice(name, value, "per_tensor", "per_column", r.weight_scale_per_column);
      case Key::kInputZeroPoint:
        return Choice(name, value, "absent", "per_tensor", r.has_input_zero_point);
      case Key::kWeightZeroPoint:
        r.weight_zero_point_per_column = value == "per_column";
        r.has_weight_zero_point = value != "absent";
        return value == "absent" || value == "per_tensor" || value == "per_column" ||
               Fail(name, "absent, per_tensor or per_column", Quoted(value));
      case Key::kScalarsAsVectors:
        return Choice(name, value, "no", "yes", r.scalars_as_vectors);
      case Key::kSalt: {
        const auto salt = ScanUnsigned(value);
        r.salt = salt.value_or(0);
        return salt.has_value() || Fail(name, "a whole number below 2^64", Quoted(value));
      }
      case Key::kMask:
        break;
    }
    return false;
  }

  bool Past(std::string_view name, std::string_view value) {
    if (value == "none") return true;
    int64_t past = 0;
    if (!Integer(name, value, 0, limits_.max_past, past)) return false;
    recipe_.past = past;
    return true;
  }

  bool Integer(std::string_view name, std::string_view value, int64_t lo, int64_t hi,
               int64_t& out) {
    const auto number = ScanInteger(value, lo, hi);
    if (!number) {
      const std::string range = hi == kAnyInteger ? "a whole number"
                                                  : "a whole number from " + std::to_string(lo) +
                                                        " to " + std::to_string(hi);
      return Fail(name, range, Quoted(value));
    }
    out = *number;
    return true;
  }

  bool Size(std::string_view name, std::string_view value, int64_t max, int64_t& out) {
    return Integer(name, value, 1, max, out);
  }

  bool Float(std::string_view name, std::string_view value, float& out) {
    const auto number = ScanFloat(value);
    out = number.value_or(0.0F);
    return number.has_value() || Fail(name, "a number", Quoted(value));
  }

  bool FloatOrDefault(std::string_view name, std::string_view value, std::optional<float>& out) {
    if (value == "default") return true;
    out = ScanFloat(value);
    return out.has_value() || Fail(name, "a number or 'default'", Quoted(value));
  }

  // `out` becomes whether `value` is the second of two words.
  bool Choice(std::string_view name, std::string_view value, const char* no, const char* yes,
              bool& out) {
    out = value == yes;
    return out || value == no ||
           Fail(name, std::string("'") + no + "' or '" + yes + "'", Quoted(value));
  }

  template <typename Enum, typename NameOf>
  bool Name(std::string_view field, std::string_view value, const char* expected, size_t count,
            NameOf name_of, Enum& out) {
    const auto found = ScanName<Enum>(value, count, name_of);
    if (!found) return Fail(field, expected, Quoted(value));
    out = *found;
    return true;
  }

  // ---- fields with parameters --------------------------------------

  // Splits "name=value" and hands it to `set(name, value)`, which says whether it knows the name
  // and, in `ok`, whether it could read the value.
  template <typename Set>
  bool Parameters(const Words& words, size_t first, std::string_view field, Set set) {
    for (size_t i = first; i < words.size(); ++i) {
      const size_t equals = words[i].find('=');
      if (equals == std::string_view::npos) return Fail(field, "NAME=VALUE", Quoted(words[i]));
      bool ok = true;
      if (!set(words[i].substr(0, equals), words[i].substr(equals + 1), ok)) {
        return Fail(field, "a parameter that matters to it", Quoted(words[i]));
      }
      if (!ok) return false;
    }
    return true;
  }

  template <typename T>
  bool Whole(std::string_view field, std::string_view value, int64_t lo, int64_t hi, T& out) {
    int64_t number = 0;
    if (!Integer(field, value, lo, hi, number)) return false;
    out = static_cast<T>(number);
    return true;
  }

  bool ReadMask(const Words& words) {
    MaskRecipe& mask = recipe_.mask;
    if (words.size() < 2) return Fail("mask", "a form", "nothing");
    if (!Name("mask", words[1], "none, lengths, ends_starts, cumulative, raw2d, dummy2d or raw3d",
              kMaskFormCount, MaskFormName, mask.form)) {
      return false;
    }
    // The pattern says which of the others matter.
    return Parameters(words, 2, "mask",
                      [&](std::string_view name, std::string_view value, bool& ok) {
                        if (name != "pattern" || mask.form == MaskForm::kNone) return true;
                        ok = Name("mask pattern", value,
                                  "all, nothing, random, right, left, span, one, all_but_one, "
                                  "last, mixed, blocks, gap or mostly_all",
                                  kKeepPatternCount, KeepPatternName, mask.pattern);
                        return true;
                      }) &&
           Parameters(words, 2, "mask",
                      [&](std::string_view name, std::string_view value, bool& ok) {
                        return MaskParameter(name, value, ok);
                      });
  }

  bool MaskParameter(std::string_view name, std::string_view value, bool& ok) {
    MaskRecipe& mask = recipe_.mask;
    if (mask.form == MaskForm::kNone) return false;
    if (name == "pattern") return true;
    if (name == "share" && PatternUsesShare(mask.pattern)) {
      ok = Float("mask share", value, mask.share);
      return true;
    }
    if (name == "seed" && PatternIsSeeded(mask.pattern)) {
      ok = Whole("mask seed", value, 0, kMaxUint32, mask.seed);
      return true;
    }
    if (name == "kept" && IsRawMask(mask.form)) {
      ok = Whole("mask kept", value, 1, kMaxInt32, mask.kept_value);
      return true;
    }
    if (name == "masked" && IsRawMask(mask.form)) {
      ok = Whole("mask masked", value, -kMaxInt32 - 1, 0, mask.masked_value);
      return true;
    }
    return false;
  }

  bool ReadValues(const Words& words) {
    if (words.size() < 3)
      return Fail("values", "a tensor and a distribution", Quoted(Joined(words, 1)));
    TensorId id{};
    if (!Tensor("values", words[1], id)) return false;
    const std::string field = std::string("values ") + TensorName(id);
    int& seen = state_.values_lines[static_cast<size_t>(id)];
    if (seen != 0) return Fail(field, "one such line", "another on line " + std::to_string(seen));
    seen = line_;
    Values& values = recipe_.of(id);
    if (!Name(
            field, words[2],
            "constant, normal, uniform, integers, scales, extremes, repeat, identity or peak",
            kDistributionCount, [](Distribution d) { return TraitsOf(d).name; },
            values.distribution)) {
      return false;
    }
    const DistributionTraits& traits = TraitsOf(values.distribution);
    return Parameters(words, 3, field,
                      [&](std::string_view name, std::string_view value, bool& ok) {
                        if (traits.seeded && name == "seed") {
                          ok = Whole(field + " seed", value, 0, kMaxUint32, values.seed);
                        } else if (traits.a != nullptr && name == traits.a) {
                          ok = Float(field + ' ' + traits.a, value, values.a);
                        } else if (traits.b != nullptr && name == traits.b) {
                          ok = Float(field + ' ' + traits.b, value, values.b);
                        } else {
                          return false;
                        }
                        return true;
                      });
  }

  // ---- cells and faults --------------------------------------------

  bool Tensor(std::string_view field, std::string_view name, TensorId& out) {
    const auto id = TensorFromName(name.data(), name.size());
    if (!id) return Fail(field, "the name of a tensor", Quoted(name));
    out = *id;
    return true;
  }

  bool ReadCell(const Words& words) {
    if (words.size() != 3) return Fail("set", "TENSOR[INDEX] NUMBER", Quoted(Joined(words, 1)));
    if (recipe_.cells.size() >= limits_.max_cells) {
      return Fail("set", "at most " + std::to_string(limits_.max_cells) + " such lines", "more");
    }
    const size_t open = words[1].find('[');
    if (open == std::string_view::npos || words[1].back() != ']') {
      return Fail("set", "TENSOR[INDEX]", Quoted(words[1]));
    }
    CellOverride cell;
    const std::string_view index = words[1].substr(open + 1, words[1].size() - open - 2);
    if (!Tensor("set", words[1].substr(0, open), cell.tensor) ||
        !Whole("set index", index, 0, kMaxUint32, cell.index) ||
        !Float("set", words[2], cell.value)) {
      return false;
    }
    recipe_.cells.push_back(cell);
    state_.cell_lines.push_back(line_);
    return true;
  }

  bool ReadFault(const Words& words) {
    if (words.size() < 3) return Fail("fault", "KIND TENSOR ...", Quoted(Joined(words, 1)));
    if (recipe_.faults.size() >= limits_.max_faults) {
      return Fail("fault", "at most " + std::to_string(limits_.max_faults) + " such lines", "more");
    }
    Fault fault;
    if (!Name("fault", words[1], "reshape, retype, omit, add or attribute", kFaultKindCount,
              FaultKindName, fault.kind)) {
      return false;
    }
    const size_t expected = fault.kind == Fault::Kind::kOmit ? 3 : 4;
    if (words.size() != expected) {
      return Fail("fault", std::to_string(expected) + " words", Quoted(Joined(words, 0)));
    }
    const bool read = fault.kind == Fault::Kind::kAttribute ? FaultAttribute(words, fault)
                                                            : FaultTensor(words, fault);
    if (!read) return false;
    recipe_.faults.push_back(std::move(fault));
    state_.fault_lines.push_back(line_);
    return true;
  }

  bool FaultAttribute(const Words& words, Fault& fault) {
    if (!Name("fault attribute", words[2], "the name of an attribute (docs/recipes.md)",
              kFaultAttributeCount, FaultAttributeName, fault.attribute)) {
      return false;
    }
    const auto number = ScanDouble(words[3]);
    fault.number = number.value_or(0.0);
    return number.has_value() || Fail("fault attribute", "a number", Quoted(words[3]));
  }

  bool FaultTensor(const Words& words, Fault& fault) {
    if (!Tensor("fault", words[2], fault.tensor)) return false;
    if (fault.kind == Fault::Kind::kOmit) return true;
    if (fault.kind == Fault::Kind::kRetype) {
      ElementType type{};
      if (!Name("fault retype", words[3], "float32, int32, int8 or uint8", kElementTypeCount,
                ElementTypeName, type)) {
        return false;
      }
      fault.dims = {static_cast<int64_t>(type)};
      return true;
    }
    auto dims = ScanDims(words[3], kMaxFaultDims);
    if (!dims) {
      return Fail(
          "fault",
          "dims like 2x3, at most " + std::to_string(kMaxFaultDims) + " of them, or 'scalar'",
          Quoted(words[3]));
    }
    fault.dims = std::move(*dims);
    return true;
  }

  bool Fail(std::string_view field, const std::string& expected, const std::string& got) {
    return state_.Fail(field, expected, got);
  }

  const Limits& limits_;
  ParseState state_;
  Recipe& recipe_ = state_.recipe;
  int& line_ = state_.line;
};

}  // namespace

ParsedRecipe ParseText(std::string_view text, const Limits& limits) {
  return Parser(limits).Run(text);
}

}  // namespace maskproof
