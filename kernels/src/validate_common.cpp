// Rules shared by Attention, QAttention and the core.
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "message.h"
#include "sizes.h"
#include "validate.h"

namespace maskproof::kernels {
namespace {

Status ValidateLengths(const TensorView<const int32_t>& mask, int64_t batch, Data data) {
  const int64_t length = mask.dims[0];
  // Compared by division, which cannot overflow.
  const bool ends_and_starts = length % 2 == 0 && length / 2 == batch;
  const bool cumulative = length >= 2 && (length - 2) % 3 == 0 && (length - 2) / 3 == batch;
  if (length != batch && !ends_and_starts && !cumulative) {
    return WrongShape("mask_index", "(B), (2B) or (3B+2) with B = " + std::to_string(batch),
                      mask.dims);
  }
  if (data == Data::kIgnored || batch == 0) return {};
  for (int64_t b = 0; b < batch; ++b) {
    if (mask.data[b] < 0) {
      return Mismatch("mask_index", "no negative length",
                      std::to_string(mask.data[b]) + " at index " + std::to_string(b));
    }
  }
  return {};
}

bool Countable(std::initializer_list<int64_t> dims) {
  return ElementCount({dims.begin(), dims.size()}) >= 0;
}

}  // namespace

Status ValidateScale(float scale) {
  if (std::isfinite(scale)) return {};
  return Mismatch("scale", "a finite number", std::to_string(scale));
}

Status ValidateMask(const TensorView<const int32_t>& mask, const Geometry& geometry, bool causal,
                    Data data) {
  const std::span<const int64_t> dims = mask.dims;
  switch (dims.size()) {
    case 1:
      return ValidateLengths(mask, geometry.batch, data);
    case 2: {
      const bool raw = dims[0] == geometry.batch && dims[1] == geometry.keys;
      const bool dummy = dims[1] == 1 && (dims[0] == geometry.batch || dims[0] == 1);
      if (raw || dummy) return {};
      const int64_t expected[] = {geometry.batch, geometry.keys};
      return WrongShape("mask_index", "(B,T) = " + DimsText(expected) + ", (B,1) or (1,1)", dims);
    }
    case 3:
      return ExpectShape("mask_index", dims, {geometry.batch, geometry.queries, geometry.keys});
    case 4:
      if (dims[0] != geometry.batch || dims[1] != 1 || dims[2] != dims[3] ||
          dims[2] < geometry.keys) {
        return WrongShape("mask_index",
                          "(B,1,M,M) with B = " + std::to_string(geometry.batch) +
                              " and M >= T = " + std::to_string(geometry.keys),
                          dims);
      }
      if (causal)
        return Invalid("mask_index", "4 dimensions cannot be combined with unidirectional");
      return {};
    default:
      return WrongShape("mask_index", "1 to 4 dimensions", dims);
  }
}

Status ValidateAttentionBias(const TensorView<const float>& bias, const Geometry& geometry) {
  MASKPROOF_RETURN_IF_ERROR(ExpectRank("attention_bias", bias.dims, 4));
  return ExpectShape("attention_bias", bias.dims,
                     {bias.dims[0] == 1 ? 1 : geometry.batch,
                      bias.dims[1] == 1 ? 1 : geometry.heads, geometry.queries, geometry.keys});
}

Status ValidateCounts(std::string_view name, const Geometry& g) {
  if (Countable({g.batch, g.queries, g.heads, g.value_head_size}) &&
      Countable({g.batch, g.queries, g.heads, g.head_size}) &&
      Countable({2, g.batch, g.heads, g.keys, g.head_size}) &&
      Countable({2, g.batch, g.heads, g.keys, g.value_head_size}) &&
      Countable({g.batch, g.heads, g.queries, g.keys})) {
    return {};
  }
  return Invalid(name, "the shape leads to more elements than an int64 can count");
}

}  // namespace maskproof::kernels
