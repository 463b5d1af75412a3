// ONNX's protobuf messages in their wire format: the few of them that a model of one node needs.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ONNX_MESSAGE_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ONNX_MESSAGE_H_

#include <bit>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "properties/case/tensor.h"

namespace maskproof::peers {

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

// ONNX's number for an element type (TensorProto.DataType).
int OnnxElementType(ElementType type);

// AttributeProto
Message FloatAttribute(std::string_view name, float value);
Message IntAttribute(std::string_view name, int64_t value);
Message IntsAttribute(std::string_view name, std::span<const int64_t> values);

// ValueInfoProto, without a shape.
Message ValueInfo(std::string_view name, ElementType type);

// TensorProto
Message Initializer(std::string_view name, const Tensor& tensor);

// A whole ModelProto around a GraphProto.
std::string FinishModel(const Message& graph);

}  // namespace maskproof::peers

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PEERS_ONNX_MESSAGE_H_
