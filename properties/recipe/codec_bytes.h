// How single numbers are written in bytes, so that both hold: any bytes decode to a likely value,
// and every value has bytes. Small and typical values take one byte, all others an escape and the
// raw bits. Internal to properties/recipe.
#ifndef MASKPROOF_PROPERTIES_RECIPE_CODEC_BYTES_H_
#define MASKPROOF_PROPERTIES_RECIPE_CODEC_BYTES_H_

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace maskproof {

class ByteReader {
 public:
  ByteReader(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  bool AtEnd() const { return position_ >= size_; }
  uint8_t Byte() { return AtEnd() ? 0 : data_[position_++]; }
  uint64_t Raw(int bytes);

  // 1 to `max`; half of all bytes give 8 or less.
  int64_t Size(int64_t max);
  // 0 to `max`; half of all bytes give 0.
  size_t Count(size_t max);
  uint64_t Seed(int raw_bytes);
  int64_t Integer();
  float Float();
  double Double();

 private:
  const uint8_t* data_;
  size_t size_;
  size_t position_ = 0;
};

class ByteWriter {
 public:
  void Byte(uint8_t byte) { bytes_.push_back(byte); }
  void Raw(uint64_t value, int bytes);

  // Each undoes its namesake of ByteReader, whatever `max` was, as long as the value is within it.
  void Size(int64_t value);
  void Count(size_t value);
  void Seed(uint64_t value, int raw_bytes);
  void Integer(int64_t value);
  void Float(float value);
  void Double(double value);

  std::vector<uint8_t> Take() { return std::move(bytes_); }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_RECIPE_CODEC_BYTES_H_
