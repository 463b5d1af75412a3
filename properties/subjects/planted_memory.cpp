// Defects that reach outside of a buffer. The accesses are real, so that sanitizers, guard pages
// and canaries have something to find; volatile keeps the compiler from leaving them out.
#include <algorithm>
#include <cstddef>
#include <vector>

#include "properties/subjects/planted_problem.h"
#include "properties/subjects/sanitizers.h"

namespace maskproof::planted {
namespace {

// Elements that a row of `columns` lacks to whole vectors.
int64_t MissingLanes(int64_t columns) { return (kLanes - columns % kLanes) % kLanes; }

}  // namespace

void LoadPastTheEnd(const Problem& p) {
  const TensorId id = p.bound.c->op == Op::kCore ? TensorId::kKey : TensorId::kWeights;
  const BoundTensor& tensor = p.bound[id];
  if (tensor.data == nullptr) return;
  const size_t element = ElementSize(tensor.tensor->type);
  const auto missing = static_cast<size_t>(MissingLanes(tensor.tensor->dims.back()));
  const volatile std::byte* const end =
      static_cast<const std::byte*>(tensor.data) + tensor.tensor->bytes.size();
  for (size_t i = 0; i < missing * element; ++i) static_cast<void>(end[i]);
}

void StorePastTheEnd(const Problem& p) {
  volatile float* const end = p.bound.output + ElementCount(p.bound.output_dims);
  const int64_t missing = MissingLanes(p.g.value_head_size);
  for (int64_t i = 0; i < missing; ++i) end[i] = 0.0F;
}

void WriteBeforeTheMask(const Problem& p) {
  if (!p.HasTensor(TensorId::kMaskIndex) || p.DimsOf(TensorId::kMaskIndex).size() != 1) return;
  const auto* const lengths = static_cast<const int32_t*>(p.bound[TensorId::kMaskIndex].data);
  // Where nothing would trap the write, it must not hit the harness's heap.
  constexpr size_t kSlack = kAddressSanitizer ? 0 : 1;
  std::vector<float> row(static_cast<size_t>(p.g.total) + kSlack);
  for (int64_t b = 0; b < p.g.batch; ++b) {
    if (lengths[b] >= 0) continue;
    volatile float* const keys = row.data() + kSlack;
    keys[-1] = 0.0F;
  }
}

}  // namespace maskproof::planted
