#include "properties/subjects/placed_output.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "properties/subjects/sanitizers.h"

namespace maskproof {
namespace {

constexpr std::byte kCanary{0xC7};

// Without AddressSanitizer to trap it, a store that runs over must not hit the harness's own heap.
constexpr size_t kSlackBytes = kAddressSanitizer ? 0 : kCanaryBytes;

uint32_t BitsAt(const std::byte* data, size_t offset) {
  uint32_t bits = 0;
  std::memcpy(&bits, data + offset, sizeof bits);
  return bits;
}

std::optional<int64_t> FirstOther(std::span<const std::byte> bytes) {
  for (size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] != kCanary) return static_cast<int64_t>(i);
  }
  return std::nullopt;
}

}  // namespace

bool IsUnwritten(const float* data, int64_t count) {
  const auto size = static_cast<size_t>(std::max<int64_t>(count, 0)) * sizeof(float);
  MarkInitialised(data, size);
  const auto* const bytes = reinterpret_cast<const std::byte*>(data);
  bool unwritten = true;
  for (size_t offset = 0; offset < size; offset += sizeof(float)) {
    unwritten = unwritten && BitsAt(bytes, offset) == kUnwrittenBits;
  }
  MarkUninitialised(data, size);
  return unwritten;
}

bool PlacedOutput::Place(const Dims& dims, const RunRequest& request, MemoryArena& arena) {
  dims_ = dims;
  size_ = static_cast<size_t>(ElementCount(dims)) * sizeof(float);
  if (request.placement != MemoryPlacement::kPlain) {
    const MemoryArena::Placed placed = arena.Place(size_, request.placement, sizeof(float));
    if (placed.data == nullptr) return false;
    data_ = placed.data;
    before_ = placed.before;
    after_ = placed.after;
  } else {
    const size_t margin = request.audit ? kCanaryBytes : 0;
    own_.reserve(size_ + 2 * margin + kSlackBytes);
    own_.resize(size_ + 2 * margin);
    data_ = own_.data() + margin;
    before_ = {own_.data(), margin};
    after_ = {data_ + size_, margin};
  }
  std::fill(before_.begin(), before_.end(), kCanary);
  std::fill(after_.begin(), after_.end(), kCanary);
  for (size_t offset = 0; offset < size_; offset += sizeof kUnwrittenBits) {
    std::memcpy(data_ + offset, &kUnwrittenBits, sizeof kUnwrittenBits);
  }
  MarkUninitialised(data_, size_);
  return true;
}

std::optional<int64_t> PlacedOutput::FirstTouchedCanary() const {
  if (const auto in_front = FirstOther(before_)) {
    return *in_front - static_cast<int64_t>(before_.size());
  }
  if (const auto behind = FirstOther(after_)) return static_cast<int64_t>(size_) + *behind;
  return std::nullopt;
}

std::optional<int64_t> PlacedOutput::FirstTouched() {
  MarkInitialised(data_, size_);
  for (size_t offset = 0; offset < size_; offset += sizeof(float)) {
    if (BitsAt(data_, offset) != kUnwrittenBits) return static_cast<int64_t>(offset);
  }
  return std::nullopt;
}

PlacedOutput::Unwritten PlacedOutput::FindUnwritten() {
  Unwritten found;
  for (size_t offset = 0; offset < size_; offset += sizeof(float)) {
    // MemorySanitizer also sees elements that were computed from memory nobody had written.
    const bool unwritten =
        !IsInitialised(data_ + offset, sizeof(float)) || BitsAt(data_, offset) == kUnwrittenBits;
    if (!unwritten) continue;
    if (found.first < 0) found.first = static_cast<int64_t>(offset / sizeof(float));
    ++found.count;
  }
  MarkInitialised(data_, size_);
  return found;
}

Tensor PlacedOutput::Take() {
  Tensor tensor;
  tensor.dims = std::move(dims_);
  if (own_.size() == size_) {
    tensor.bytes = std::move(own_);
  } else {
    tensor.bytes.assign(data_, data_ + size_);
  }
  return tensor;
}

}  // namespace maskproof
