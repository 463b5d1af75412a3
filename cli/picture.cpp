#include "cli/picture.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "properties/case/visibility.h"

namespace maskproof::cli {
namespace {

constexpr int64_t kDrawnKeys = 96;
constexpr int64_t kShownQueries = 48;
constexpr int64_t kShownBlocks = 16;
constexpr int64_t kShownElements = 8;

std::string RowOf(const Visibility& sees, int64_t keys, int64_t batch, int64_t head,
                  int64_t query) {
  std::string row;
  for (int64_t key = 0; key < std::min(keys, kDrawnKeys); ++key) {
    row += sees.Sees(batch, head, query, key) ? '#' : '.';
  }
  if (keys > kDrawnKeys) row += fmt::format(" ... {} keys", keys);
  return row;
}

std::string BlockOf(const Visibility& sees, const Geometry& g, int64_t batch, int64_t head) {
  std::string block;
  for (int64_t query = 0; query < std::min(g.sequence, kShownQueries); ++query) {
    block += fmt::format("  {:>4}  {}", query, RowOf(sees, g.total, batch, head, query));
    if (sees.FullyMasked(batch, head, query)) block += "  (sees nothing)";
    block += '\n';
  }
  if (g.sequence > kShownQueries) block += fmt::format("   ...  {} queries\n", g.sequence);
  return block;
}

template <typename T>
void AddAttribute(std::string& text, const char* name, const std::optional<T>& value) {
  if (value) text += fmt::format("  {} = {}\n", name, *value);
}

}  // namespace

std::string Number(double value) {
  if (std::isnan(value)) return "nan";  // its sign says nothing
  // Most numbers here are float32: then the short form of the float is the honest one.
  const auto narrow = static_cast<float>(value);
  return static_cast<double>(narrow) == value ? fmt::format("{}", narrow)
                                              : fmt::format("{}", value);
}

std::string Rounded(double value, int digits) {
  return std::isnan(value) ? "nan" : fmt::format("{:.{}g}", value, digits);
}

std::string DescribeGeometry(const Case& c) {
  const Geometry g = GeometryOf(c);
  std::string text = fmt::format("B={} S={} P={} T={} N={} H={} Hv={}", g.batch, g.sequence, g.past,
                                 g.total, g.heads, g.head_size, g.value_head_size);
  if (c.op != Op::kCore) text += fmt::format(" Di={}", g.input_width);
  return text;
}

std::string DescribeCase(const Case& c) {
  std::string text = "attributes\n";
  const Attributes& a = c.attributes;
  if (c.op != Op::kCore) text += fmt::format("  num_heads = {}\n", a.num_heads);
  text += fmt::format("  unidirectional = {}\n", a.unidirectional);
  if (a.qkv_hidden_sizes) {
    text += fmt::format("  qkv_hidden_sizes = {}\n", fmt::join(*a.qkv_hidden_sizes, ", "));
  }
  AddAttribute(text, "scale", a.scale);
  AddAttribute(text, "mask_filter_value", a.mask_filter_value);
  AddAttribute(text, "past_present_share_buffer", a.past_present_share_buffer);
  AddAttribute(text, "do_rotary", a.do_rotary);
  if (c.want_present) text += "  with the present output\n";
  text += "tensors\n";
  for (size_t i = 0; i < kTensorCount; ++i) {
    const std::optional<Tensor>& tensor = c.tensors[i];
    if (!tensor) continue;
    std::vector<std::string> first;
    for (int64_t e = 0; e < std::min(tensor->size(), kShownElements); ++e) {
      first.push_back(Number(tensor->Get(e)));
    }
    text += fmt::format("  {:<18} {:<8} ({})  {}{}\n", TensorName(static_cast<TensorId>(i)),
                        ElementTypeName(tensor->type), fmt::join(tensor->dims, ","),
                        fmt::join(first, " "), tensor->size() > kShownElements ? " ..." : "");
  }
  return text;
}

std::string MaskPicture(const Case& c) {
  const Geometry g = GeometryOf(c);
  if (g.sequence == 0) return "";
  const Visibility sees(c);
  std::string text;
  int64_t shown = 0;
  for (int64_t batch = 0; batch < g.batch; ++batch) {
    std::string previous;
    for (int64_t head = 0; head < g.heads; ++head) {
      const std::string block = BlockOf(sees, g, batch, head);
      if (block == previous) continue;  // only a -inf in attention_bias makes heads differ
      if (shown++ == kShownBlocks) return text + "  ...\n";
      text += previous.empty() ? fmt::format("batch {}\n", batch)
                               : fmt::format("batch {}, from head {}\n", batch, head);
      text += block;
      previous = block;
    }
  }
  return text;
}

std::string RowPicture(const Case& c, int64_t batch, int64_t head, int64_t query) {
  return RowOf(Visibility(c), GeometryOf(c).total, batch, head, query);
}

}  // namespace maskproof::cli
