// Speed of the operators on common transformer shapes, for every SIMD target of the machine.
// Items are floating-point operations of the full square (a causal triangle counts as one too), so
// that items/s reads as FLOP/s.
#include <benchmark/benchmark.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "maskproof/kernels/attention.h"
#include "properties/base/rng.h"

namespace {

using maskproof::Rng;
namespace kernels = maskproof::kernels;

struct Shape {
  int64_t batch, sequence, heads, head_size;
};
constexpr std::array<Shape, 5> kShapes = {
    {{1, 128, 12, 64}, {1, 512, 12, 64}, {8, 128, 12, 64}, {1, 1024, 16, 64}, {4, 384, 16, 64}}};

enum class Mask { kNone, kHalfPadded, kCausal };
constexpr std::array<const char*, 3> kMaskNames = {"none", "half_padded", "causal"};

std::vector<float> Uniform(int64_t count, float range, uint64_t seed) {
  Rng rng(seed);
  std::vector<float> values(static_cast<size_t>(count));
  for (float& v : values) v = static_cast<float>(rng.Unit() * 2.0 - 1.0) * range;
  return values;
}

void RunAttention(benchmark::State& state, Shape shape, Mask mask, int64_t target) {
  const int64_t hidden = shape.heads * shape.head_size;
  const int64_t rows = shape.batch * shape.sequence;
  const auto input = Uniform(rows * hidden, 1.0F, 1);
  const auto weights =
      Uniform(hidden * 3 * hidden, 1.0F / std::sqrt(static_cast<float>(hidden)), 2);
  const auto bias = Uniform(3 * hidden, 1.0F, 3);
  std::vector<float> output(static_cast<size_t>(rows * hidden));
  const std::vector<int32_t> lengths(static_cast<size_t>(shape.batch),
                                     static_cast<int32_t>(shape.sequence / 2));

  const std::array<int64_t, 3> input_dims = {shape.batch, shape.sequence, hidden};
  const std::array<int64_t, 2> weight_dims = {hidden, 3 * hidden};
  const std::array<int64_t, 1> bias_dims = {3 * hidden};
  const std::array<int64_t, 1> mask_dims = {shape.batch};
  kernels::AttentionAttributes attributes;
  attributes.num_heads = shape.heads;
  attributes.unidirectional = mask == Mask::kCausal ? 1 : 0;
  kernels::AttentionInputs inputs;
  inputs.input = {input.data(), input_dims};
  inputs.weights = {weights.data(), weight_dims};
  inputs.bias = {bias.data(), bias_dims};
  if (mask == Mask::kHalfPadded) inputs.mask_index = {lengths.data(), mask_dims};
  kernels::AttentionOutputs outputs;
  outputs.output = {output.data(), input_dims};
  kernels::Execution execution;
  execution.target = target;

  for (auto _ : state) {
    const kernels::Status status = kernels::Attention(attributes, inputs, outputs, execution);
    if (!status.ok()) {
      state.SkipWithError(status.message().c_str());
      break;
    }
    benchmark::DoNotOptimize(output.data());
  }
  const int64_t projection = 2 * rows * hidden * 3 * hidden;
  const int64_t core =
      4 * shape.batch * shape.heads * shape.sequence * shape.sequence * shape.head_size;
  state.SetItemsProcessed(state.iterations() * (projection + core));
}

const bool registered = [] {
  for (const kernels::Target& target : kernels::SupportedTargets()) {
    for (const Shape& shape : kShapes) {
      for (const Mask mask : {Mask::kNone, Mask::kHalfPadded, Mask::kCausal}) {
        const std::string name =
            "Attention/" + std::string(target.name) + "/" + std::to_string(shape.batch) + "x" +
            std::to_string(shape.sequence) + "x" + std::to_string(shape.heads) + "x" +
            std::to_string(shape.head_size) + "/" + kMaskNames[static_cast<size_t>(mask)];
        benchmark::RegisterBenchmark(name.c_str(), RunAttention, shape, mask, target.id)
            ->Unit(benchmark::kMillisecond);
      }
    }
  }
  return true;
}();

}  // namespace
