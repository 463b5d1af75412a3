// A case: one complete input of an operator. A value type; usually expanded from a recipe.
//
// Symbols as in docs/operators.md: B batch, S query length, P past length, T = P + S, N heads,
// H head size of query and key, Hv of value, D = N*H, Dv = N*Hv, Di input width.
#ifndef MASKPROOF_PROPERTIES_CASE_CASE_H_
#define MASKPROOF_PROPERTIES_CASE_CASE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "properties/case/tensor.h"

namespace maskproof {

enum class Op : uint8_t {
  kAttention,   // com.microsoft.Attention
  kQAttention,  // com.microsoft.QAttention
  kCore,        // scaled dot-product attention on given query, key, value
};
inline constexpr size_t kOpCount = 3;
const char* OpName(Op op);  // "Attention", "QAttention", "Core"

enum class TensorId : uint8_t {
  kInput,               // (B,S,Di) float32, or int8/uint8 for QAttention
  kWeights,             // (Di, D+D+Dv) float32, or int8/uint8 for QAttention; columns Q | K | V
  kBias,                // (D+D+Dv) float32
  kMaskIndex,           // int32, the forms of docs/operators.md
  kPast,                // (2,B,N,P,H) float32
  kAttentionBias,       // (B|1,N|1,S,T) float32; Attention and Core
  kPastSequenceLength,  // int32; only in malformed cases
  kInputScale,          // QAttention: scalar or (1)
  kWeightScale,         // QAttention: scalar, (1) or (3D)
  kInputZeroPoint,      // QAttention: scalar or (1), type of input
  kWeightZeroPoint,     // QAttention: scalar, (1) or (3D), type of weights
  kQuery,               // Core: (B,N,S,H)
  kKey,                 // Core: (B,N,T,H)
  kValue,               // Core: (B,N,T,Hv)
};
inline constexpr size_t kTensorCount = 14;
const char* TensorName(TensorId id);  // "input", "weights", "mask_index", ...
std::optional<TensorId> TensorFromName(const char* name, size_t length);

// How the subject of a Core case is to lay query, key, value and output out in memory. The tensors
// of the case itself are always (B,N,rows,columns).
enum class CoreLayout : uint8_t {
  kHeadMajor,   // (B,N,rows,columns), dense
  kTokenMajor,  // (B,rows,N,columns), dense
  kPadded,      // (B,N,rows,columns) with three unused columns after every row
};

struct Attributes {
  int64_t num_heads = 1;       // Core: ignored, N comes from the tensors
  int64_t unidirectional = 0;  // causal if exactly 1
  std::optional<Dims> qkv_hidden_sizes;
  std::optional<float> mask_filter_value;
  std::optional<float> scale;
  std::optional<int64_t> past_present_share_buffer;
  std::optional<int64_t> do_rotary;
  CoreLayout core_layout = CoreLayout::kHeadMajor;

  bool operator==(const Attributes& other) const;  // floats compared by bits
};

struct Case {
  Op op = Op::kAttention;
  Attributes attributes;
  std::array<std::optional<Tensor>, kTensorCount> tensors;
  bool want_present = false;
  uint64_t salt = 0;  // seeds the choices that invariants make (which token to disturb, ...)

  std::optional<Tensor>& operator[](TensorId id) { return tensors[static_cast<size_t>(id)]; }
  const std::optional<Tensor>& operator[](TensorId id) const {
    return tensors[static_cast<size_t>(id)];
  }
  bool has(TensorId id) const { return (*this)[id].has_value(); }
  bool operator==(const Case&) const = default;
};

// What an implementation gives back.
struct Output {
  Tensor output;                  // (B,S,Dv); Core: (B,N,S,Hv)
  std::optional<Tensor> present;  // (2,B,N,T,H), if the case wants it

  bool operator==(const Output&) const = default;
};

// The sizes of a case. `batch` ... as the symbols above.
struct Geometry {
  int64_t batch = 0;            // B
  int64_t sequence = 0;         // S
  int64_t past = 0;             // P; Core: T - S
  int64_t total = 0;            // T
  int64_t heads = 0;            // N
  int64_t head_size = 0;        // H
  int64_t value_head_size = 0;  // Hv
  int64_t input_width = 0;      // Di; Core: 0

  int64_t hidden() const { return heads * head_size; }              // D
  int64_t value_hidden() const { return heads * value_head_size; }  // Dv
};

// Sizes of a structurally valid case (case/validity.h says which those are). Unspecified otherwise.
Geometry GeometryOf(const Case& c);

// Dims that the outputs of a structurally valid case must have.
Dims OutputDims(const Case& c);
Dims PresentDims(const Case& c);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_CASE_CASE_H_
