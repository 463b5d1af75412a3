#include "properties/recipe/text_scan.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <system_error>

namespace maskproof {
namespace {

template <typename T>
std::optional<T> ScanWhole(std::string_view text) {
  T value{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (text.empty() || result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

template <typename T>
std::optional<T> ScanReal(std::string_view text) {
  const std::optional<T> value = ScanWhole<T>(text);
  if (value && std::isnan(*value)) return std::numeric_limits<T>::quiet_NaN();
  return value;
}

}  // namespace

std::vector<std::string_view> SplitWords(std::string_view line) {
  constexpr std::string_view kBlanks = " \t\r";
  std::vector<std::string_view> words;
  size_t begin = line.find_first_not_of(kBlanks);
  while (begin != std::string_view::npos && line[begin] != '#') {
    const size_t end = line.find_first_of(kBlanks, begin);
    words.push_back(line.substr(begin, end - begin));
    begin = line.find_first_not_of(kBlanks, end);
  }
  return words;
}

std::optional<int64_t> ScanInteger(std::string_view text, int64_t lo, int64_t hi) {
  const auto value = ScanWhole<int64_t>(text);
  return value && *value >= lo && *value <= hi ? value : std::nullopt;
}

std::optional<uint64_t> ScanUnsigned(std::string_view text) { return ScanWhole<uint64_t>(text); }

std::optional<float> ScanFloat(std::string_view text) { return ScanReal<float>(text); }

std::optional<double> ScanDouble(std::string_view text) { return ScanReal<double>(text); }

std::optional<Dims> ScanDims(std::string_view text, size_t max_dims) {
  Dims dims;
  if (text == "scalar") return dims;
  while (true) {
    const size_t end = text.find('x');
    const auto dim = ScanWhole<int64_t>(text.substr(0, end));
    if (!dim || dims.size() == max_dims) return std::nullopt;
    dims.push_back(*dim);
    if (end == std::string_view::npos) return dims;
    text.remove_prefix(end + 1);
  }
}

}  // namespace maskproof
