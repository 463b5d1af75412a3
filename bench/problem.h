// What is timed: one call of an operator, of the attention core or of the projection alone.
//
// Symbols: B batch, S queries, T keys, P = T - S past keys, N heads, H head size, D = N*H.
#ifndef MASKPROOF_BENCH_PROBLEM_H_
#define MASKPROOF_BENCH_PROBLEM_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "properties/case/tensor.h"

namespace maskproof::bench {

enum class Work : uint8_t {
  kAttention,   // projection and core, float32
  kQAttention,  // projection of uint8 input and int8 weights, and core
  kCore,        // query, key and value given
  kProjection,  // (B*S, D) times (D, 3D) alone
};

enum class Mask : uint8_t {
  kNone,
  kPadded,  // the last keys of every batch are masked
  kRandom,  // as many keys, anywhere but for the first
};

struct Shape {
  int64_t batch = 1;
  int64_t queries = 1;
  int64_t keys = 1;  // >= queries
  int64_t heads = 1;
  int64_t head_size = 1;

  int64_t hidden() const { return heads * head_size; }
  int64_t past() const { return keys - queries; }
  // "1x512x12x64", or "1x1+2047x16x64" with past keys.
  std::string Name() const;
};

struct Spec {
  std::string variant;  // "none", "causal", ...: what tells the specs of a group apart
  Work work = Work::kAttention;
  Shape shape;
  Mask mask = Mask::kNone;
  double masked_share = 0.5;  // of the keys, unless kNone
  bool causal = false;
  std::optional<float> fill;  // mask_filter_value
};

// Specs that are timed in the same rounds.
struct Group {
  std::string family;  // "Attention", "Decode", ...
  std::string name;    // the family and the shape
  std::vector<Spec> specs;
};

// "Attention/1x512x12x64/causal"
std::string CaseName(const Group& group, const Spec& spec);

// Everything that is measured; on these sizes instead of the usual ones if `only` is given.
std::vector<Group> Catalogue(const std::optional<Shape>& only);

struct Problem {
  Spec spec;

  // Attention, QAttention: (B,S,D), (D,3D), (3D), (2,B,N,P,H) if there are past keys.
  // Projection: (B*S,D), (D,3D), (3D) zeros.
  Tensor input, weights, bias;
  std::optional<Tensor> past;
  // QAttention, one element each.
  Tensor input_scale, weight_scale, input_zero_point, weight_zero_point;
  // Core: query (B,S,N,H); key and value (B,T,N,H), but (B,N,T,H), as caches hold them, where there
  // are past keys.
  Tensor query, key, value;
  std::optional<Tensor> mask;  // (B,T) int32, 1 for a key that is seen

  Dims output_dims;                  // (B,S,D); projection (B*S,3D)
  std::optional<Dims> present_dims;  // (2,B,N,T,H), where the operator has past keys

  double flops = 0.0;  // multiplications and additions for the keys that are seen, and projecting
  double bytes = 0.0;  // decoding: what has to be read of key and value; else 0
};

// The same spec always gives the same numbers.
Problem MakeProblem(const Spec& spec);

}  // namespace maskproof::bench

#endif  // MASKPROOF_BENCH_PROBLEM_H_
