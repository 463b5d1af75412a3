#include "properties/recipe/codec_bytes.h"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>

#include "properties/case/floats.h"
#include "properties/recipe/fields.h"

namespace maskproof {
namespace {

// A byte from here on is followed by raw bits; below, it says it all.
constexpr uint8_t kEscape = 240;
constexpr uint8_t kEscapeDouble = 248;
// Sizes: bytes below this give one of the small ones.
constexpr uint8_t kUpperHalf = 128;
constexpr int64_t kSmallSizes = 8;

// Parameters, scales and cells that are worth trying. Two thirds of all bytes give one of the first
// `kTameFloats`: a case full of infinities leaves nothing to be checked.
constexpr uint8_t kTameBytes = 160;
constexpr size_t kTameFloats = 20;
constexpr std::array<float, 40> kFloats = {
    0.0F,     1.0F,      0.5F,      0.25F,      2.0F,
    0.125F,   4.0F,      -1.0F,     0.0625F,    8.0F,
    0.1F,     10.0F,     3.0F,      16.0F,      30.0F,
    -2.0F,    64.0F,     100.0F,    -0.5F,      0.03125F,
    -8.0F,    127.0F,    -128.0F,   255.0F,     -10000.0F,
    1e4F,     0.001F,    -0.0F,     5.0F,       -3.0F,
    0x1p-10F, 1000.0F,   1e-40F,    1e30F,      -1e30F,
    kLargest, -kLargest, kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN()};

float FloatOf(uint8_t byte) {
  return byte < kTameBytes ? kFloats[byte % kTameFloats]
                           : kFloats[static_cast<size_t>(byte - kTameBytes) % kFloats.size()];
}

// The byte that FloatOf maps to the number with these bits; kEscape if there is none.
uint8_t FloatByte(uint32_t bits) {
  for (size_t i = 0; i < kFloats.size(); ++i) {
    if (FloatBits(kFloats[i]) != bits) continue;
    return static_cast<uint8_t>(i < kTameFloats ? i : kTameBytes + i);
  }
  return kEscape;
}

// Dims and attributes at which arithmetic goes wrong.
constexpr std::array<int64_t, 8> kIntegers = {-1,
                                              -2,
                                              int64_t{1} << 31,
                                              (int64_t{1} << 32) + 1,
                                              int64_t{1} << 40,
                                              int64_t{1} << 62,
                                              std::numeric_limits<int64_t>::max(),
                                              std::numeric_limits<int64_t>::min()};

}  // namespace

uint64_t ByteReader::Raw(int bytes) {
  uint64_t value = 0;
  for (int i = 0; i < bytes; ++i) value |= static_cast<uint64_t>(Byte()) << (8 * i);
  return value;
}

void ByteWriter::Raw(uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) Byte(static_cast<uint8_t>(value >> (8 * i)));
}

int64_t ByteReader::Size(int64_t max) {
  max = std::max<int64_t>(max, 1);
  const uint8_t byte = Byte();
  if (byte < kUpperHalf) return 1 + byte % std::min(max, kSmallSizes);
  if (byte < kEscape) return 1 + (byte - kUpperHalf) % max;
  return 1 + static_cast<int64_t>(Raw(4)) % max;
}

void ByteWriter::Size(int64_t value) {
  const int64_t offset = value - 1;
  if (offset < kSmallSizes) {
    Byte(static_cast<uint8_t>(offset));
  } else if (offset < kEscape - kUpperHalf) {
    Byte(static_cast<uint8_t>(kUpperHalf + offset));
  } else {
    Byte(kEscape);
    Raw(static_cast<uint64_t>(offset), 4);
  }
}

size_t ByteReader::Count(size_t max) {
  const uint8_t byte = Byte();
  if (byte < kUpperHalf) return 0;
  if (byte < kEscape) return static_cast<size_t>(byte - kUpperHalf) % (max + 1);
  return static_cast<size_t>(Raw(4)) % (max + 1);
}

void ByteWriter::Count(size_t value) {
  if (value == 0) {
    Byte(0);
  } else if (value < static_cast<size_t>(kEscape - kUpperHalf)) {
    Byte(static_cast<uint8_t>(kUpperHalf + value));
  } else {
    Byte(kEscape);
    Raw(value, 4);
  }
}

uint64_t ByteReader::Seed(int raw_bytes) {
  const uint8_t byte = Byte();
  return byte < kEscape ? byte : Raw(raw_bytes);
}

void ByteWriter::Seed(uint64_t value, int raw_bytes) {
  if (value < kEscape) {
    Byte(static_cast<uint8_t>(value));
  } else {
    Byte(kEscape);
    Raw(value, raw_bytes);
  }
}

int64_t ByteReader::Integer() {
  const uint8_t byte = Byte();
  if (byte < kEscape) return byte;
  if (byte < kEscapeDouble) return kIntegers[byte - kEscape];
  return static_cast<int64_t>(Raw(8));
}

void ByteWriter::Integer(int64_t value) {
  if (value >= 0 && value < kEscape) {
    Byte(static_cast<uint8_t>(value));
    return;
  }
  const auto* const known = std::ranges::find(kIntegers, value);
  if (known != kIntegers.end()) {
    Byte(static_cast<uint8_t>(kEscape + (known - kIntegers.begin())));
  } else {
    Byte(kEscapeDouble);
    Raw(static_cast<uint64_t>(value), 8);
  }
}

float ByteReader::Float() {
  const uint8_t byte = Byte();
  if (byte < kEscape) return FloatOf(byte);
  return std::bit_cast<float>(static_cast<uint32_t>(Raw(4)));
}

void ByteWriter::Float(float value) {
  const uint8_t byte = FloatByte(FloatBits(value));
  Byte(byte);
  if (byte == kEscape) Raw(FloatBits(value), 4);
}

double ByteReader::Double() {
  const uint8_t byte = Byte();
  if (byte < kEscape) return static_cast<double>(FloatOf(byte));
  if (byte < kEscapeDouble) return static_cast<double>(kIntegers[byte - kEscape]);
  return std::bit_cast<double>(Raw(8));
}

void ByteWriter::Double(double value) {
  Byte(kEscapeDouble);
  Raw(DoubleBits(value), 8);
}

}  // namespace maskproof
