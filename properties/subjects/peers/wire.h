// How cases, requests and outcomes cross from one process of this program to another: host byte
// order, both ends being the same build on the same machine. The reader trusts nothing: the other
// end may have run foreign code that damaged its memory.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PEERS_WIRE_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PEERS_WIRE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "properties/case/case.h"
#include "properties/subjects/subject.h"

namespace maskproof::peers {

class Writer {
 public:
  template <typename T>
  void Number(T value) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    Bytes(std::as_bytes(std::span<const T>(&value, 1)));
  }
  void Bytes(std::span<const std::byte> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  void Text(const std::string& text);

  std::span<const std::byte> bytes() const { return bytes_; }
  void clear() { bytes_.clear(); }

 private:
  std::vector<std::byte> bytes_;
};

// Reading past the end, or a value out of its range, fails the reader for good; everything read
// from then on is zero or empty.
class Reader {
 public:
  explicit Reader(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <typename T>
  T Number() {
    static_assert(std::is_arithmetic_v<T>);
    T value{};
    const std::span<const std::byte> bytes = Bytes(sizeof(T));
    if (!bytes.empty()) std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }
  // An enumerator up to and including `last`.
  template <typename E>
  E Enumerator(E last) {
    using Number8 = std::underlying_type_t<E>;
    const auto value = Number<Number8>();
    if (value <= static_cast<Number8>(last)) return static_cast<E>(value);
    Fail();
    return E{};
  }
  bool Flag() { return Number<uint8_t>() != 0; }
  // `count` bytes, or none if there are not so many.
  std::span<const std::byte> Bytes(size_t count);
  // How many items of at least `item_size` bytes each follow.
  size_t Count(size_t item_size);
  std::string Text();

  void Fail();
  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }

 private:
  std::span<const std::byte> rest_;
  bool ok_ = true;
};

// What a worker says of itself when it is ready, or why it cannot be.
struct Greeting {
  std::string error;  // empty if ready
  std::string target;
  std::string version;  // of the foreign library; empty for subjects of our own
  Promises promises;
};

void Encode(const Greeting& greeting, Writer& writer);
void Encode(const Case& c, const RunRequest& request, Writer& writer);
void Encode(const Outcome& outcome, Writer& writer);

// Each is false unless the bytes held exactly one such value.
bool Decode(std::span<const std::byte> bytes, Greeting& greeting);
bool Decode(std::span<const std::byte> bytes, Case& c, RunRequest& request);
bool Decode(std::span<const std::byte> bytes, Outcome& outcome);

}  // namespace maskproof::peers

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PEERS_WIRE_H_
