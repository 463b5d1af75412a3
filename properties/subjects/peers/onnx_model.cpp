#include "properties/subjects/peers/onnx_model.h"

#include <array>
#include <bit>
#include <cstdint>
#include <string_view>

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

// Old enough for every library since 1.12, new enough for none to convert.
constexpr uint64_t kIrVersion = 7;
constexpr uint64_t kOnnxOpset = 13;
constexpr uint64_t kMicrosoftOpset = 1;

// A protobuf message under construction. Field numbers are those of onnx.proto.
class Message {
 public:
  Message& Number(int field, uint64_t value) {
    Key(field, kVarint);
    Varint(value);
    return *this;
  }
  Message& Float(int field, float value) {
    Key(field, kFixed32);
    const auto bits = std::bit_cast<uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) {
      bytes_.push_back(static_cast<char>((bits >> shift) & 0xffU));
    }
    return *this;
  }
  Message& Text(int field, std::string_view text) {
    Key(field, kLengthDelimited);
    Varint(text.size());
    bytes_.append(text);
    return *this;
  }
  Message& Sub(int field, const Message& message) { return Text(field, message.bytes_); }
  std::string Take() { return std::move(bytes_); }

 private:
  static constexpr unsigned kVarint = 0;
  static constexpr unsigned kLengthDelimited = 2;
  static constexpr unsigned kFixed32 = 5;

  void Key(int field, unsigned wire_type) {
    Varint((static_cast<uint64_t>(field) << 3) | wire_type);
  }
  void Varint(uint64_t value) {
    while (value >= 0x80) {
      bytes_.push_back(static_cast<char>((value & 0x7fU) | 0x80U));
      value >>= 7;
    }
    bytes_.push_back(static_cast<char>(value));
  }

  std::string bytes_;
};

// AttributeProto: name 1, f 2, i 3, ints 8, type 20.
constexpr uint64_t kFloatAttribute = 1;
constexpr uint64_t kIntAttribute = 2;
constexpr uint64_t kIntsAttribute = 7;

Message FloatAttribute(std::string_view name, float value) {
  return Message().Text(1, name).Float(2, value).Number(20, kFloatAttribute);
}

Message IntAttribute(std::string_view name, int64_t value) {
  return Message().Text(1, name).Number(3, static_cast<uint64_t>(value)).Number(20, kIntAttribute);
}

Message IntsAttribute(std::string_view name, std::span<const int64_t> values) {
  Message message;
  message.Text(1, name);
  for (const int64_t value : values) message.Number(8, static_cast<uint64_t>(value));
  message.Number(20, kIntsAttribute);
  return message;
}

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

// ValueInfoProto: name 1, type 2 (TypeProto: tensor_type 1 (elem_type 1)).
Message ValueInfo(std::string_view name, ElementType type) {
  const auto number = static_cast<uint64_t>(OnnxElementType(type));
  return Message().Text(1, name).Sub(2, Message().Sub(1, Message().Number(1, number)));
}

// OperatorSetIdProto: domain 1, version 2.
Message Opset(std::string_view domain, uint64_t version) {
  return Message().Text(1, domain).Number(2, version);
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

int OnnxElementType(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return 1;
    case ElementType::kUint8:
      return 2;
    case ElementType::kInt8:
      return 3;
    case ElementType::kInt32:
      return 6;
  }
  return 0;
}

// GraphProto: node 1, name 2, input 11, output 12. ModelProto: ir_version 1, graph 7,
// opset_import 8.
std::string EncodeModel(const Case& c) {
  Message graph;
  graph.Sub(1, Node(c)).Text(2, "case");
  for (const TensorId id : OperatorInputs(c.op)) {
    if (c.has(id)) graph.Sub(11, ValueInfo(TensorName(id), c[id]->type));
  }
  graph.Sub(12, ValueInfo("output", ElementType::kFloat32));
  if (c.want_present) graph.Sub(12, ValueInfo("present", ElementType::kFloat32));
  return Message()
      .Number(1, kIrVersion)
      .Sub(7, graph)
      .Sub(8, Opset("", kOnnxOpset))
      .Sub(8, Opset("com.microsoft", kMicrosoftOpset))
      .Take();
}

}  // namespace maskproof::peers
