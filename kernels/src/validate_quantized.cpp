// Rules that only QAttention and its packed weights have.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "dispatch.h"
#include "maskproof/kernels/packed_qattention_weights.h"
#include "message.h"
#include "quantized_weights.h"
#include "validate.h"

namespace maskproof::kernels {
namespace {

constexpr const char* kPacked = "packed_weights";

const char* TypeName(bool is_signed) { return is_signed ? "int8" : "uint8"; }

bool IsScalar(std::span<const int64_t> dims) {
  return dims.empty() || (dims.size() == 1 && dims[0] == 1);
}

Status ExpectScalar(const char* name, std::span<const int64_t> dims) {
  return IsScalar(dims) ? Status() : WrongShape(name, "a scalar or (1)", dims);
}

Status ExpectScalarOrColumns(const char* name, std::span<const int64_t> dims, int64_t columns) {
  if (IsScalar(dims) || (dims.size() == 1 && dims[0] == columns)) return {};
  return WrongShape(name, "a scalar, (1) or (" + std::to_string(columns) + ")", dims);
}

Status ExpectSignedness(const char* name, const std::optional<QuantizedView>& zero_point,
                        const QuantizedView& of) {
  if (!zero_point || zero_point->is_signed == of.is_signed) return {};
  return Mismatch(name, TypeName(of.is_signed), TypeName(zero_point->is_signed));
}

Status ExpectWeightZeroPointShape(const std::optional<QuantizedView>& zero_point, int64_t columns) {
  if (!zero_point) return {};
  return ExpectScalarOrColumns("weight_zero_point", zero_point->dims, columns);
}

}  // namespace

Status ValidateZeroPointTypes(const QAttentionInputs& inputs) {
  MASKPROOF_RETURN_IF_ERROR(
      ExpectSignedness("input_zero_point", inputs.input_zero_point, inputs.input));
  return ExpectSignedness("weight_zero_point", inputs.weight_zero_point, inputs.weights);
}

Status ValidateQuantization(const QAttentionInputs& inputs) {
  const int64_t columns = inputs.weights.dims[1];
  MASKPROOF_RETURN_IF_ERROR(ExpectScalar("input_scale", inputs.input_scale.dims));
  if (inputs.input_zero_point) {
    MASKPROOF_RETURN_IF_ERROR(ExpectScalar("input_zero_point", inputs.input_zero_point->dims));
  }
  MASKPROOF_RETURN_IF_ERROR(
      ExpectScalarOrColumns("weight_scale", inputs.weight_scale.dims, columns));
  return ExpectWeightZeroPointShape(inputs.weight_zero_point, columns);
}

Status ValidateQuantizedWeights(const QuantizedView& weights,
                                const std::optional<QuantizedView>& zero_point) {
  MASKPROOF_RETURN_IF_ERROR(ExpectData("weights", weights.data, weights.dims));
  if (zero_point) {
    MASKPROOF_RETURN_IF_ERROR(ExpectData("weight_zero_point", zero_point->data, zero_point->dims));
  }
  MASKPROOF_RETURN_IF_ERROR(ExpectSignedness("weight_zero_point", zero_point, weights));
  MASKPROOF_RETURN_IF_ERROR(ExpectRank("weights", weights.dims, 2));
  return ExpectWeightZeroPointShape(zero_point, weights.dims[1]);
}

Status ValidatePackedWeights(const QAttentionInputs& inputs, Data data, int64_t target) {
  const PackedQAttentionWeights& packed = *inputs.packed_weights;
  if (packed.empty()) return Mismatch(kPacked, "weights", "nothing packed");
  const QuantizedWeights& contents = *packed.contents();
  if (contents.target() != target) {
    return Mismatch(kPacked, std::string("weights packed for target ").append(TargetName(target)),
                    TargetName(contents.target()));
  }
  const std::array<int64_t, 2> dims = {contents.view().depth, contents.view().columns};
  MASKPROOF_RETURN_IF_ERROR(
      ExpectShape(kPacked, dims, {inputs.weights.dims[0], inputs.weights.dims[1]}));
  if (contents.is_signed() != inputs.weights.is_signed) {
    return Mismatch(kPacked, TypeName(inputs.weights.is_signed), TypeName(contents.is_signed()));
  }
  if (data == Data::kIgnored) return {};
  for (int64_t c = 0; c < contents.view().columns; ++c) {
    const int32_t expected = ZeroPointAt(inputs.weight_zero_point, c);
    if (contents.ZeroPoint(c) == expected) continue;
    return Mismatch(
        kPacked,
        "weight_zero_point " + std::to_string(expected) + " in column " + std::to_string(c),
        std::to_string(contents.ZeroPoint(c)));
  }
  return {};
}

}  // namespace maskproof::kernels
