// Speed of the suite itself: recipes made and expanded, the oracle, and invariant checks a second
// on our kernels, for small cases.
#include <benchmark/benchmark.h>

#include <memory>
#include <string>
#include <vector>

#include "properties/invariants/invariant.h"
#include "properties/oracle/oracle.h"
#include "properties/recipe/recipe.h"
#include "properties/subjects/subject.h"

namespace maskproof {
namespace {

std::vector<Case> SmallCases(Op op) {
  GenerateOptions options;
  options.op = op;
  options.limits.max_sequence = 8;
  options.limits.max_past = 8;
  options.limits.max_head_size = 16;
  options.limits.max_heads = 2;
  options.limits.max_input_width = 32;
  std::vector<Case> cases;
  Rng rng(1);
  constexpr int kCases = 64;
  cases.reserve(kCases);
  for (int i = 0; i < kCases; ++i) cases.push_back(Expand(Generate(rng, options)));
  return cases;
}

void GenerateAndExpand(benchmark::State& state) {
  GenerateOptions options;
  options.limits.max_sequence = 8;
  Rng rng(1);
  for (auto _ : state) benchmark::DoNotOptimize(Expand(Generate(rng, options)));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(GenerateAndExpand);

void Oracle(benchmark::State& state) {
  const std::vector<Case> cases = SmallCases(Op::kCore);
  size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(ComputeReference(cases[i++ % cases.size()], {}));
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(Oracle);

void Check(benchmark::State& state, Op op, const Invariant* invariant) {
  const auto subjects = AllKernelsSubjects();
  const std::vector<Case> cases = SmallCases(op);
  size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(invariant->check(*subjects.front(), cases[i++ % cases.size()]));
  }
  state.SetItemsProcessed(state.iterations());
}

const bool registered = [] {
  for (const Op op : {Op::kAttention, Op::kQAttention, Op::kCore}) {
    for (const Invariant& invariant : Invariants()) {
      if (!invariant.applies_to(op)) continue;
      const std::string name = std::string("Check/") + OpName(op) + "/" + invariant.id;
      benchmark::RegisterBenchmark(name.c_str(), Check, op, &invariant);
    }
  }
  return true;
}();

}  // namespace
}  // namespace maskproof
