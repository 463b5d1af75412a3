#include "properties/case/case.h"

#include <bit>
#include <cstring>

namespace maskproof {
namespace {

constexpr std::array<const char*, kTensorCount> kTensorNames = {
    "input",
    "weights",
    "bias",
    "mask_index",
    "past",
    "attention_bias",
    "past_sequence_length",
    "input_scale",
    "weight_scale",
    "input_zero_point",
    "weight_zero_point",
    "query",
    "key",
    "value",
};

bool SameBits(const std::optional<float>& a, const std::optional<float>& b) {
  if (a.has_value() != b.has_value()) return false;
  return !a.has_value() || std::bit_cast<uint32_t>(*a) == std::bit_cast<uint32_t>(*b);
}

}  // namespace

const char* OpName(Op op) {
  switch (op) {
    case Op::kAttention:
      return "Attention";
    case Op::kQAttention:
      return "QAttention";
    case Op::kCore:
      return "Core";
  }
  return "?";
}

const char* TensorName(TensorId id) { return kTensorNames[static_cast<size_t>(id)]; }

std::optional<TensorId> TensorFromName(const char* name, size_t length) {
  for (size_t i = 0; i < kTensorCount; ++i) {
    if (std::strlen(kTensorNames[i]) == length && std::memcmp(kTensorNames[i], name, length) == 0) {
      return static_cast<TensorId>(i);
    }
  }
  return std::nullopt;
}

bool Attributes::operator==(const Attributes& other) const {
  return num_heads == other.num_heads && unidirectional == other.unidirectional &&
         qkv_hidden_sizes == other.qkv_hidden_sizes &&
         SameBits(mask_filter_value, other.mask_filter_value) && SameBits(scale, other.scale) &&
         past_present_share_buffer == other.past_present_share_buffer &&
         do_rotary == other.do_rotary && core_layout == other.core_layout;
}

}  // namespace maskproof
