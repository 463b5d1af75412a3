#include "cli/names.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <numeric>
#include <system_error>

namespace maskproof::cli {
namespace {

constexpr std::array<Op, kOpCount> kOps = {Op::kAttention, Op::kQAttention, Op::kCore};
constexpr double kLongestSeconds = 100.0 * 24 * 3600;
constexpr size_t kLongestFileName = 100;

bool SameIgnoringCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

// Levenshtein distance.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t above = row[j + 1];
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      row[j + 1] = std::min({replaced, above + 1, row[j] + 1});
      diagonal = above;
    }
  }
  return row[b.size()];
}

bool SafeInFileName(char c) {
  const bool letter_or_digit = std::isalnum(static_cast<unsigned char>(c)) != 0;
  return letter_or_digit || c == '.' || c == '-' || c == '_';
}

}  // namespace

std::optional<Op> ParseOp(std::string_view word) {
  for (const Op op : kOps) {
    if (SameIgnoringCase(word, OpName(op))) return op;
  }
  return std::nullopt;
}

const std::vector<std::string>& OpNames() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> result;
    result.reserve(kOps.size());
    for (const Op op : kOps) result.emplace_back(OpName(op));
    return result;
  }();
  return names;
}

std::optional<double> ParseDuration(std::string_view word) {
  double number = 0.0;
  const char* const begin = word.data();
  const char* const end = begin + word.size();
  const auto [rest, error] = std::from_chars(begin, end, number, std::chars_format::fixed);
  if (error != std::errc()) return std::nullopt;
  const std::string_view unit(rest, static_cast<size_t>(end - rest));
  double seconds_per_unit = 1.0;
  if (unit == "ms") {
    seconds_per_unit = 1e-3;
  } else if (unit == "m") {
    seconds_per_unit = 60.0;
  } else if (unit == "h") {
    seconds_per_unit = 3600.0;
  } else if (!unit.empty() && unit != "s") {
    return std::nullopt;
  }
  const double seconds = number * seconds_per_unit;
  const bool sensible = seconds > 0.0 && seconds <= kLongestSeconds;  // false for NaN
  return sensible ? std::optional<double>(seconds) : std::nullopt;
}

std::optional<uint64_t> ParseSeed(std::string_view word) {
  int base = 10;
  if (word.starts_with("0x") || word.starts_with("0X")) {
    word.remove_prefix(2);
    base = 16;
  }
  uint64_t seed = 0;
  const char* const begin = word.data();
  const char* const end = begin + word.size();
  const auto [rest, error] = std::from_chars(begin, end, seed, base);
  if (error != std::errc() || rest != end) return std::nullopt;
  return seed;
}

std::string Nearest(std::string_view word, const std::vector<std::string>& allowed) {
  const std::string* best = nullptr;
  size_t best_distance = 0;
  for (const std::string& candidate : allowed) {
    const size_t distance = EditDistance(word, candidate);
    if (best == nullptr || distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  // Half of the letters wrong is no longer a slip of the finger.
  if (best == nullptr || best_distance * 2 > std::max(word.size(), best->size())) return {};
  return *best;
}

std::string UnknownWord(std::string_view what, std::string_view word,
                        const std::vector<std::string>& allowed) {
  std::string text = fmt::format("unknown {} '{}'", what, Printable(word));
  const std::string nearest = Nearest(word, allowed);
  if (!nearest.empty()) text += fmt::format("; did you mean '{}'?", nearest);
  text += fmt::format("\nallowed: {}", fmt::join(allowed, ", "));
  return text;
}

std::string SafeFileName(std::string_view text) {
  std::string name;
  if (text.empty() || text.front() == '.' || text.front() == '-') name += '_';
  for (const char c : text) name += SafeInFileName(c) ? c : '_';
  if (name.size() > kLongestFileName) {
    name = fmt::format("{}-{:016x}", name.substr(0, kLongestFileName - 17), HashText(text));
  }
  return name;
}

std::string ShellQuote(std::string_view text) {
  const bool plain = !text.empty() && std::ranges::all_of(text, [](char c) {
    return SafeInFileName(c) || c == '/' || c == ':' || c == ',' || c == '=';
  });
  if (plain) return std::string(text);
  std::string quoted = "'";
  for (const char c : text) {
    if (c == '\'') {
      quoted += "'\\''";
    } else {
      quoted += c;
    }
  }
  quoted += '\'';
  return quoted;
}

std::string Printable(std::string_view text) {
  std::string clean(text);
  for (char& c : clean) {
    if (std::iscntrl(static_cast<unsigned char>(c)) != 0) c = ' ';
  }
  return clean;
}

uint64_t HashText(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  }
  return hash;
}

}  // namespace maskproof::cli
