#include "properties/invariants/faults.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include "properties/case/floats.h"
#include "properties/invariants/tensor_ops.h"

namespace maskproof {
namespace {

// Elements of a tensor that a fault adds. Beside a size of zero the others may be huge.
constexpr int64_t kLargestAdded = int64_t{1} << 20;

TensorId RandomTensor(const Case& c, Rng& rng) {
  std::vector<TensorId> present;
  for (size_t i = 0; i < kTensorCount; ++i) {
    if (c.has(static_cast<TensorId>(i))) present.push_back(static_cast<TensorId>(i));
  }
  return present[rng.Below(present.size())];
}

// The same elements under other dims, cut or padded with zeros.
void Reshape(Tensor& tensor, Dims dims) {
  Tensor reshaped(tensor.type, std::move(dims));
  const size_t common = std::min(tensor.bytes.size(), reshaped.bytes.size());
  if (common > 0) std::memcpy(reshaped.bytes.data(), tensor.bytes.data(), common);
  tensor = std::move(reshaped);
}

const char* BadScale(Case& c, Rng& rng) {
  c.attributes.scale = rng.OneIn(2) ? std::numeric_limits<float>::quiet_NaN()
                                    : std::numeric_limits<float>::infinity();
  return "scale";
}

const char* BadFill(Case& c, Rng& rng) {
  if (c.op == Op::kCore) return BadScale(c, rng);
  c.attributes.mask_filter_value = std::numeric_limits<float>::quiet_NaN();
  return "mask_filter_value";
}

const char* BadHeads(Case& c, Rng& rng) {
  if (c.op == Op::kCore) return BadScale(c, rng);
  constexpr std::array<int64_t, 4> kCounts{0, -1, -7, int64_t{1} << 31};
  c.attributes.num_heads = kCounts[rng.Below(kCounts.size())];
  return "num_heads";
}

const char* NegativeLength(Case& c, Rng& rng) {
  const int64_t batch = GeometryOf(c).batch;
  if (batch == 0 || batch > kLargestAdded) return BadScale(c, rng);
  Tensor mask(ElementType::kInt32, {rng.OneIn(2) ? batch : 2 * batch});
  constexpr std::array<double, 3> kLengths{-1.0, -3.0, -2147483648.0};
  mask.Set(rng.Between(0, batch - 1), kLengths[rng.Below(kLengths.size())]);
  c[TensorId::kMaskIndex] = std::move(mask);
  return "mask_index";
}

const char* WrongType(Case& c, Rng& rng) {
  const TensorId id = RandomTensor(c, rng);
  const bool is_float = At(c, id).type == ElementType::kFloat32;
  c[id] = Tensor(is_float ? ElementType::kInt32 : ElementType::kFloat32, At(c, id).dims);
  return TensorName(id);
}

const char* Missing(Case& c, Rng& rng) {
  const TensorId id = RandomTensor(c, rng);
  c[id].reset();
  // Without a zero point or a mask the case is another valid one; a past leaves the mask's width.
  return id == TensorId::kPast ? nullptr : TensorName(id);
}

const char* WrongRank(Case& c, Rng& rng) {
  const TensorId id = RandomTensor(c, rng);
  Dims dims = At(c, id).dims;
  if (rng.OneIn(2) || dims.empty()) {
    dims.insert(dims.begin(), 1);
  } else {
    dims.pop_back();
  }
  Reshape(At(c, id), std::move(dims));
  // Another rank of mask is another form of it.
  return id == TensorId::kMaskIndex ? nullptr : TensorName(id);
}

const char* WrongSize(Case& c, Rng& rng) {
  const TensorId id = RandomTensor(c, rng);
  Dims dims = At(c, id).dims;
  if (dims.empty()) return BadScale(c, rng);
  int64_t& dim = dims[rng.Below(dims.size())];
  dim = rng.OneIn(2) || dim == 0 ? dim + 1 : dim - 1;
  Reshape(At(c, id), std::move(dims));
  return nullptr;
}

const char* BadHiddenSizes(Case& c, Rng& rng) {
  if (c.op != Op::kAttention) return BadScale(c, rng);
  const Geometry g = GeometryOf(c);
  Dims sizes{g.hidden(), g.hidden(), g.value_hidden()};
  switch (rng.Below(7)) {
    case 0:
      sizes.pop_back();
      break;
    case 1:
      sizes.push_back(g.hidden());
      break;
    case 2:
      sizes[rng.Below(3)] = 0;
      break;
    case 3:  // query and key of different sizes; the sum is right
      sizes[0] += g.heads;
      sizes[1] -= g.heads;
      break;
    case 4:  // not a multiple of the heads, or another sum
      ++sizes[0];
      ++sizes[1];
      sizes[2] -= 2;
      break;
    case 5:  // more columns than there are, or fewer
      sizes[2] += rng.OneIn(2) ? g.heads : -g.heads;
      break;
    default:
      sizes[rng.Below(3)] = -g.hidden();
      break;
  }
  c.attributes.qkv_hidden_sizes = std::move(sizes);
  return "qkv_hidden_sizes";
}

const char* PastAndBias(Case& c, Rng& rng) {
  if (c.op != Op::kAttention || !c.has(TensorId::kPast)) return WrongSize(c, rng);
  const Geometry g = GeometryOf(c);
  const int64_t elements = ElementCount(std::array{g.sequence, g.total});
  if (elements < 0 || elements > kLargestAdded) return WrongSize(c, rng);
  c[TensorId::kAttentionBias] = Tensor(ElementType::kFloat32, {1, 1, g.sequence, g.total});
  return nullptr;
}

// A per-column parameter of a number that is neither one nor the columns'.
const char* WrongCount(Case& c, Rng& rng) {
  if (c.op != Op::kQAttention) return WrongSize(c, rng);
  const TensorId id = rng.OneIn(2) ? TensorId::kWeightScale : TensorId::kWeightZeroPoint;
  if (!c.has(id)) return WrongSize(c, rng);
  const int64_t columns = 3 * GeometryOf(c).hidden();
  if (columns < 3 || columns > kLargestAdded) return WrongSize(c, rng);
  const std::array<int64_t, 5> counts{2, columns / 3, columns / 3 * 2, columns - 1, columns + 1};
  Reshape(At(c, id), {counts[rng.Below(counts.size())]});
  return TensorName(id);
}

// Masks that array libraries would broadcast, or that fit in number but not in shape.
const char* WrongMask(Case& c, Rng& rng) {
  const Geometry g = GeometryOf(c);
  const int64_t elements = ElementCount(std::array{g.batch + 1, g.total, g.total + 1, int64_t{2}});
  if (g.total < 1 || elements < 0 || elements > kLargestAdded) return WrongSize(c, rng);
  // Of four dimensions (B,1,M,M) with M >= T is well formed.
  std::array<Dims, 13> shapes{Dims{1, g.total},
                              Dims{g.total},
                              Dims{1, g.sequence, g.total},
                              Dims{g.batch, 1, g.total},
                              Dims{g.batch, g.sequence},
                              Dims{g.batch, g.total, g.sequence},
                              Dims{g.batch, g.total + 1},
                              Dims{1},
                              Dims{g.batch + 1, 1, g.total, g.total},
                              Dims{g.batch, 2, g.total, g.total},
                              Dims{g.batch, 1, g.total, g.total + 1},
                              Dims{g.batch, 1, g.total - 1, g.total - 1},
                              Dims{1, g.batch, g.sequence, g.total}};
  c[TensorId::kMaskIndex] =
      Tensor(ElementType::kInt32, std::move(shapes[rng.Below(shapes.size())]));
  return "mask_index";
}

// Inputs without an element, and results with more than can be counted.
const char* Uncountable(Case& c, Rng& rng) {
  constexpr int64_t kMany = int64_t{1} << 40;
  const Geometry g = GeometryOf(c);
  for (const TensorId id : {TensorId::kMaskIndex, TensorId::kAttentionBias, TensorId::kPast}) {
    c[id].reset();
  }
  c.want_present = false;
  if (c.op == Op::kCore) {
    // Scores are; there is no output.
    c[TensorId::kQuery] = Tensor(ElementType::kFloat32, {kMany, g.heads, 4096, 0});
    c[TensorId::kKey] = Tensor(ElementType::kFloat32, {kMany, g.heads, 4096, 0});
    c[TensorId::kValue] = Tensor(ElementType::kFloat32, {kMany, g.heads, 4096, 0});
    return "query";
  }
  const bool one_batch = rng.OneIn(2);
  At(c, TensorId::kInput) =
      Tensor(At(c, TensorId::kInput).type, {one_batch ? 1 : kMany, one_batch ? kMany : 1 << 24, 0});
  const Dims& weights = At(c, TensorId::kWeights).dims;
  At(c, TensorId::kWeights) = Tensor(At(c, TensorId::kWeights).type, {0, weights[1]});
  return nullptr;
}

// ---- valid, but out of the ordinary ---------------------------------------------------------

template <typename T, size_t N>
T PickOf(Rng& rng, const std::array<T, N>& items) {
  return items[rng.Below(N)];
}

void OddSpans(Case& c, const Geometry& g, Rng& rng) {
  const auto t = static_cast<double>(g.total);
  Tensor mask(ElementType::kInt32, {2 * g.batch});
  for (int64_t b = 0; b < g.batch; ++b) {
    mask.Set(b, PickOf(rng, std::array{t, 0.0, 1.0, t + 5.0, 2147483647.0}));
    mask.Set(g.batch + b, PickOf(rng, std::array{0.0, -1.0, -2147483648.0, t, t + 3.0, 2.0}));
  }
  c[TensorId::kMaskIndex] = std::move(mask);
}

void OddLengths(Case& c, const Geometry& g, Rng& rng) {
  const auto t = static_cast<double>(g.total);
  Tensor mask(ElementType::kInt32, {g.batch});
  for (int64_t b = 0; b < g.batch; ++b) {
    mask.Set(b, PickOf(rng, std::array{0.0, t + 1.0, 2147483647.0, 1.0}));
  }
  c[TensorId::kMaskIndex] = std::move(mask);
}

void OddRawMask(Case& c, const Geometry& g, Rng& rng) {
  Tensor mask(ElementType::kInt32, {g.batch, rng.OneIn(3) ? 1 : g.total});
  for (int64_t i = 0; i < mask.size(); ++i) {
    mask.Set(i, PickOf(rng, std::array{0.0, -1.0, -2147483648.0, 1.0, 2.0, 256.0, 2147483647.0}));
  }
  c[TensorId::kMaskIndex] = std::move(mask);
}

void OddAttribute(Case& c, const Geometry& /*g*/, Rng& rng) {
  switch (rng.Below(3)) {
    case 0:
      c.attributes.scale = PickOf(rng, std::array{0.0F, -1.0F, 1e-40F, 1e30F});
      break;
    case 1:
      c.attributes.unidirectional = PickOf(rng, std::array<int64_t, 3>{2, -1, int64_t{1} << 40});
      break;
    default:
      if (c.op == Op::kCore) break;
      c.attributes.mask_filter_value = PickOf(rng, std::array{-kInfinity, 0.0F, 1.0F, 1e-40F});
      break;
  }
}

void EmptyPast(Case& c, const Geometry& g, Rng& rng) {
  if (c.op == Op::kCore || c.has(TensorId::kPast)) return OddAttribute(c, g, rng);
  c[TensorId::kAttentionBias].reset();
  c[TensorId::kPast] = Tensor(ElementType::kFloat32, {2, g.batch, g.heads, 0, g.head_size});
  c.want_present = true;
}

// There is a past to be handed on, and nothing else to do.
void NoQueries(Case& c, const Geometry& g, Rng& rng) {
  if (c.op == Op::kCore) return OddAttribute(c, g, rng);
  const int64_t past = 1 + static_cast<int64_t>(rng.Below(3));
  const std::array dims{int64_t{2}, g.batch, g.heads, past, g.head_size};
  const int64_t elements = ElementCount(dims);
  if (elements < 0 || elements > kLargestAdded) return OddAttribute(c, g, rng);
  c[TensorId::kInput] = Tensor(At(c, TensorId::kInput).type, {g.batch, 0, g.input_width});
  c[TensorId::kMaskIndex].reset();
  c[TensorId::kAttentionBias].reset();
  c[TensorId::kPast] = Tensor(ElementType::kFloat32, {dims.begin(), dims.end()});
  c.want_present = true;
}

// All tokens are what the bias makes them.
void NoFeatures(Case& c, const Geometry& g, Rng& rng) {
  if (c.op == Op::kCore) return OddAttribute(c, g, rng);
  Tensor& input = At(c, TensorId::kInput);
  Tensor& weights = At(c, TensorId::kWeights);
  input = Tensor(input.type, {g.batch, g.sequence, 0});
  weights = Tensor(weights.type, {0, weights.dims[1]});
}

}  // namespace

void MakeOdd(Case& c, Rng& rng) {
  const Geometry g = GeometryOf(c);
  if (g.batch < 1 || g.batch > kLargestAdded) return;
  const int64_t mask_elements = ElementCount(std::array{g.batch, g.total});
  if (mask_elements < 0 || mask_elements > kLargestAdded) return;
  constexpr std::array kOddities{OddSpans,     OddSpans,  OddLengths, OddRawMask,
                                 OddAttribute, EmptyPast, NoQueries,  NoFeatures};
  kOddities[rng.Below(kOddities.size())](c, g, rng);
}

const char* InjectFault(Case& c, Rng& rng) {
  constexpr std::array kFaults{BadScale,  BadFill,   BadHeads,       NegativeLength, WrongType,
                               Missing,   WrongRank, WrongSize,      WrongSize,      WrongCount,
                               WrongMask, WrongMask, BadHiddenSizes, PastAndBias,    Uncountable};
  return kFaults[rng.Below(kFaults.size())](c, rng);
}

}  // namespace maskproof
