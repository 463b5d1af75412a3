#include "bench/problem.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>

#include "properties/base/rng.h"

namespace maskproof::bench {
namespace {

// Uniform with mean 0 and the given standard deviation.
Tensor RandomFloats(Dims dims, double deviation, Rng& rng) {
  Tensor tensor(ElementType::kFloat32, std::move(dims));
  const double range = deviation * std::sqrt(3.0);
  for (float& value : tensor.as<float>()) {
    value = static_cast<float>((rng.Unit() * 2.0 - 1.0) * range);
  }
  return tensor;
}

Tensor RandomBytes(ElementType type, Dims dims, Rng& rng) {
  Tensor tensor(type, std::move(dims));
  for (std::byte& value : tensor.bytes) value = static_cast<std::byte>(rng.Next() & 0xffU);
  return tensor;
}

// Half of the range of int8: kernels that add pairs of products in 16 bits saturate beyond it, and
// nobody is to be timed for something else than the others compute.
Tensor RandomWeights(Dims dims, Rng& rng) {
  Tensor tensor(ElementType::kInt8, std::move(dims));
  for (int8_t& value : tensor.as<int8_t>()) {
    value = static_cast<int8_t>(static_cast<int>(rng.Next() & 0x7fU) - 64);
  }
  return tensor;
}

Tensor One(ElementType type, double value) {
  Tensor tensor(type, Dims{1});
  tensor.Set(0, value);
  return tensor;
}

// At least the first key of every batch is seen.
Tensor MakeMask(const Spec& spec, Rng& rng) {
  Tensor tensor(ElementType::kInt32, {spec.shape.batch, spec.shape.keys});
  const auto keys = static_cast<size_t>(spec.shape.keys);
  const auto wanted = static_cast<size_t>(spec.masked_share * static_cast<double>(keys));
  const size_t seen = std::max<size_t>(1, keys - wanted);
  for (size_t b = 0; b < static_cast<size_t>(spec.shape.batch); ++b) {
    const std::span<int32_t> row = tensor.as<int32_t>().subspan(b * keys, keys);
    std::fill_n(row.begin(), seen, 1);
    if (spec.mask != Mask::kRandom) continue;
    for (size_t i = keys - 1; i > 1; --i) std::swap(row[i], row[1 + rng.Below(i)]);
  }
  return tensor;
}

// (query, key) pairs of one head that take part, over all batches.
double SeenPairs(const Problem& problem) {
  const Shape& shape = problem.spec.shape;
  double pairs = 0.0;
  for (int64_t b = 0; b < shape.batch; ++b) {
    for (int64_t t = 0; t < shape.keys; ++t) {
      const auto index = static_cast<size_t>(b * shape.keys + t);
      if (problem.mask && problem.mask->as<int32_t>()[index] == 0) continue;
      // Queries that come before key t do not see it.
      const int64_t blind =
          problem.spec.causal ? std::clamp<int64_t>(t - shape.past(), 0, shape.queries) : 0;
      pairs += static_cast<double>(shape.queries - blind);
    }
  }
  return pairs;
}

// Scores of about unit variance: query and key have it, and are divided by sqrt(H).
void FillProjection(Problem& problem, Rng& rng) {
  const Shape& shape = problem.spec.shape;
  const int64_t hidden = shape.hidden();
  const double root = std::sqrt(static_cast<double>(hidden));
  const Dims input = {shape.batch, shape.queries, hidden};
  const Dims weights = {hidden, 3 * hidden};
  problem.bias = RandomFloats({3 * hidden}, 0.1, rng);
  if (problem.spec.work == Work::kQAttention) {
    constexpr double kByteDeviation = 73.9;    // of 256 equally likely values
    constexpr double kWeightDeviation = 36.9;  // of 128
    problem.input = RandomBytes(ElementType::kUint8, input, rng);
    problem.weights = RandomWeights(weights, rng);
    problem.input_scale = One(ElementType::kFloat32, 1.0 / kByteDeviation);
    problem.weight_scale = One(ElementType::kFloat32, 1.0 / (kWeightDeviation * root));
    problem.input_zero_point = One(ElementType::kUint8, 128.0);
    problem.weight_zero_point = One(ElementType::kInt8, 0.0);
    return;
  }
  problem.input = RandomFloats(input, 1.0, rng);
  problem.weights = RandomFloats(weights, 1.0 / root, rng);
  if (problem.spec.work == Work::kProjection) {
    // Plain sgemm adds no bias; so that all compute the same, it is zero.
    problem.bias = Tensor(ElementType::kFloat32, {3 * hidden});
    problem.input.dims = {shape.batch * shape.queries, hidden};
  }
}

void FillCore(Problem& problem, Rng& rng) {
  const Shape& shape = problem.spec.shape;
  const int64_t n = shape.heads;
  const int64_t h = shape.head_size;
  const Dims keys =
      shape.past() > 0 ? Dims{shape.batch, n, shape.keys, h} : Dims{shape.batch, shape.keys, n, h};
  problem.query = RandomFloats({shape.batch, shape.queries, n, h}, 1.0, rng);
  problem.key = RandomFloats(keys, 1.0, rng);
  problem.value = RandomFloats(keys, 1.0, rng);
}

}  // namespace

Problem MakeProblem(const Spec& spec) {
  Problem problem;
  problem.spec = spec;
  const Shape& shape = spec.shape;
  const int64_t rows = shape.batch * shape.queries;
  Rng rng(1);
  const bool core = spec.work == Work::kCore;
  const bool projection = spec.work == Work::kProjection;
  if (core) {
    FillCore(problem, rng);
  } else {
    FillProjection(problem, rng);
    problem.flops += 6.0 * static_cast<double>(rows * shape.hidden() * shape.hidden());
  }
  if (projection) {
    problem.output_dims = {rows, 3 * shape.hidden()};
    return problem;
  }
  problem.output_dims = {shape.batch, shape.queries, shape.hidden()};
  if (spec.mask != Mask::kNone) problem.mask = MakeMask(spec, rng);
  problem.flops += 4.0 * static_cast<double>(shape.hidden()) * SeenPairs(problem);
  if (shape.past() == 0) return problem;
  if (core) {
    problem.bytes = static_cast<double>(problem.key.bytes.size() + problem.value.bytes.size());
  } else {
    problem.past =
        RandomFloats({2, shape.batch, shape.heads, shape.past(), shape.head_size}, 1.0, rng);
    problem.present_dims = Dims{2, shape.batch, shape.heads, shape.keys, shape.head_size};
  }
  return problem;
}

}  // namespace maskproof::bench
