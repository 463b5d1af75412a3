// The list of everything that is measured.
#include <fmt/format.h>

#include <array>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "bench/problem.h"

namespace maskproof::bench {
namespace {

Shape Square(int64_t batch, int64_t length, int64_t heads, int64_t head_size) {
  return {
      .batch = batch, .queries = length, .keys = length, .heads = heads, .head_size = head_size};
}

const std::vector<Shape>& OperatorShapes() {
  static const std::vector<Shape> shapes = {Square(1, 128, 12, 64), Square(1, 512, 12, 64),
                                            Square(8, 128, 12, 64), Square(1, 1024, 16, 64),
                                            Square(4, 384, 16, 64)};
  return shapes;
}

const std::vector<Shape>& CoreShapes() {
  static const std::vector<Shape> shapes = {Square(1, 512, 12, 64), Square(1, 2048, 12, 64),
                                            Square(1, 8192, 8, 64)};
  return shapes;
}

// The second is far too large for any cache.
const std::vector<Shape>& DecodeShapes() {
  static const std::vector<Shape> shapes = {
      {.batch = 1, .queries = 1, .keys = 2048, .heads = 16, .head_size = 64},
      {.batch = 8, .queries = 1, .keys = 2048, .heads = 16, .head_size = 64}};
  return shapes;
}

Group Named(std::string family, const Shape& shape, std::vector<Spec> specs) {
  std::string name = fmt::format("{}/{}", family, shape.Name());
  return {.family = std::move(family), .name = std::move(name), .specs = std::move(specs)};
}

Spec Plain(std::string variant, Work work, const Shape& shape) {
  Spec spec;
  spec.variant = std::move(variant);
  spec.work = work;
  spec.shape = shape;
  return spec;
}

Spec Masked(std::string variant, Work work, const Shape& shape, Mask mask, double share) {
  Spec spec = Plain(std::move(variant), work, shape);
  spec.mask = mask;
  spec.masked_share = share;
  return spec;
}

Spec Causal(Work work, const Shape& shape) {
  Spec spec = Plain("causal", work, shape);
  spec.causal = true;
  return spec;
}

Group Operator(std::string family, Work work, const Shape& shape) {
  return Named(std::move(family), shape,
               {Plain("none", work, shape), Masked("random", work, shape, Mask::kRandom, 0.5),
                Masked("half", work, shape, Mask::kPadded, 0.5), Causal(work, shape)});
}

// Time against the number that stands for "masked".
Group FillValues(std::string family, Work work, const Shape& shape) {
  constexpr float kLowest = std::numeric_limits<float>::lowest();
  const std::array<std::pair<const char*, float>, 6> fills = {{{"-1e4", -1e4F},
                                                               {"-20", -20.0F},
                                                               {"-80", -80.0F},
                                                               {"-95", -95.0F},
                                                               {"-110", -110.0F},
                                                               {"lowest", kLowest}}};
  std::vector<Spec> specs;
  for (const auto& [name, fill] : fills) {
    specs.push_back(Masked(name, work, shape, Mask::kPadded, 0.5));
    specs.back().fill = fill;
  }
  return Named(std::move(family), shape, std::move(specs));
}

// Time against how many keys are masked.
Group MaskedShares(const Shape& shape) {
  std::vector<Spec> specs = {Plain("0%", Work::kCore, shape)};
  for (const int percent : {25, 50, 75, 90}) {
    const double share = percent / 100.0;
    specs.push_back(
        Masked(fmt::format("padded-{}%", percent), Work::kCore, shape, Mask::kPadded, share));
    specs.push_back(
        Masked(fmt::format("random-{}%", percent), Work::kCore, shape, Mask::kRandom, share));
  }
  return Named("MaskedShare", shape, std::move(specs));
}

}  // namespace

std::string Shape::Name() const {
  const std::string length =
      past() > 0 ? fmt::format("{}+{}", queries, past()) : std::to_string(queries);
  return fmt::format("{}x{}x{}x{}", batch, length, heads, head_size);
}

std::string CaseName(const Group& group, const Spec& spec) {
  return fmt::format("{}/{}", group.name, spec.variant);
}

std::vector<Group> Catalogue(const std::optional<Shape>& only) {
  const auto shapes = [&only](const std::vector<Shape>& usual) {
    return only ? std::vector<Shape>{*only} : usual;
  };
  std::vector<Group> groups;
  for (const Shape& shape : shapes(OperatorShapes())) {
    groups.push_back(Operator("Attention", Work::kAttention, shape));
  }
  for (const Shape& shape : shapes(OperatorShapes())) {
    groups.push_back(Operator("QAttention", Work::kQAttention, shape));
  }
  for (const Shape& shape : shapes(CoreShapes())) {
    groups.push_back(Named("Core", shape,
                           {Plain("none", Work::kCore, shape), Causal(Work::kCore, shape),
                            Masked("half", Work::kCore, shape, Mask::kPadded, 0.5)}));
  }
  for (const auto& [family, work] :
       {std::pair("Decode-Core", Work::kCore), std::pair("Decode-Attention", Work::kAttention)}) {
    for (Shape shape : shapes(DecodeShapes())) {
      shape.queries = 1;
      groups.push_back(Named(family, shape, {Plain("none", work, shape)}));
    }
  }
  for (const Shape& shape : shapes({Square(1, 512, 12, 64)})) {
    groups.push_back(Named("Projection", shape, {Plain("none", Work::kProjection, shape)}));
    groups.push_back(FillValues("FillValue-Attention", Work::kAttention, shape));
    groups.push_back(FillValues("FillValue-Core", Work::kCore, shape));
  }
  for (const Shape& shape : shapes({Square(1, 1024, 12, 64)})) {
    groups.push_back(MaskedShares(shape));
  }
  return groups;
}

}  // namespace maskproof::bench
