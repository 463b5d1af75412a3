#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "properties/recipe/fields.h"
#include "properties/recipe/names.h"
#include "properties/recipe/parse_state.h"
#include "properties/recipe/text_lines.h"
#include "properties/recipe/text_scan.h"

namespace maskproof {
namespace {

// ---- the recipe as a whole ---------------------------------------

int LineOf(const ParseState& state, Key key) { return state.key_lines[static_cast<size_t>(key)]; }

// Fields that the text leaves out and whose defaults depend on others.
bool SettleDefaults(ParseState& state) {
  Recipe& r = state.recipe;
  state.line = 0;
  if (LineOf(state, Key::kOp) == 0)
    return state.Fail("op", "Attention, QAttention or Core", "nothing");
  if (r.op == Op::kCore) {
    r.bias = false;
    r.input_width = 0;
    if (r.past == 0) r.past.reset();
  }
  if (LineOf(state, Key::kPresent) == 0) r.present = r.op != Op::kCore && r.past.has_value();
  if (LineOf(state, Key::kValueHeadSize) == 0) r.value_head_size = r.head_size;
  if (LineOf(state, Key::kInputWidth) == 0 && r.op != Op::kCore) {
    const bool identity = r.of(TensorId::kWeights).distribution == Distribution::kIdentity;
    r.input_width = identity ? WeightColumns(r) : r.heads * r.head_size;
  }
  return true;
}

bool CheckBelonging(ParseState& state) {
  const std::string no_field =
      std::string("no such line, as ") + OpName(state.recipe.op) + " has no such field";
  for (size_t i = 0; i < kKeyCount; ++i) {
    const auto key = static_cast<Key>(i);
    state.line = LineOf(state, key);
    if (state.line != 0 && !KeyBelongs(key, state.recipe.op))
      return state.Fail(KeyName(key), no_field, "one");
  }
  state.line = LineOf(state, Key::kBiasMaskedShare);
  if (state.line != 0 && state.recipe.attention_bias == BiasBroadcast::kNone) {
    return state.Fail(KeyName(Key::kBiasMaskedShare), "no such line without attention_bias", "one");
  }
  state.line = LineOf(state, Key::kBiasMaskedValue);
  if (state.line != 0 && !(state.recipe.bias_masked_share > 0.0F)) {
    return state.Fail(KeyName(Key::kBiasMaskedValue),
                      "no such line without a bias_masked_share above 0", "one");
  }
  for (size_t i = 0; i < kTensorCount; ++i) {
    const auto id = static_cast<TensorId>(i);
    state.line = state.values_lines[i];
    if (state.line == 0 || (UsesTensor(state.recipe, id) && id != TensorId::kMaskIndex)) continue;
    return state.Fail(
        std::string("values ") + TensorName(id),
        id == TensorId::kMaskIndex ? "a line 'mask' instead" : "a tensor of the recipe", "none");
  }
  return true;
}

int LineOfText(const ParseState& state, const std::vector<TextLine>& lines, std::ptrdiff_t index) {
  const std::string& field = lines[static_cast<size_t>(index)].field;
  const auto ordinal =
      static_cast<size_t>(std::count_if(lines.begin(), lines.begin() + index,
                                        [&](const TextLine& line) { return line.field == field; }));
  if (field == "set") return state.cell_lines[ordinal];
  if (field == "fault") return state.fault_lines[ordinal];
  if (const auto key = ScanName<Key>(field, kKeyCount, KeyName)) return LineOf(state, *key);
  const std::string_view tensor = std::string_view(field).substr(field.find(' ') + 1);
  const auto id = TensorFromName(tensor.data(), tensor.size());
  return id ? state.values_lines[static_cast<size_t>(*id)] : 0;
}

// Reports the first line that normalization would change.
bool CheckNormalized(ParseState& state, const Limits& limits) {
  Recipe normalized = state.recipe;
  Normalize(normalized, limits);
  if (normalized == state.recipe) return true;
  const std::vector<TextLine> written = ToLines(state.recipe);
  const std::vector<TextLine> legal = ToLines(normalized);
  const auto differs =
      std::ranges::mismatch(written, legal, [](const TextLine& a, const TextLine& b) {
        return a.field == b.field && a.value == b.value;
      });
  // Whatever text does not show is of no consequence.
  state.recipe = std::move(normalized);
  if (differs.in1 == written.end()) return true;
  state.line = LineOfText(state, written, differs.in1 - written.begin());
  const TextLine& got = *differs.in1;
  const bool changed = differs.in2 != legal.end() && differs.in2->field == got.field;
  return state.Fail(got.field,
                    changed ? Quoted(differs.in2->value) + " (limits, or other fields, ask for it)"
                            : "no such line (other fields exclude it)",
                    Quoted(got.value));
}

}  // namespace

std::string Quoted(std::string_view text) {
  constexpr size_t kMost = 60;
  std::string quoted = "'";
  for (const char c : text.substr(0, kMost)) quoted += c >= ' ' && c <= '~' ? c : '?';
  if (text.size() > kMost) quoted += "...";
  return quoted + "'";
}

bool ParseState::Fail(std::string_view field, const std::string& expected, const std::string& got) {
  if (line != 0) error = "line " + std::to_string(line) + ": ";
  error += field;
  error += ": expected " + expected + ", got " + got;
  return false;
}

bool FinishParse(ParseState& state, const Limits& limits) {
  return SettleDefaults(state) && CheckBelonging(state) && CheckNormalized(state, limits);
}

}  // namespace maskproof
