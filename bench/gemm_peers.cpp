// The libraries are loaded when they are asked for: linked, they would start their threads in every
// run of the command.
#include "bench/gemm_peers.h"

#include <dlfcn.h>

#include <cstdlib>
#include <functional>
#include <utility>
#include <vector>

#ifdef MASKPROOF_OPENBLAS_LIBRARY
#include <cblas.h>
#endif
#ifdef MASKPROOF_ONEDNN_LIBRARY
#include <dnnl.h>
#endif

namespace maskproof::bench {
namespace {

// output (M,N) = input (M,K) * weights (K,N), all row-major.
struct Product {
  int64_t rows = 0, depth = 0, columns = 0;
  const float* input = nullptr;
  const float* weights = nullptr;
  float* output = nullptr;
};
// False if the library says that it failed.
using Multiply = std::function<bool(const Product&)>;
using SetThreads = std::function<void(int)>;

class GemmContender final : public Contender {
 public:
  GemmContender(const Problem& problem, const Multiply& multiply, const SetThreads& set_threads,
                int threads)
      : multiply_(multiply),
        set_threads_(set_threads),
        threads_(threads),
        output_(static_cast<size_t>(ElementCount(problem.output_dims))) {
    product_ = {.rows = problem.output_dims[0],
                .depth = problem.input.dims[1],
                .columns = problem.output_dims[1],
                .input = problem.input.as<float>().data(),
                .weights = problem.weights.as<float>().data(),
                .output = output_.data()};
  }

  bool Run(std::string& error) override {
    set_threads_(threads_);  // a setting of the process; contenders may differ in it
    if (multiply_(product_)) return true;
    error = "sgemm failed";
    return false;
  }
  std::span<const float> output() const override { return output_; }

 private:
  const Multiply& multiply_;
  const SetThreads& set_threads_;
  int threads_;
  std::vector<float> output_;
  Product product_;
};

class GemmPeer final : public Implementation {
 public:
  GemmPeer(std::string name, Multiply multiply, SetThreads set_threads)
      : name_(std::move(name)),
        multiply_(std::move(multiply)),
        set_threads_(std::move(set_threads)) {}

  const std::string& name() const override { return name_; }
  bool AppliesTo(Work work) const override { return work == Work::kProjection; }
  std::unique_ptr<Contender> Prepare(const Problem& problem, int threads,
                                     std::string& /*error*/) override {
    return std::make_unique<GemmContender>(problem, multiply_, set_threads_, threads);
  }

 private:
  std::string name_;
  Multiply multiply_;
  SetThreads set_threads_;
};

#if defined(MASKPROOF_OPENBLAS_LIBRARY) || defined(MASKPROOF_ONEDNN_LIBRARY)

// Null with the reason.
void* Load(const char* path, std::string& error) {
  // Idle OpenMP threads must not spin through what is timed next. Read when the library is loaded.
  (void)setenv("OMP_WAIT_POLICY", "passive", /*overwrite=*/0);
  void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library != nullptr) return library;
  const char* const reason = dlerror();
  error = std::string("cannot load ") + path + ": " + (reason != nullptr ? reason : "no reason");
  return nullptr;
}

template <typename Function>
Function* Symbol(void* library, const char* name, std::string& error) {
  auto* const function = reinterpret_cast<Function*>(dlsym(library, name));
  if (function == nullptr) error = std::string("the library has no ") + name;
  return function;
}

#endif

}  // namespace

#ifdef MASKPROOF_OPENBLAS_LIBRARY
std::unique_ptr<Implementation> MakeOpenBlasPeer(std::string& error) {
  void* const library = Load(MASKPROOF_OPENBLAS_LIBRARY, error);
  if (library == nullptr) return nullptr;
  auto* const sgemm = Symbol<decltype(cblas_sgemm)>(library, "cblas_sgemm", error);
  auto* const set_threads =
      Symbol<decltype(openblas_set_num_threads)>(library, "openblas_set_num_threads", error);
  if (sgemm == nullptr || set_threads == nullptr) return nullptr;
  const Multiply multiply = [sgemm](const Product& p) {
    const auto m = static_cast<blasint>(p.rows);
    const auto n = static_cast<blasint>(p.columns);
    const auto k = static_cast<blasint>(p.depth);
    sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, m, n, k, 1.0F, p.input, k, p.weights, n, 0.0F,
          p.output, n);
    return true;
  };
  return std::make_unique<GemmPeer>("openblas", multiply, set_threads);
}
#else
std::unique_ptr<Implementation> MakeOpenBlasPeer(std::string& error) {
  error = "OpenBLAS was not there when this was configured (Debian: libopenblas-dev)";
  return nullptr;
}
#endif

#ifdef MASKPROOF_ONEDNN_LIBRARY
std::unique_ptr<Implementation> MakeOneDnnPeer(std::string& error) {
  void* const library = Load(MASKPROOF_ONEDNN_LIBRARY, error);
  if (library == nullptr) return nullptr;
  auto* const sgemm = Symbol<decltype(dnnl_sgemm)>(library, "dnnl_sgemm", error);
  // Of the OpenMP library that it was built with.
  auto* const set_threads = Symbol<void(int)>(library, "omp_set_num_threads", error);
  if (sgemm == nullptr || set_threads == nullptr) return nullptr;
  const Multiply multiply = [sgemm](const Product& p) {
    return sgemm('N', 'N', p.rows, p.columns, p.depth, 1.0F, p.input, p.depth, p.weights, p.columns,
                 0.0F, p.output, p.columns) == dnnl_success;
  };
  return std::make_unique<GemmPeer>("onednn", multiply, set_threads);
}
#else
std::unique_ptr<Implementation> MakeOneDnnPeer(std::string& error) {
  error = "oneDNN was not there when this was configured (Debian: libdnnl-dev)";
  return nullptr;
}
#endif

}  // namespace maskproof::bench
