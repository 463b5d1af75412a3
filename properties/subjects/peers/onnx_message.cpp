#include "properties/subjects/peers/onnx_message.h"

namespace maskproof::peers {
namespace {

// Old enough for every library since 1.12, new enough for none to convert.
constexpr uint64_t kIrVersion = 7;
constexpr uint64_t kOnnxOpset = 13;
constexpr uint64_t kMicrosoftOpset = 1;

// AttributeProto: name 1, f 2, i 3, ints 8, type 20.
constexpr uint64_t kFloatAttribute = 1;
constexpr uint64_t kIntAttribute = 2;
constexpr uint64_t kIntsAttribute = 7;

// OperatorSetIdProto: domain 1, version 2.
Message Opset(std::string_view domain, uint64_t version) {
  return Message().Text(1, domain).Number(2, version);
}

}  // namespace

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

// name 1, type 2 (TypeProto: tensor_type 1 (elem_type 1)).
Message ValueInfo(std::string_view name, ElementType type) {
  const auto number = static_cast<uint64_t>(OnnxElementType(type));
  return Message().Text(1, name).Sub(2, Message().Sub(1, Message().Number(1, number)));
}

// dims 1, data_type 2, name 8, raw_data 9.
Message Initializer(std::string_view name, const Tensor& tensor) {
  Message message;
  for (const int64_t dim : tensor.dims) message.Number(1, static_cast<uint64_t>(dim));
  message.Number(2, static_cast<uint64_t>(OnnxElementType(tensor.type))).Text(8, name);
  message.Text(9, {reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size()});
  return message;
}

// ir_version 1, graph 7, opset_import 8.
std::string FinishModel(const Message& graph) {
  return Message()
      .Number(1, kIrVersion)
      .Sub(7, graph)
      .Sub(8, Opset("", kOnnxOpset))
      .Sub(8, Opset("com.microsoft", kMicrosoftOpset))
      .Take();
}

}  // namespace maskproof::peers
