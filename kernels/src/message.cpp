#include "message.h"

#include <algorithm>
#include <cstddef>
#include <string>

#include "sizes.h"

namespace maskproof::kernels {

std::string DimsText(std::span<const int64_t> dims) {
  std::string text = "(";
  for (size_t i = 0; i < dims.size(); ++i) {
    if (i > 0) text += ',';
    text += std::to_string(dims[i]);
  }
  text += ')';
  return text;
}

Status Invalid(std::string_view name, std::string_view what) {
  return {StatusCode::kInvalidArgument, std::string(name).append(": ").append(what)};
}

Status NotSupported(std::string_view name, std::string_view what) {
  return {StatusCode::kNotSupported, std::string(name).append(": ").append(what)};
}

Status Mismatch(std::string_view name, std::string_view expected, std::string_view got) {
  return Invalid(name, std::string("expected ").append(expected).append(", got ").append(got));
}

Status WrongShape(std::string_view name, std::string_view expected, std::span<const int64_t> got) {
  return Mismatch(name, expected, "shape " + DimsText(got));
}

// So short that every standard library keeps it in the string itself.
Status OutOfMemory() { return {StatusCode::kOutOfMemory, "no memory"}; }

Status ExpectShape(std::string_view name, std::span<const int64_t> dims,
                   std::initializer_list<int64_t> expected) {
  if (std::equal(dims.begin(), dims.end(), expected.begin(), expected.end())) return {};
  return WrongShape(name, "shape " + DimsText({expected.begin(), expected.size()}), dims);
}

Status ExpectRank(std::string_view name, std::span<const int64_t> dims, int64_t rank) {
  if (static_cast<int64_t>(dims.size()) == rank) return {};
  return WrongShape(name, std::to_string(rank) + " dimensions", dims);
}

Status ExpectData(std::string_view name, const void* data, std::span<const int64_t> dims) {
  const int64_t count = ElementCount(dims);
  if (count < 0) {
    return WrongShape(name, "dimensions that are not negative and a countable number of elements",
                      dims);
  }
  if (count > 0 && data == nullptr) return Mismatch(name, "data", "a null pointer");
  return {};
}

}  // namespace maskproof::kernels
