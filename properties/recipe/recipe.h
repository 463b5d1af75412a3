// A recipe: a short, readable description that expands, the same everywhere, to a case.
//
// Four doors lead here: the random generator (RapidCheck and the command), fuzzer bytes, recipe
// text in corpus/, and hand-written code. All of them give recipes that obey Normalize().
#ifndef MASKPROOF_PROPERTIES_RECIPE_RECIPE_H_
#define MASKPROOF_PROPERTIES_RECIPE_RECIPE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "properties/base/rng.h"
#include "properties/case/case.h"

namespace maskproof {

// How the elements of one tensor are drawn. Every distribution uses only integer arithmetic and
// single exact or correctly rounded operations, so that all machines agree on every bit.
enum class Distribution : uint8_t {
  kConstant,      // a
  kNormal,        // bell-shaped with mean a and standard deviation b (sum of uniforms)
  kUniform,       // [a, b)
  kIntegers,      // integers in [a, b]: exact in float32
  kScales,        // magnitudes log-uniform over [2^a, 2^b], random sign
  kExtremes,      // picked among 0, -0, denormals, 1, big and largest finite; quantised: ends and
                  // middle
  kRepeat,        // every row (last dim) the same normal row: equal scores
  kIdentity,      // weights only: the identity, so that query | key | value are the input's columns
  kPeak,          // normal (mean a, sd b), with one row in eight 16 times as large: a dominant key
  kFaintRows,     // scales, with one row in eight 2^-66 times as large
  kFaintColumns,  // scales, with one column in eight 2^-66 times as large
};
inline constexpr size_t kDistributionCount = 11;

struct Values {
  Distribution distribution = Distribution::kNormal;
  uint32_t seed = 0;
  float a = 0.0F;
  float b = 1.0F;
  bool operator==(const Values& other) const;  // floats by bits
};

enum class MaskForm : uint8_t {
  kNone,
  kLengths,     // (B)
  kEndsStarts,  // (2B)
  kCumulative,  // (3B+2): only the lengths count
  kRaw2D,       // (B,T)
  kDummy2D,     // (B,1): ignored
  kRaw3D,       // (B,S,T)
};
inline constexpr size_t kMaskFormCount = 7;
const char* MaskFormName(MaskForm form);

// Which keys the padding mask keeps. Each batch (and, for kRaw3D, each row) draws its own; forms
// that can hold only a length or a span take the pattern's nearest: kLengths uses `end`.
enum class KeepPattern : uint8_t {
  kAll,
  kNothing,
  kRandom,  // each key kept with probability share
  kRight,   // right padding: a random prefix kept
  kLeft,    // left padding: a random suffix kept
  kSpan,    // a random span kept, possibly empty (start > end included)
  kOne,     // exactly one key kept
  kAllButOne,
  kLast,       // only the last key
  kMixed,      // each batch (row) draws one of the above
  kBlocks,     // whole aligned blocks of keys, each kept with probability share
  kGap,        // all but a random span
  kMostlyAll,  // every key; one in eight draws one of the others
};
inline constexpr size_t kKeepPatternCount = 13;

struct MaskRecipe {
  MaskForm form = MaskForm::kNone;
  KeepPattern pattern = KeepPattern::kAll;
  uint32_t seed = 0;
  float share = 0.5F;        // of keys (blocks) kept, where keys are kept at random
  int32_t kept_value = 1;    // written for kept keys of raw forms, > 0
  int32_t masked_value = 0;  // written for masked keys of raw forms, <= 0
  bool operator==(const MaskRecipe& other) const;
};

enum class BiasBroadcast : uint8_t {
  kNone,
  kFull,
  kHeads,
  kBatch,
  kBoth
};  // (B,N) (B,1) (1,N) (1,1)

// One element of a tensor replaced after expansion.
struct CellOverride {
  TensorId tensor = TensorId::kInput;
  uint32_t index = 0;                                // flat; taken modulo the tensor's size
  float value = 0.0F;                                // converted to the tensor's type, saturating
  bool operator==(const CellOverride& other) const;  // value by bits
};

// One structural fault, applied after expansion: the way to malformed cases.
struct Fault {
  enum class Kind : uint8_t {
    kReshape,    // give `tensor` the dims `dims`, keep its elements, pad with zeros or cut
    kRetype,     // give `tensor` element type dims[0] mod 4
    kOmit,       // leave `tensor` out
    kAdd,        // add an absent optional `tensor` with `dims`, zeros
    kAttribute,  // set the attribute `attribute` to `number`
  };
  enum class Attribute : uint8_t {
    kNumHeads,
    kUnidirectional,
    kHiddenQ,
    kHiddenK,
    kHiddenV,
    kHiddenCount,
    kScale,
    kMaskFilterValue,
    kShareBuffer,
    kRotary,
    kWantPresent,
  };
  Kind kind = Kind::kReshape;
  TensorId tensor = TensorId::kInput;
  Dims dims;  // at most 6
  Attribute attribute = Attribute::kNumHeads;
  double number = 0.0;
  bool operator==(const Fault& other) const;  // number by bits
};

struct Recipe {
  Op op = Op::kAttention;
  int64_t batch = 1;
  int64_t sequence = 1;
  std::optional<int64_t> past;  // absent: no past input. Core: T - S, absent means 0
  bool present = false;
  int64_t heads = 1;
  int64_t head_size = 1;
  int64_t value_head_size = 1;  // QAttention: equals head_size
  int64_t input_width = 1;      // Core: 0
  int64_t unidirectional = 0;
  bool explicit_hidden_sizes = false;  // write qkv_hidden_sizes even where not needed
  std::optional<float> scale;
  std::optional<float> mask_filter_value;
  bool bias = true;  // QAttention: always
  MaskRecipe mask;
  BiasBroadcast attention_bias = BiasBroadcast::kNone;
  float bias_masked_share = 0.0F;  // share of attention_bias elements that mask
  // What those are set to: -inf, or what frameworks write in its place.
  float bias_masked_value = -std::numeric_limits<float>::infinity();
  CoreLayout core_layout = CoreLayout::kHeadMajor;

  // QAttention
  bool input_signed = false;
  bool weights_signed = false;
  bool weight_scale_per_column = false;
  bool weight_zero_point_per_column = false;
  bool has_input_zero_point = false;
  bool has_weight_zero_point = false;
  bool scalars_as_vectors = false;  // per-tensor scales and zero points have dims (1) instead of ()

  std::array<Values, kTensorCount> values;  // by TensorId; unused ones keep the default
  std::vector<CellOverride> cells;
  std::vector<Fault> faults;
  uint64_t salt = 0;

  Values& of(TensorId id) { return values[static_cast<size_t>(id)]; }
  const Values& of(TensorId id) const { return values[static_cast<size_t>(id)]; }
  bool operator==(const Recipe& other) const;  // floats by bits
};

// Bounds on the size of a case. The work of a case is about B*N*S*T*(H+Hv) + B*S*Di*(2D+Dv).
struct Limits {
  int64_t max_batch = 40;
  int64_t max_sequence = 640;
  int64_t max_past = 8209;
  int64_t max_keys = std::numeric_limits<int64_t>::max();  // T = P + S
  int64_t max_heads = 48;
  int64_t max_head_size = 273;
  int64_t max_input_width = 33'600;
  int64_t max_work = 2'000'000;
  size_t max_cells = 16;
  size_t max_faults = 3;
};

// Brings every field into its legal range and makes fields agree (heads of QAttention, bias, past
// with attention_bias, ...), changing as little as it can; shrinks sizes until max_work holds.
// Idempotent. A recipe without faults is then valid in the sense of case/validity.h.
void Normalize(Recipe& recipe, const Limits& limits = {});

// Expands a normalized recipe. Never fails; a recipe with faults gives a case that may be invalid.
Case Expand(const Recipe& recipe);

// ---- text (recipe_text.cpp): one `key value` line per field, canonical order -------------------
inline constexpr int kRecipeVersion = 1;
std::string ToText(const Recipe& recipe);
struct ParsedRecipe {
  std::optional<Recipe> recipe;
  std::string error;  // "line 7: scale: expected a number or 'default', got 'x'"
};
// Accepts comments (# ...) and blank lines. The result is normalized against `limits`; a field that
// normalization would have to change is an error that names the field.
ParsedRecipe ParseText(std::string_view text, const Limits& limits);
// Generous limits for files that people write.
Limits FileLimits();

// ---- bytes (recipe_codec.cpp) -------------------------------------------------------------------
// Every byte string decodes; missing bytes read as zero. Input that starts with "maskproof recipe"
// is read as text. DecodeBytes(EncodeBytes(r)) == r for a normalized r.
Recipe DecodeBytes(const uint8_t* data, size_t size, const Limits& limits);
std::vector<uint8_t> EncodeBytes(const Recipe& recipe);

// ---- search (generate.cpp, mutate.cpp, shrink.cpp, classify.cpp)
// ---------------------------------
// Counts the changes of which recipe a seed stands for, or which case a recipe.
inline constexpr int kGeneratorVersion = 4;

struct GenerateOptions {
  std::optional<Op> op;
  bool allow_faults = false;  // with it, about half of the recipes get one to three faults
  // Zero-point, tails, mask and value corners are favoured; sizes grow with `size` (0..100).
  int size = 100;
  Limits limits;
};
Recipe Generate(Rng& rng, const GenerateOptions& options);
// Smaller recipes than this one whose seeds and salt are all drawn anew: for a finding that depends
// on what is drawn, where no single step keeps it. Other ones for every `round`.
std::vector<Recipe> RedrawnCandidates(const Recipe& recipe, uint64_t round,
                                      const Limits& limits = {});
// One to three random edits of fields, cells or faults.
Recipe Mutate(const Recipe& recipe, Rng& rng, const GenerateOptions& options);
Recipe CrossOver(const Recipe& a, const Recipe& b, Rng& rng, const GenerateOptions& options);
// Simpler recipes to try in place of `recipe`, boldest first; each is normalized and strictly
// simpler by a well-founded order, so that greedy shrinking ends.
std::vector<Recipe> ShrinkCandidates(const Recipe& recipe, const Limits& limits = {});

// Whether the values of any tensor are drawn that way.
bool HasDistribution(const Recipe& recipe, Distribution distribution);

// Labels for distribution reports: "mask raw2d", "causal", "past", "fully masked row", "extreme
// values", ...
std::vector<const char*> Classify(const Recipe& recipe, const Case& expanded);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_RECIPE_RECIPE_H_
