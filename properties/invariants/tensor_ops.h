// Small operations on tensors from which the transformations of cases are built.
#ifndef MASKPROOF_PROPERTIES_INVARIANTS_TENSOR_OPS_H_
#define MASKPROOF_PROPERTIES_INVARIANTS_TENSOR_OPS_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "properties/base/rng.h"
#include "properties/case/case.h"
#include "properties/case/tensor.h"

namespace maskproof {

// A tensor that the case has. Valid cases have those that their operator requires.
inline Tensor& At(Case& c, TensorId id) {
  return *c[id];  // NOLINT(bugprone-unchecked-optional-access): the caller's knowledge
}
inline const Tensor& At(const Case& c, TensorId id) {
  return *c[id];  // NOLINT(bugprone-unchecked-optional-access): the caller's knowledge
}

// An index for Gather that stands for a slice of zeros.
inline constexpr int64_t kFresh = -1;

// first, first + 1, ... (count of them).
std::vector<int64_t> Range(int64_t first, int64_t count);

// A random permutation of first, ..., first + count - 1.
std::vector<int64_t> Shuffled(int64_t first, int64_t count, Rng& rng);

// The slices of `source` along `axis`, in the order of `indices`, repeats allowed.
Tensor Gather(const Tensor& source, size_t axis, std::span<const int64_t> indices);

// Elements [first, first + count) become `value`.
void Fill(Tensor& tensor, int64_t first, int64_t count, double value);
// ... or random: floats multiples of 1/64 in [-2, 2), integers over their whole range.
void FillRandom(Tensor& tensor, int64_t first, int64_t count, Rng& rng);

// Least and greatest value of an integer type.
struct IntegerRange {
  int32_t lowest = 0;
  int32_t highest = 0;
};
IntegerRange RangeOf(ElementType type);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_INVARIANTS_TENSOR_OPS_H_
