// Memory that two processes see: one writes and enlarges it, the other only reads.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PEERS_SHARED_REGION_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PEERS_SHARED_REGION_H_

#include <cstddef>
#include <optional>
#include <span>
#include <utility>

namespace maskproof::peers {

// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { Close(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void Close();

 private:
  int fd_ = -1;
};

class SharedRegion {
 public:
  // New and empty; closed on exec. It can never be made smaller, so that a reader's mapping stays
  // backed whatever the writer does.
  static std::optional<SharedRegion> Create(const char* name);
  // The other process's end.
  explicit SharedRegion(Descriptor descriptor) : descriptor_(std::move(descriptor)) {}

  SharedRegion(SharedRegion&& other) noexcept;
  SharedRegion& operator=(SharedRegion&& other) noexcept;
  SharedRegion(const SharedRegion&) = delete;
  SharedRegion& operator=(const SharedRegion&) = delete;
  ~SharedRegion();

  int descriptor() const { return descriptor_.get(); }
  // Writer: puts the bytes at the start. False if there is no memory.
  bool Write(std::span<const std::byte> bytes);
  // Reader: the first `size` bytes, if the region has so many.
  std::optional<std::span<const std::byte>> Read(size_t size);

 private:
  bool Map(size_t size, int protection);

  Descriptor descriptor_;
  std::byte* data_ = nullptr;
  size_t mapped_ = 0;
};

}  // namespace maskproof::peers

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PEERS_SHARED_REGION_H_
