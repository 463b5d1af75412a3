#include "properties/subjects/peers/shared_region.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cstring>

namespace maskproof::peers {
namespace {

constexpr size_t kSmallestRegion = size_t{1} << 16;

}  // namespace

void Descriptor::Close() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

std::optional<SharedRegion> SharedRegion::Create(const char* name) {
  Descriptor descriptor(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!descriptor.valid() || fcntl(descriptor.get(), F_ADD_SEALS, F_SEAL_SHRINK) != 0) {
    return std::nullopt;
  }
  return SharedRegion(std::move(descriptor));
}

SharedRegion::SharedRegion(SharedRegion&& other) noexcept
    : descriptor_(std::move(other.descriptor_)),
      data_(std::exchange(other.data_, nullptr)),
      mapped_(std::exchange(other.mapped_, 0)) {}

SharedRegion& SharedRegion::operator=(SharedRegion&& other) noexcept {
  std::swap(descriptor_, other.descriptor_);
  std::swap(data_, other.data_);
  std::swap(mapped_, other.mapped_);
  return *this;
}

SharedRegion::~SharedRegion() {
  if (data_ != nullptr) munmap(data_, mapped_);
}

bool SharedRegion::Map(size_t size, int protection) {
  if (size <= mapped_) return true;
  void* const data = mmap(nullptr, size, protection, MAP_SHARED, descriptor_.get(), 0);
  if (data == MAP_FAILED) return false;
  if (data_ != nullptr) munmap(data_, mapped_);
  data_ = static_cast<std::byte*>(data);
  mapped_ = size;
  return true;
}

bool SharedRegion::Write(std::span<const std::byte> bytes) {
  if (bytes.size() > mapped_ || data_ == nullptr) {
    const size_t size = std::bit_ceil(std::max(bytes.size(), kSmallestRegion));
    if (ftruncate(descriptor_.get(), static_cast<off_t>(size)) != 0) return false;
    if (!Map(size, PROT_READ | PROT_WRITE)) return false;
  }
  std::memcpy(data_, bytes.data(), bytes.size());
  return true;
}

std::optional<std::span<const std::byte>> SharedRegion::Read(size_t size) {
  if (size > mapped_ || data_ == nullptr) {
    struct stat status{};
    if (fstat(descriptor_.get(), &status) != 0) return std::nullopt;
    const auto present = static_cast<size_t>(status.st_size);
    if (present < size || present == 0 || !Map(present, PROT_READ)) return std::nullopt;
  }
  return std::span<const std::byte>(data_, size);
}

}  // namespace maskproof::peers
