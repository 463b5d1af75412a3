// Which cases are valid: one function per rule group, in the order of docs/operators.md. The first
// broken rule is reported. A form that is well formed but optional to support is remembered, and
// reported only if nothing else is wrong.
#include "properties/case/validity.h"

#include <cmath>
#include <initializer_list>
#include <limits>
#include <utility>

#include "properties/case/limits.h"
#include "properties/case/tensor_of.h"

namespace maskproof {
namespace {

bool IsByte(ElementType type) { return type == ElementType::kInt8 || type == ElementType::kUint8; }

bool IsScalar(const Dims& dims) { return dims.empty() || (dims.size() == 1 && dims[0] == 1); }

int64_t Count(std::initializer_list<int64_t> dims) {
  return ElementCount(std::span<const int64_t>(dims.begin(), dims.size()));
}

bool Overflows(std::initializer_list<int64_t> dims) { return Count(dims) < 0; }

class Judge {
 public:
  explicit Judge(const Case& c) : c_(c) {}

  ValidityVerdict Run() {
    const bool valid = c_.op == Op::kCore ? RunCore() : RunOperator();
    return valid ? std::move(unsupported_) : std::move(invalid_);
  }

 private:
  bool RunCore() {
    return Belonging({TensorId::kQuery, TensorId::kKey, TensorId::kValue},
                     {TensorId::kMaskIndex, TensorId::kAttentionBias}) &&
           Types() && Scale() && CoreAttributes() && CoreShapes() && Sizes() && Mask() &&
           AttentionBias();
  }

  bool RunOperator() {
    const bool quantized = c_.op == Op::kQAttention;
    const bool belonging =
        quantized ? Belonging({TensorId::kInput, TensorId::kWeights, TensorId::kBias,
                               TensorId::kInputScale, TensorId::kWeightScale},
                              {TensorId::kMaskIndex, TensorId::kInputZeroPoint,
                               TensorId::kWeightZeroPoint, TensorId::kPast,
                               TensorId::kPastSequenceLength})
                  : Belonging({TensorId::kInput, TensorId::kWeights},
                              {TensorId::kBias, TensorId::kMaskIndex, TensorId::kPast,
                               TensorId::kAttentionBias, TensorId::kPastSequenceLength});
    return belonging && Types() && Scale() && OperatorAttributes() && ProjectionShapes() &&
           HiddenSizes() && (!quantized || Quantization()) && Past() && Sizes() && Mask() &&
           AttentionBias();
  }

  // ---- which tensors, of which type ----

  bool Belonging(std::initializer_list<TensorId> required,
                 std::initializer_list<TensorId> optional) {
    std::array<bool, kTensorCount> known{};
    for (const TensorId id : required) {
      known[static_cast<size_t>(id)] = true;
      if (!c_.has(id)) return Invalid(id, "required, but absent");
    }
    for (const TensorId id : optional) known[static_cast<size_t>(id)] = true;
    for (size_t i = 0; i < kTensorCount; ++i) {
      const auto id = static_cast<TensorId>(i);
      if (!c_.has(id)) continue;
      if (!known[i]) return Invalid(id, std::string("is not an input of ") + OpName(c_.op));
      const Tensor& tensor = Of(id);
      const int64_t count = ElementCount(tensor.dims);
      if (count < 0) {
        return Invalid(id,
                       "has a negative dimension or too many elements: " + ShapeText(tensor.dims));
      }
      if (count != tensor.size()) {
        return Invalid(id, "has " + std::to_string(tensor.size()) +
                               " elements, not what its shape says: " + ShapeText(tensor.dims));
      }
    }
    return true;
  }

  bool Types() {
    const bool quantized = c_.op == Op::kQAttention;
    for (size_t i = 0; i < kTensorCount; ++i) {
      const auto id = static_cast<TensorId>(i);
      if (!c_.has(id)) continue;
      const ElementType got = Of(id).type;
      ElementType expected = ElementType::kFloat32;
      switch (id) {
        case TensorId::kMaskIndex:
        case TensorId::kPastSequenceLength:
          expected = ElementType::kInt32;
          break;
        case TensorId::kInput:
        case TensorId::kWeights:
          if (!quantized) break;
          if (!IsByte(got)) return WrongType(id, "int8 or uint8", got);
          expected = got;
          break;
        case TensorId::kInputZeroPoint:
          expected = Of(TensorId::kInput).type;
          break;
        case TensorId::kWeightZeroPoint:
          expected = Of(TensorId::kWeights).type;
          break;
        default:
          break;
      }
      if (got != expected) return WrongType(id, ElementTypeName(expected), got);
    }
    return true;
  }

  // ---- attributes ----

  bool Scale() {
    const auto& scale = c_.attributes.scale;
    if (scale && !std::isfinite(*scale)) return Invalid("scale", "expected a finite number");
    return true;
  }

  bool CoreAttributes() {
    // The core has no such attribute or output; a subject may be unable to express it at all.
    const Attributes& a = c_.attributes;
    if (a.qkv_hidden_sizes && !a.qkv_hidden_sizes->empty()) {
      Unsupported("qkv_hidden_sizes", "is not an attribute of Core");
    }
    if (a.past_present_share_buffer.value_or(0) != 0) {
      Unsupported("past_present_share_buffer", "is not an attribute of Core");
    }
    if (a.do_rotary.value_or(0) != 0) Unsupported("do_rotary", "is not an attribute of Core");
    if (c_.want_present) Unsupported("present", "is not an output of Core");
    return true;
  }

  bool OperatorAttributes() {
    const Attributes& a = c_.attributes;
    if (a.num_heads <= 0 || a.num_heads > std::numeric_limits<int32_t>::max()) {
      return Invalid("num_heads", "expected 1 to 2147483647, got " + std::to_string(a.num_heads));
    }
    if (a.mask_filter_value && std::isnan(*a.mask_filter_value)) {
      return Invalid("mask_filter_value", "expected a number, got NaN");
    }
    if (a.do_rotary.value_or(0) == 1) Unsupported("do_rotary", "rotary embedding");
    if (c_.has(TensorId::kPastSequenceLength)) {
      Unsupported("past_sequence_length", "shared past and present buffers");
    }
    if (a.past_present_share_buffer.value_or(0) != 0 && c_.has(TensorId::kPast)) {
      Unsupported("past_present_share_buffer", "shared past and present buffers");
    }
    return true;
  }

  // ---- shapes ----

  bool CoreShapes() {
    for (const TensorId id : {TensorId::kQuery, TensorId::kKey, TensorId::kValue}) {
      if (!Rank(id, 4)) return false;
    }
    const Dims& q = Of(TensorId::kQuery).dims;
    const Dims& k = Of(TensorId::kKey).dims;
    const Dims& v = Of(TensorId::kValue).dims;
    if (k[2] < q[2]) {
      return Invalid(TensorId::kKey, "expected at least " + std::to_string(q[2]) + " rows, got " +
                                         std::to_string(k[2]));
    }
    if (!Shape(TensorId::kKey, {q[0], q[1], k[2], q[3]})) return false;
    if (!Shape(TensorId::kValue, {q[0], q[1], k[2], v[3]})) return false;
    if (q[1] == 0) Unsupported("query", "no heads");
    if (q[3] == 0) Unsupported("query", "head size 0");
    if (v[3] == 0) Unsupported("value", "head size 0");
    return true;
  }

  bool ProjectionShapes() {
    if (!Rank(TensorId::kInput, 3) || !Rank(TensorId::kWeights, 2)) return false;
    const Dims& input = Of(TensorId::kInput).dims;
    const Dims& weights = Of(TensorId::kWeights).dims;
    if (weights[0] != input[2]) {
      return Invalid(TensorId::kWeights, "expected " + std::to_string(input[2]) +
                                             " rows, as the input is wide, got " +
                                             std::to_string(weights[0]));
    }
    return !c_.has(TensorId::kBias) || Shape(TensorId::kBias, {weights[1]});
  }

  bool HiddenSizes() {
    const int64_t columns = Of(TensorId::kWeights).dims[1];
    const int64_t heads = c_.attributes.num_heads;
    const auto& sizes = c_.attributes.qkv_hidden_sizes;
    if (sizes && !sizes->empty()) return ExplicitHiddenSizes(*sizes, heads, columns);
    if (columns % 3 != 0) {
      return Invalid(TensorId::kWeights,
                     "expected a number of columns divisible by 3, got " + std::to_string(columns));
    }
    if (columns / 3 % heads != 0) {
      return Invalid("num_heads", "does not divide the hidden size " + std::to_string(columns / 3) +
                                      ", got " + std::to_string(heads));
    }
    if (columns == 0) Unsupported("weights", "head size 0");
    return true;
  }

  bool ExplicitHiddenSizes(const Dims& sizes, int64_t heads, int64_t columns) {
    if (c_.op == Op::kQAttention) {
      return Invalid("qkv_hidden_sizes", "is not an attribute of QAttention");
    }
    if (sizes.size() != 3) {
      return Invalid("qkv_hidden_sizes", "expected 3 entries, got " + ShapeText(sizes));
    }
    for (const int64_t size : sizes) {
      if (size <= 0 || size % heads != 0) {
        return Invalid("qkv_hidden_sizes", "expected positive multiples of num_heads = " +
                                               std::to_string(heads) + ", got " + ShapeText(sizes));
      }
    }
    if (sizes[0] != sizes[1]) {
      return Invalid("qkv_hidden_sizes",
                     "expected equal query and key sizes, got " + ShapeText(sizes));
    }
    // Subtracted one by one, so that no sum can overflow.
    if (sizes[0] > columns || sizes[1] > columns - sizes[0] ||
        sizes[2] != columns - sizes[0] - sizes[1]) {
      return Invalid("qkv_hidden_sizes", "expected a sum of " + std::to_string(columns) +
                                             ", the columns of weights, got " + ShapeText(sizes));
    }
    return true;
  }

  bool Quantization() {
    const int64_t columns = Of(TensorId::kWeights).dims[1];
    for (const TensorId id : {TensorId::kInputScale, TensorId::kInputZeroPoint}) {
      if (c_.has(id) && !IsScalar(Of(id).dims)) {
        return WrongShape(id, "a scalar or (1)");
      }
    }
    for (const TensorId id : {TensorId::kWeightScale, TensorId::kWeightZeroPoint}) {
      if (!c_.has(id) || IsScalar(Of(id).dims) || Of(id).dims == Dims{columns}) continue;
      return WrongShape(id, "a scalar, (1) or (" + std::to_string(columns) + ")");
    }
    return true;
  }

  bool Past() {
    const Geometry g = GeometryOf(c_);
    const bool equal_heads = g.head_size == g.value_head_size;
    if (!c_.has(TensorId::kPast)) {
      if (c_.want_present && !equal_heads) {
        return Invalid("present",
                       "cannot hold keys and values of different sizes (qkv_hidden_sizes)");
      }
      return true;
    }
    if (c_.has(TensorId::kAttentionBias)) {
      return Invalid(TensorId::kAttentionBias, "cannot be combined with past");
    }
    if (!equal_heads) {
      return Invalid(TensorId::kPast,
                     "cannot hold keys and values of different sizes (qkv_hidden_sizes)");
    }
    if (!c_.want_present) return Invalid(TensorId::kPast, "given, but present is not wanted");
    if (!Rank(TensorId::kPast, 5)) return false;
    const int64_t length = Of(TensorId::kPast).dims[3];
    if (length > std::numeric_limits<int64_t>::max() - g.sequence) {
      return Invalid(TensorId::kPast, "is too long");
    }
    return Shape(TensorId::kPast, {2, g.batch, g.heads, length, g.head_size});
  }

  bool Sizes() {
    const Geometry g = GeometryOf(c_);
    if (Overflows({g.batch, g.sequence, g.heads, g.value_head_size}) ||
        Overflows({g.batch, g.sequence, g.heads, g.head_size}) ||
        Overflows({2, g.batch, g.heads, g.total, g.head_size}) ||
        Overflows({g.batch, g.heads, g.sequence, g.total})) {
      return Invalid(c_.op == Op::kCore ? TensorId::kQuery : TensorId::kInput,
                     "has a shape whose results have more elements than an int64 can count");
    }
    if (Count({g.batch, g.sequence, g.heads, g.value_head_size}) > kLargestOutput ||
        Count({g.batch, g.sequence, g.heads, g.head_size}) > kLargestOutput ||
        (c_.want_present && Count({2, g.batch, g.heads, g.total, g.head_size}) > kLargestOutput) ||
        Count({g.batch, g.heads, g.sequence, g.total}) > kMostScores) {
      Unsupported(c_.op == Op::kCore ? "query" : "input", "the case would be too large");
    }
    return true;
  }

  bool Mask() {
    if (!c_.has(TensorId::kMaskIndex)) return true;
    const Geometry g = GeometryOf(c_);
    const Tensor& mask = Of(TensorId::kMaskIndex);
    const Dims& dims = mask.dims;
    switch (dims.size()) {
      case 1: {
        // Compared by division, which cannot overflow.
        const bool twice = dims[0] % 2 == 0 && dims[0] / 2 == g.batch;
        const bool cumulative =
            dims[0] >= 2 && (dims[0] - 2) % 3 == 0 && (dims[0] - 2) / 3 == g.batch;
        if (dims[0] != g.batch && !twice && !cumulative) {
          return WrongShape(TensorId::kMaskIndex,
                            "(B), (2B) or (3B+2) with B = " + std::to_string(g.batch));
        }
        for (int64_t b = 0; b < g.batch; ++b) {
          const auto length = static_cast<int64_t>(mask.Get(b));
          if (length >= 0) continue;
          return Invalid(TensorId::kMaskIndex, "expected no negative length, got " +
                                                   std::to_string(length) + " at index " +
                                                   std::to_string(b));
        }
        return true;
      }
      case 2: {
        const bool raw = dims[0] == g.batch && dims[1] == g.total;
        const bool dummy = dims[1] == 1 && (dims[0] == g.batch || dims[0] == 1);
        if (raw || dummy) return true;
        return WrongShape(TensorId::kMaskIndex,
                          "(B,T) = " + ShapeText({g.batch, g.total}) + ", (B,1) or (1,1)");
      }
      case 3:
        return Shape(TensorId::kMaskIndex, {g.batch, g.sequence, g.total});
      case 4:
        if (dims[0] != g.batch || dims[1] != 1 || dims[2] != dims[3] || dims[2] < g.total) {
          return WrongShape(TensorId::kMaskIndex, "(B,1,M,M) with B = " + std::to_string(g.batch) +
                                                      " and M >= T = " + std::to_string(g.total));
        }
        if (c_.attributes.unidirectional == 1) {
          return Invalid(TensorId::kMaskIndex, "with 4 dimensions excludes unidirectional");
        }
        Unsupported("mask_index", "4 dimensions");
        return true;
      default:
        return WrongShape(TensorId::kMaskIndex, "1 to 4 dimensions");
    }
  }

  bool AttentionBias() {
    if (!c_.has(TensorId::kAttentionBias)) return true;
    if (!Rank(TensorId::kAttentionBias, 4)) return false;
    const Geometry g = GeometryOf(c_);
    const Dims& dims = Of(TensorId::kAttentionBias).dims;
    return Shape(TensorId::kAttentionBias,
                 {dims[0] == 1 ? 1 : g.batch, dims[1] == 1 ? 1 : g.heads, g.sequence, g.total});
  }

  // ---- building blocks ----

  const Tensor& Of(TensorId id) const { return TensorOf(c_, id); }

  bool Rank(TensorId id, size_t rank) {
    const Dims& dims = Of(id).dims;
    if (dims.size() == rank) return true;
    return WrongShape(id, std::to_string(rank) + " dimensions");
  }

  bool Shape(TensorId id, const Dims& expected) {
    return Of(id).dims == expected || WrongShape(id, ShapeText(expected));
  }

  bool WrongShape(TensorId id, const std::string& expected) {
    return Invalid(id, "expected " + expected + ", got " + ShapeText(Of(id).dims));
  }

  bool WrongType(TensorId id, const char* expected, ElementType got) {
    return Invalid(id, std::string("expected ") + expected + ", got " + ElementTypeName(got));
  }

  bool Invalid(TensorId id, std::string reason) {
    return Invalid(TensorName(id), std::move(reason));
  }
  bool Invalid(const char* subject, std::string reason) {
    invalid_ = {.validity = Validity::kInvalid,
                .subject = subject,
                .reason = std::string(subject) + " " + std::move(reason)};
    return false;
  }

  void Unsupported(const char* subject, const char* what) {
    if (unsupported_.validity != Validity::kValid) return;
    unsupported_ = {.validity = Validity::kUnsupported,
                    .subject = subject,
                    .reason = std::string(subject) + ": need not be supported: " + what};
  }

  const Case& c_;
  ValidityVerdict invalid_;
  ValidityVerdict unsupported_;
};

}  // namespace

ValidityVerdict JudgeValidity(const Case& c) { return Judge(c).Run(); }

}  // namespace maskproof
