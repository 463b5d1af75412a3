// Speed of QAttention's 8-bit projection alone, for every SIMD target of the machine, with the
// weights packed beforehand and within the call. OP/s counts a product and a sum as two operations.
// Where the machine has AVX-512 VNNI its peak is measured as well, and `of_peak` is the share of
// it.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#if defined(__x86_64__)
#include <ctime>
#endif

#include "maskproof/kernels/attention.h"
#include "maskproof/kernels/packed_qattention_weights.h"
#include "properties/base/rng.h"
#include "quantized_projection.h"
#include "workspace.h"

namespace {

using maskproof::Rng;
namespace kernels = maskproof::kernels;

#if defined(__x86_64__)
constexpr int kChains = 20;  // more than latency times throughput, fewer than registers

// Chains of products in registers only, whatever is in the registers. In assembly, since compilers
// do not always keep so many values there.
__attribute__((target("avx512f,avx512vnni"), noinline)) void MultiplyInRegisters(int64_t steps) {
  asm volatile(
      "1:\n"
      ".irp chain, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19\n"
      "vpdpbusd %%zmm31, %%zmm30, %%zmm\\chain\n"
      ".endr\n"
      "dec %0\n"
      "jnz 1b\n"
      : "+r"(steps)
      :
      : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
        "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", "xmm19");
}

// Of this thread, as others may be using the machine.
double ProcessorSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Operations per second: the best of some short runs.
double MeasurePeak() {
  if (!__builtin_cpu_supports("avx512vnni")) return 0.0;
  constexpr int64_t kSteps = 100000;
  constexpr int kRuns = 50;
  double best = 0.0;
  for (int run = 0; run < kRuns; ++run) {
    const double start = ProcessorSeconds();
    MultiplyInRegisters(kSteps);
    const double seconds = ProcessorSeconds() - start;
    best = std::max(best, static_cast<double>(kSteps * kChains * 128) / seconds);
  }
  return best;
}
#else
double MeasurePeak() { return 0.0; }
#endif

struct Product {
  int64_t rows, depth, columns;
};
constexpr std::array<Product, 5> kProducts = {
    {{1, 768, 2304}, {128, 768, 2304}, {512, 768, 2304}, {1024, 1024, 3072}, {1536, 1024, 3072}}};

void Project(benchmark::State& state, Product product, kernels::Target target, bool packed_before,
             size_t threads) {
  Rng rng(1);
  std::vector<uint8_t> input(static_cast<size_t>(product.rows * product.depth));
  std::vector<int8_t> weights(static_cast<size_t>(product.depth * product.columns));
  for (uint8_t& x : input) x = static_cast<uint8_t>(rng.Unit() * 256.0);
  for (int8_t& w : weights) w = static_cast<int8_t>(rng.Unit() * 255.0 - 127.0);
  const std::vector<float> bias(static_cast<size_t>(product.columns), 0.5F);
  const float scale = 0.01F;
  const uint8_t input_zero_point = 131;
  const std::array<int64_t, 3> input_dims = {1, product.rows, product.depth};
  const std::array<int64_t, 2> weight_dims = {product.depth, product.columns};
  const std::array<int64_t, 1> bias_dims = {product.columns};

  kernels::QAttentionInputs inputs;
  inputs.input = {.data = input.data(), .dims = input_dims, .is_signed = false};
  inputs.weights = {.data = weights.data(), .dims = weight_dims, .is_signed = true};
  inputs.bias = {.data = bias.data(), .dims = bias_dims};
  inputs.input_scale = {.data = &scale, .dims = {}};
  inputs.weight_scale = {.data = &scale, .dims = {}};
  inputs.input_zero_point =
      kernels::QuantizedView{.data = &input_zero_point, .dims = {}, .is_signed = false};
  const std::unique_ptr<kernels::ParallelFor> pool =
      threads > 1 ? kernels::MakeThreadPool(threads) : nullptr;
  kernels::PackedQAttentionWeights packed;
  if (packed_before) {
    const kernels::Status status = kernels::PackQAttentionWeights(
        inputs.weights, {}, {.target = target.id, .parallel = pool.get()}, packed);
    if (!status.ok()) return state.SkipWithError(status.message().c_str());
    inputs.packed_weights = &packed;
  }
  kernels::QuantizedProjection projection(inputs, target.id, pool.get());
  const int64_t stride = kernels::RoundUp(product.columns, kernels::kQuantizedAlignment);
  kernels::Scratch<float> projected;
  kernels::Workspace workspace;
  const kernels::Status reserved = workspace.Provide({}, [&](kernels::Arena& arena) {
    return projection.Reserve(arena, product.rows) &&
           projected.Place(arena, {product.rows, stride});
  });
  if (!reserved.ok()) return state.SkipWithError(reserved.message().c_str());

  for ([[maybe_unused]] auto _ : state) {
    projection.Prepare();
    projection.Run(0, product.rows, projected.data(), stride, {});
    benchmark::ClobberMemory();
  }
  static const double peak = MeasurePeak();
  const auto operations = static_cast<double>(2 * product.rows * product.depth * product.columns);
  using benchmark::Counter;
  state.counters["OP/s"] = Counter(operations, Counter::kIsIterationInvariantRate);
  if (peak > 0.0) {
    state.counters["of_peak"] = Counter(operations / (peak * static_cast<double>(threads)),
                                        Counter::kIsIterationInvariantRate);
  }
}

void VnniPeak(benchmark::State& state) {
  double peak = 0.0;
  for ([[maybe_unused]] auto _ : state) peak = std::max(peak, MeasurePeak());
  state.counters["OP/s"] = benchmark::Counter(peak);
}

const bool registered = [] {
  benchmark::RegisterBenchmark("VnniPeak", VnniPeak)->Iterations(1);
  for (const kernels::Target& target : kernels::SupportedTargets()) {
    for (const Product& product : kProducts) {
      for (const bool packed : {true, false}) {
        for (const size_t threads : {size_t{1}, size_t{2}}) {
          const std::string name =
              "Projection/" + std::string(target.name) + "/" + std::to_string(product.rows) + "x" +
              std::to_string(product.depth) + "x" + std::to_string(product.columns) +
              (packed ? "/packed" : "/unpacked") + "/threads:" + std::to_string(threads);
          auto* const benchmark =
              benchmark::RegisterBenchmark(name.c_str(), Project, product, target, packed, threads)
                  ->Unit(benchmark::kMillisecond);
          // One thread is timed by what it used itself, which other programs affect less.
          if (threads > 1) benchmark->UseRealTime();
        }
      }
    }
  }
  return true;
}();

}  // namespace
