#include "properties/subjects/peers/onnx_model.h"

#include <array>

#include "properties/subjects/peers/onnx_message.h"

namespace maskproof::peers {
namespace {

constexpr std::array kAttentionInputs = {TensorId::kInput,
                                         TensorId::kWeights,
                                         TensorId::kBias,
                                         TensorId::kMaskIndex,
                                         TensorId::kPast,
                                         TensorId::kAttentionBias,
                                         TensorId::kPastSequenceLength};
constexpr std::array kQAttentionInputs = {
    TensorId::kInput,          TensorId::kWeights,         TensorId::kBias,
    TensorId::kInputScale,     TensorId::kWeightScale,     TensorId::kMaskIndex,
    TensorId::kInputZeroPoint, TensorId::kWeightZeroPoint, TensorId::kPast};

// NodeProto: input 1, output 2, op_type 4, attribute 5, domain 7.
Message Node(const Case& c) {
  constexpr int kAttribute = 5;
  Message node;
  const std::span<const TensorId> inputs = OperatorInputs(c.op);
  size_t last = inputs.size();
  while (last > 0 && !c.has(inputs[last - 1])) --last;
  for (const TensorId id : inputs.first(last)) node.Text(1, c.has(id) ? TensorName(id) : "");
  node.Text(2, "output");
  if (c.want_present) node.Text(2, "present");
  node.Text(4, OpName(c.op));
  const Attributes& a = c.attributes;
  node.Sub(kAttribute, IntAttribute("num_heads", a.num_heads));
  node.Sub(kAttribute, IntAttribute("unidirectional", a.unidirectional));
  if (a.qkv_hidden_sizes) {
    node.Sub(kAttribute, IntsAttribute("qkv_hidden_sizes", *a.qkv_hidden_sizes));
  }
  if (a.mask_filter_value) {
    node.Sub(kAttribute, FloatAttribute("mask_filter_value", *a.mask_filter_value));
  }
  if (a.scale) node.Sub(kAttribute, FloatAttribute("scale", *a.scale));
  if (a.past_present_share_buffer) {
    node.Sub(kAttribute, IntAttribute("past_present_share_buffer", *a.past_present_share_buffer));
  }
  if (a.do_rotary) node.Sub(kAttribute, IntAttribute("do_rotary", *a.do_rotary));
  node.Text(7, "com.microsoft");
  return node;
}

}  // namespace

std::span<const TensorId> OperatorInputs(Op op) {
  switch (op) {
    case Op::kAttention:
      return kAttentionInputs;
    case Op::kQAttention:
      return kQAttentionInputs;
    case Op::kCore:
      break;
  }
  return {};
}

// GraphProto: node 1, name 2, input 11, output 12.
std::string EncodeModel(const Case& c) {
  Message graph;
  graph.Sub(1, Node(c)).Text(2, "case");
  for (const TensorId id : OperatorInputs(c.op)) {
    if (c.has(id)) graph.Sub(11, ValueInfo(TensorName(id), c[id]->type));
  }
  graph.Sub(12, ValueInfo("output", ElementType::kFloat32));
  if (c.want_present) graph.Sub(12, ValueInfo("present", ElementType::kFloat32));
  return FinishModel(graph);
}

}  // namespace maskproof::peers
