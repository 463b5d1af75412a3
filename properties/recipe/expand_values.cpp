#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "properties/case/floats.h"
#include "properties/recipe/expand.h"
#include "properties/recipe/fields.h"

namespace maskproof {
namespace {

// A bell from one draw: the sum of its four 16-bit parts, centred. The sum of four numbers uniform
// on 0..65535 has variance 4 * (2^32 - 1) / 12, so dividing by 37837.22704 gives unit variance; the
// largest magnitude is 3.464. Mean and deviation are applied in double, where the product of two
// floats is exact: the result does not depend on whether the compiler fuses it with the addition.
float Bell(uint64_t bits, float mean, float deviation) {
  const uint64_t sum =
      (bits & 0xFFFF) + ((bits >> 16) & 0xFFFF) + ((bits >> 32) & 0xFFFF) + (bits >> 48);
  constexpr int32_t kCentre = 131070;
  constexpr float kUnit = 1.0F / 37837.22704F;
  const float z = static_cast<float>(static_cast<int32_t>(sum) - kCentre) * kUnit;
  return static_cast<float>(static_cast<double>(mean) +
                            static_cast<double>(deviation) * static_cast<double>(z));
}

// [low, high), or low if the interval is empty. The width is rounded to float first, so that its
// product with 24 bits is exact in double.
float Between(uint64_t bits, float low, float high) {
  const auto width = static_cast<float>(static_cast<double>(high) - static_cast<double>(low));
  const double part = static_cast<double>(bits >> 40) * 0x1p-24;
  const auto x = static_cast<float>(static_cast<double>(low) + static_cast<double>(width) * part);
  return x < high ? x : low;
}

float PowerOfTwo(int32_t exponent, uint32_t mantissa, bool negative) {
  constexpr int32_t kBias = 127;
  return std::bit_cast<float>((negative ? 0x80000000U : 0U) |
                              (static_cast<uint32_t>(exponent + kBias) << 23) | mantissa);
}

// Magnitudes log-uniform over [2^low, 2^high): exponent and mantissa drawn apart.
float Scaled(Rng& rng, int32_t low, int32_t high) {
  const uint64_t bits = rng.Next();
  const bool negative = (bits & 1) != 0;
  if (low == high) return PowerOfTwo(low, 0, negative);
  const auto span = static_cast<uint64_t>(high - low);
  const auto step = static_cast<int32_t>(((bits >> 32) * span) >> 32);
  return PowerOfTwo(low + step, static_cast<uint32_t>(bits >> 8) & 0x7FFFFFU, negative);
}

// Corners of float32. The very large ones are rare: a row that has one may overflow, and then there
// is nothing to be checked.
float Extreme(uint64_t bits) {
  constexpr float kTiny = std::numeric_limits<float>::denorm_min();
  constexpr float kSmall = std::numeric_limits<float>::min();
  static constexpr std::array<float, 32> kExtremes = {
      0.0F,  0.0F,          0.0F,           0.0F,          0.0F,   0.0F,     0.0F,
      kTiny, kTiny * 3.0F,  kTiny,          kSmall * 0.5F, kSmall, kSmall,   0x1.8p-126F,
      1.0F,  1.0F,          1.0F,           1.0F,          1.0F,   1.0F,     1.5F,
      2.0F,  0x1.000002p0F, 0x1.fffffep-1F, 3.0F,          0.25F,  0x1p-12F, 0x1p-24F,
      16.0F, 100.0F,        0x1p10F,        1.0F};
  const bool negative = (bits & 1) != 0;
  const uint64_t rare = (bits >> 16) & 0x1FF;
  float x = kExtremes[(bits >> 8) & 31];
  if (rare == 0) x = kLargest;
  if (rare == 1) x = 0x1p100F;
  if (rare == 2 || rare == 3) x = 0x1p40F;
  return negative ? -x : x;
}

constexpr float kPeakFactor = 16.0F;
constexpr uint64_t kPeakRows = 8;  // one in so many
constexpr float kFaintFactor = 0x1p-66F;
constexpr uint64_t kFaintVectors = 8;  // one in so many

// Calls put(index, number) for every element in order. Identity and extremes are the caller's.
template <typename Put>
void Draw(const Values& v, uint64_t seed, size_t count, size_t columns, Put put) {
  Rng rng(seed);
  switch (v.distribution) {
    case Distribution::kConstant:
      for (size_t i = 0; i < count; ++i) put(i, v.a);
      break;
    case Distribution::kNormal:
      for (size_t i = 0; i < count; ++i) put(i, Bell(rng.Next(), v.a, v.b));
      break;
    case Distribution::kUniform:
      for (size_t i = 0; i < count; ++i) put(i, Between(rng.Next(), v.a, v.b));
      break;
    case Distribution::kIntegers: {
      const auto low = static_cast<int64_t>(v.a);
      const auto high = static_cast<int64_t>(v.b);
      for (size_t i = 0; i < count; ++i) put(i, static_cast<float>(rng.Between(low, high)));
      break;
    }
    case Distribution::kScales: {
      const auto low = static_cast<int32_t>(v.a);
      const auto high = static_cast<int32_t>(v.b);
      for (size_t i = 0; i < count; ++i) put(i, Scaled(rng, low, high));
      break;
    }
    case Distribution::kRepeat:
      for (size_t row = 0; row < count; row += columns) {
        Rng same(seed);
        for (size_t i = row; i < row + columns; ++i) put(i, Bell(same.Next(), v.a, v.b));
      }
      break;
    case Distribution::kPeak:
      for (size_t row = 0; row < count; row += columns) {
        const float factor = rng.OneIn(kPeakRows) ? kPeakFactor : 1.0F;
        for (size_t i = row; i < row + columns; ++i) {
          put(i, Bell(rng.Next(), v.a, v.b) * factor);
        }
      }
      break;
    case Distribution::kFaintRows:
    case Distribution::kFaintColumns: {
      const bool by_row = v.distribution == Distribution::kFaintRows;
      const auto low = static_cast<int32_t>(v.a);
      const auto high = static_cast<int32_t>(v.b);
      for (size_t i = 0; i < count; ++i) {
        const size_t vector = by_row ? i / columns : i % columns;
        const bool faint = Rng(MixSeeds(seed, vector)).OneIn(kFaintVectors);
        put(i, Scaled(rng, low, high) * (faint ? kFaintFactor : 1.0F));
      }
      break;
    }
    case Distribution::kExtremes:
    case Distribution::kIdentity:
      break;
  }
}

uint64_t StreamOf(TensorId id, const Values& values) {
  return MixSeeds(values.seed, static_cast<uint64_t>(id) + 1);
}

// Scales are positive unless the recipe spells out a range with negative numbers, and those that
// are drawn by exponent are exact powers of two, which make dequantisation exact.
void FillScale(TensorId id, const Values& v, std::span<float> out) {
  const uint64_t seed = StreamOf(id, v);
  Rng rng(seed);
  if (v.distribution == Distribution::kScales) {
    for (float& x : out) {
      x = PowerOfTwo(
          static_cast<int32_t>(rng.Between(static_cast<int64_t>(v.a), static_cast<int64_t>(v.b))),
          0, false);
    }
  } else if (v.distribution == Distribution::kExtremes) {
    for (float& x : out) {
      x = Extreme(rng.Next());
      if (x < 0.0F) x = -x;
    }
  } else {
    const bool as_written = v.distribution == Distribution::kConstant ||
                            v.distribution == Distribution::kUniform ||
                            v.distribution == Distribution::kIntegers;
    Draw(v, seed, out.size(), out.size(),
         [&](size_t i, float x) { out[i] = x < 0.0F && !as_written ? -x : x; });
  }
}

// ---- quantised ---------------------------------------------------

struct Range {
  int32_t lowest = 0;
  int32_t middle = 0;
  int32_t highest = 0;
};

Range RangeOf(ElementType type) {
  return type == ElementType::kInt8 ? Range{.lowest = -128, .middle = 0, .highest = 127}
                                    : Range{.lowest = 0, .middle = 128, .highest = 255};
}

int32_t Saturate(const Range& range, int32_t value) {
  return std::clamp(value, range.lowest, range.highest);
}

// To the nearest whole number, halves away from zero, within a range that covers both types.
int32_t Rounded(float x) {
  constexpr float kFar = 1000.0F;
  x = std::clamp(x, -kFar, kFar);
  return static_cast<int32_t>(x < 0.0F ? x - 0.5F : x + 0.5F);
}

template <typename Put>
void DrawQuantizedExtremes(TensorId id, const Values& v, const Range& range, size_t count,
                           size_t columns, Put put) {
  Rng rng(StreamOf(id, v));
  if (id == TensorId::kWeights) {
    // Mostly the same end down a column: the products of neighbouring input features then add up,
    // which is what makes sums of pairs in 16 bits saturate.
    for (size_t i = 0; i < count; ++i) {
      const uint64_t bits = rng.Next();
      const int32_t end = (MixSeeds(v.seed, i % columns) & 1) != 0 ? range.highest : range.lowest;
      const auto odd = static_cast<int32_t>((bits >> 8) & 3) - 2;
      put(i, (bits & 7) != 0 ? end : range.middle + odd);
    }
    return;
  }
  for (size_t i = 0; i < count; ++i) {
    const uint64_t bits = rng.Next();
    const std::array<int32_t, 8> corners = {
        range.highest, range.highest, range.highest, range.highest,
        range.highest, range.lowest,  range.middle,  range.middle + ((bits & 256) != 0 ? 1 : -1)};
    put(i, corners[bits & 7]);
  }
}

template <typename Put>
void DrawQuantized(TensorId id, const Values& v, const Range& range, size_t count, size_t columns,
                   std::span<const int32_t> zero_points, Put put) {
  if (v.distribution == Distribution::kExtremes) {
    DrawQuantizedExtremes(id, v, range, count, columns, put);
  } else if (v.distribution == Distribution::kIdentity) {
    for (size_t i = 0; i < count; ++i) {
      const size_t column = i % columns;
      const int32_t zero = zero_points[zero_points.size() == 1 ? 0 : column];
      put(i, Saturate(range, zero + (i / columns == column ? 1 : 0)));
    }
  } else {
    Draw(v, StreamOf(id, v), count, columns,
         [&](size_t i, float x) { put(i, Saturate(range, Rounded(x))); });
  }
}

}  // namespace

void FillFloat(TensorId id, const Values& values, size_t columns, std::span<float> out) {
  if (IsScaleTensor(id)) {
    FillScale(id, values, out);
  } else if (values.distribution == Distribution::kExtremes) {
    Rng rng(StreamOf(id, values));
    for (float& x : out) x = Extreme(rng.Next());
  } else if (values.distribution == Distribution::kIdentity) {
    // `out` is zero already.
    for (size_t i = 0; i < out.size(); i += columns + 1) out[i] = 1.0F;
  } else {
    Draw(values, StreamOf(id, values), out.size(), columns, [&](size_t i, float x) { out[i] = x; });
  }
}

void FillQuantized(TensorId id, const Values& values, size_t columns,
                   std::span<const int32_t> zero_points, Tensor& out) {
  const Range range = RangeOf(out.type);
  const auto count = static_cast<size_t>(out.size());
  if (out.type == ElementType::kInt8) {
    const std::span<int8_t> data = out.as<int8_t>();
    DrawQuantized(id, values, range, count, columns, zero_points,
                  [&](size_t i, int32_t x) { data[i] = static_cast<int8_t>(x); });
  } else {
    const std::span<uint8_t> data = out.as<uint8_t>();
    DrawQuantized(id, values, range, count, columns, zero_points,
                  [&](size_t i, int32_t x) { data[i] = static_cast<uint8_t>(x); });
  }
}

}  // namespace maskproof
