#include "properties/subjects/kernels_packing.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "properties/case/tensor.h"

namespace maskproof {
namespace {

// A tensor's copy in memory that ends with this object, data and dims.
template <typename View>
class Borrowed {
 public:
  Borrowed(const View& view, size_t element_size)
      : dims_(view.dims.begin(), view.dims.end()), view_(view) {
    const auto* const data = reinterpret_cast<const std::byte*>(view.data);
    const auto size = static_cast<size_t>(ElementCount(view.dims)) * element_size;
    memory_.assign(data, data + size);
    view_.data = reinterpret_cast<decltype(view.data)>(memory_.data());
    view_.dims = dims_;
  }
  Borrowed(const Borrowed&) = delete;
  Borrowed& operator=(const Borrowed&) = delete;
  // Others have the memory next.
  ~Borrowed() {
    Turn();
    for (int64_t& dim : dims_) dim = -1;
  }

  View& view() { return view_; }

  // Makes other numbers of them, or the old ones again.
  void Turn() {
    for (std::byte& byte : memory_) byte ^= std::byte{0x2D};
  }

 private:
  std::vector<int64_t> dims_;
  std::vector<std::byte> memory_;
  View view_;
};

template <typename View>
bool CanBeCopied(const View& view) {
  return view.data != nullptr && ElementCount(view.dims) > 0;
}

kernels::Execution PackingExecution(const KernelsWay& way, const kernels::Execution& execution) {
  return way.packs_by_other_name ? ByOtherName(execution) : execution;
}

}  // namespace

kernels::Status PackFloat(const kernels::TensorView<const float>& weights, const KernelsWay& way,
                          const kernels::Execution& execution,
                          kernels::PackedAttentionWeights& packed) {
  const kernels::Execution packing = PackingExecution(way, execution);
  if (!way.repacks || !CanBeCopied(weights)) return PackAttentionWeights(weights, packing, packed);
  Borrowed copy(weights, sizeof(float));
  copy.Turn();
  static_cast<void>(PackAttentionWeights(copy.view(), packing, packed));
  copy.Turn();
  return PackAttentionWeights(copy.view(), packing, packed);
}

kernels::Status PackQuantized(const kernels::QuantizedView& weights,
                              const std::optional<kernels::QuantizedView>& zero_point,
                              const KernelsWay& way, const kernels::Execution& execution,
                              kernels::PackedQAttentionWeights& packed) {
  const kernels::Execution packing = PackingExecution(way, execution);
  if (!way.repacks || !CanBeCopied(weights) || (zero_point && !CanBeCopied(*zero_point))) {
    return PackQAttentionWeights(weights, zero_point, packing, packed);
  }
  Borrowed copy(weights, 1);
  std::optional<Borrowed<kernels::QuantizedView>> zero_point_copy;
  std::optional<kernels::QuantizedView> borrowed;
  if (zero_point) borrowed = zero_point_copy.emplace(*zero_point, 1).view();
  // Others of the other signedness.
  copy.Turn();
  copy.view().is_signed = !weights.is_signed;
  static_cast<void>(PackQAttentionWeights(copy.view(), {}, packing, packed));
  copy.Turn();
  copy.view().is_signed = weights.is_signed;
  return PackQAttentionWeights(copy.view(), borrowed, packing, packed);
}

UnreadWeights::UnreadWeights(std::span<const int64_t> dims, size_t element_size,
                             const KernelsWay& way) {
  if (!way.packed_weights || !way.keeps_stale_weights) return;
  const int64_t count = std::max<int64_t>(ElementCount(dims), 0);
  stale_.assign(static_cast<size_t>(count) * element_size, std::byte{0xFF});
}

}  // namespace maskproof
