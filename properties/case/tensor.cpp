#include "properties/case/tensor.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "properties/case/floats.h"

namespace maskproof {
namespace {

template <typename T>
T Saturate(double value) {
  if (std::isnan(value)) return 0;
  const double low = std::numeric_limits<T>::min();
  const double high = std::numeric_limits<T>::max();
  return static_cast<T>(std::clamp(value, low, high));
}

// An infinite result is wanted where the value is beyond float's range; the plain conversion would
// be undefined there.
float NearestFloat(double value) {
  // Halfway to the next power of two and beyond rounds to infinity.
  constexpr double kRoundsToInfinity = 0x1.ffffffp127;
  if (std::isnan(value)) return std::numeric_limits<float>::quiet_NaN();
  if (std::abs(value) <= kLargest) return static_cast<float>(value);
  const float magnitude = std::abs(value) < kRoundsToInfinity
                              ? std::numeric_limits<float>::max()
                              : std::numeric_limits<float>::infinity();
  return value < 0.0 ? -magnitude : magnitude;
}

}  // namespace

size_t ElementSize(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
    case ElementType::kInt32:
      return 4;
    case ElementType::kInt8:
    case ElementType::kUint8:
      return 1;
  }
  return 1;
}

const char* ElementTypeName(ElementType type) {
  switch (type) {
    case ElementType::kFloat32:
      return "float32";
    case ElementType::kInt32:
      return "int32";
    case ElementType::kInt8:
      return "int8";
    case ElementType::kUint8:
      return "uint8";
  }
  return "?";
}

std::string ShapeText(const Dims& dims) {
  std::string text = "(";
  for (size_t i = 0; i < dims.size(); ++i) {
    if (i > 0) text += ",";
    text += std::to_string(dims[i]);
  }
  return text + ")";
}

Tensor::Tensor(ElementType element_type, Dims dimensions)
    : type(element_type),
      dims(std::move(dimensions)),
      bytes(static_cast<size_t>(std::max<int64_t>(ElementCount(dims), 0)) * ElementSize(type)) {}

double Tensor::Get(int64_t index) const {
  const auto i = static_cast<size_t>(index);
  switch (type) {
    case ElementType::kFloat32:
      return static_cast<double>(as<float>()[i]);
    case ElementType::kInt32:
      return as<int32_t>()[i];
    case ElementType::kInt8:
      return as<int8_t>()[i];
    case ElementType::kUint8:
      return as<uint8_t>()[i];
  }
  return 0.0;
}

void Tensor::Set(int64_t index, double value) {
  const auto i = static_cast<size_t>(index);
  switch (type) {
    case ElementType::kFloat32:
      as<float>()[i] = NearestFloat(value);
      break;
    case ElementType::kInt32:
      as<int32_t>()[i] = Saturate<int32_t>(value);
      break;
    case ElementType::kInt8:
      as<int8_t>()[i] = Saturate<int8_t>(value);
      break;
    case ElementType::kUint8:
      as<uint8_t>()[i] = Saturate<uint8_t>(value);
      break;
  }
}

}  // namespace maskproof
