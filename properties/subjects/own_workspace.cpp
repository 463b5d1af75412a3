#include "properties/subjects/own_workspace.h"

#include <algorithm>
#include <cstring>

namespace maskproof {
namespace {

// Around lent memory. Not what a kernel would write: zeros, or the ones of a mask.
constexpr std::byte kWatched{0xC7};

}  // namespace

void* OwnWorkspace::Memory(size_t bytes) {
  constexpr int kOnes = 0xFF;
  constexpr size_t kAlignment = kernels::kWorkspaceAlignment;
  const size_t whole = (bytes + kAlignment - 1) / kAlignment * kAlignment;
  const MemoryArena::Placed placed = arena_.Place(whole, MemoryPlacement::kGuardAfter);
  if (placed.data == nullptr) return nullptr;
  std::memset(placed.data, kOnes, bytes);
  lent_ = bytes;
  before_ = placed.before;
  after_ = {placed.data + bytes, whole - bytes};
  std::ranges::fill(before_, kWatched);
  std::ranges::fill(after_, kWatched);
  return placed.data;
}

std::optional<int64_t> OwnWorkspace::TakeBack() {
  const auto first_other = [](std::span<const std::byte> bytes) -> std::optional<int64_t> {
    const auto other = std::ranges::find_if(bytes, [](std::byte b) { return b != kWatched; });
    if (other == bytes.end()) return std::nullopt;
    return other - bytes.begin();
  };
  std::optional<int64_t> written = first_other(before_);
  if (written) {
    *written -= static_cast<int64_t>(before_.size());
  } else if (written = first_other(after_); written) {
    *written += static_cast<int64_t>(lent_);
  }
  asked_ = lent_ = 0;
  before_ = after_ = {};
  return written;
}

}  // namespace maskproof
