#include "properties/subjects/peers/onnxruntime_supports.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <span>

#include "properties/subjects/peers/onnx_model.h"

namespace maskproof::peers {
namespace {

// The first minor version that can be asked for what the name says. Each was tried on a library
// before and one at or after it.
constexpr int kFillAndScale = 14;  // mask_filter_value, scale, share buffer, past_sequence_length
constexpr int kRotary = 15;
constexpr int kCumulativeMask = 15;     // (3B+2)
constexpr int kBiasForAllBatches = 15;  // attention_bias (1,N,S,T)
constexpr int kBiasForAllHeads = 20;    // attention_bias (B,1,S,T)
constexpr int kEmptyHiddenSizes = 20;   // earlier, the model checker refuses an empty list

bool KnowsAttributes(const Case& c, int minor) {
  const Attributes& a = c.attributes;
  if ((a.mask_filter_value || a.scale || a.past_present_share_buffer) && minor < kFillAndScale) {
    return false;
  }
  if (a.do_rotary && minor < kRotary) return false;
  if (!a.qkv_hidden_sizes) return true;
  return c.op == Op::kAttention && (!a.qkv_hidden_sizes->empty() || minor >= kEmptyHiddenSizes);
}

// Whether the schema, and the CPU kernel behind it, take the type there.
bool TakesType(const Case& c, TensorId id) {
  const ElementType type = c[id]->type;
  switch (id) {
    case TensorId::kInput:
    case TensorId::kInputZeroPoint:
      return type == (c.op == Op::kQAttention ? ElementType::kUint8 : ElementType::kFloat32);
    case TensorId::kWeights:
      if (c.op != Op::kQAttention) return type == ElementType::kFloat32;
      return type == ElementType::kUint8 || type == ElementType::kInt8;
    case TensorId::kWeightZeroPoint:
      // One type variable of the schema serves both.
      if (c.has(TensorId::kWeights)) return type == c[TensorId::kWeights]->type;
      return type == ElementType::kUint8 || type == ElementType::kInt8;
    case TensorId::kMaskIndex:
    case TensorId::kPastSequenceLength:
      return type == ElementType::kInt32;
    default:
      return type == ElementType::kFloat32;
  }
}

bool TakesTensors(const Case& c, int minor) {
  const std::span<const TensorId> inputs = OperatorInputs(c.op);
  for (size_t i = 0; i < kTensorCount; ++i) {
    const auto id = static_cast<TensorId>(i);
    if (!c.has(id)) continue;
    if (std::ranges::find(inputs, id) == inputs.end() || !TakesType(c, id)) return false;
  }
  // Optional by the schema since 1.15, and yet the CPU kernel reads it unasked: every such case
  // would end in the same crash.
  if (c.op == Op::kAttention && !c.has(TensorId::kBias)) return false;
  return !c.has(TensorId::kPastSequenceLength) || minor >= kFillAndScale;
}

// Of the input; 0 where it has no such dimension.
int64_t Batch(const Case& c) {
  const auto& input = c[TensorId::kInput];
  return input && !input->dims.empty() ? input->dims[0] : 0;
}

bool KnowsMaskForm(const Case& c, int minor) {
  const auto& mask = c[TensorId::kMaskIndex];
  if (minor >= kCumulativeMask || !mask || mask->dims.size() != 1) return true;
  return mask->dims[0] != 3 * Batch(c) + 2;
}

bool KnowsBroadcast(const Case& c, int minor) {
  const auto& bias = c[TensorId::kAttentionBias];
  if (minor >= kBiasForAllHeads || !bias || bias->dims.size() != 4) return true;
  const bool over_batches = bias->dims[0] == 1 && Batch(c) != 1;
  const bool over_heads = bias->dims[1] == 1 && c.attributes.num_heads != 1;
  return !over_heads && (!over_batches || minor >= kBiasForAllBatches);
}

}  // namespace

Supports OnnxRuntimeSupports(const std::string& version) {
  return [minor = MinorVersion(version)](const Case& c) {
    return c.op != Op::kCore && KnowsAttributes(c, minor) && TakesTensors(c, minor) &&
           KnowsMaskForm(c, minor) && KnowsBroadcast(c, minor);
  };
}

DialectId OnnxRuntimeDialect(const std::string& version) {
  const int minor = MinorVersion(version);
  if (minor >= 16) return DialectId::kOnnxRuntime16;
  return minor >= kFillAndScale ? DialectId::kOnnxRuntime14 : DialectId::kOnnxRuntime9;
}

int MinorVersion(const std::string& version) {
  const size_t dot = version.find('.');
  int number = 0;
  if (dot != std::string::npos) {
    std::from_chars(version.data() + dot + 1, version.data() + version.size(), number);
  }
  return number;
}

}  // namespace maskproof::peers
