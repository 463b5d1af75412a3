// Our kernels as contenders. What a caller does once per model belongs into their constructors.
#include <hwy/aligned_allocator.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "bench/contender.h"
#include "bench/ours_projection.h"
#include "maskproof/kernels/attention.h"
#include "maskproof/kernels/execution.h"
#include "maskproof/kernels/packed_attention_weights.h"
#include "maskproof/kernels/packed_qattention_weights.h"

namespace maskproof::bench {
namespace {

using kernels::TensorView;

TensorView<const float> Floats(const Tensor& tensor) {
  return {tensor.as<float>().data(), tensor.dims};
}

kernels::QuantizedView Bytes(const Tensor& tensor) {
  return {tensor.bytes.data(), tensor.dims, tensor.type == ElementType::kInt8};
}

class OurContender : public Contender {
 public:
  OurContender(const Problem& problem, int64_t target, int threads) : problem_(problem) {
    if (threads > 1) pool_ = kernels::MakeThreadPool(static_cast<size_t>(threads));
    execution_.target = target;
    execution_.parallel = pool_.get();
    size_ = static_cast<size_t>(ElementCount(problem.output_dims));
    output_ = hwy::AllocateAligned<float>(size_);
  }

  bool Run(std::string& error) final {
    const kernels::Status status = Call();
    if (status.ok()) return true;
    error = status.message();
    return false;
  }
  std::span<const float> output() const final { return {output_.get(), size_}; }

 protected:
  virtual kernels::Status Call() = 0;

  // Takes as much memory as the calls will need, as a runtime does once per model. `size` is
  // called with the execution and the bytes to set.
  template <typename Size>
  void TakeWorkspace(const Size& size) {
    size_t bytes = 0;
    // What fails here fails in Call, too, which reports it.
    if (!size(execution_, bytes).ok() || !workspace_.Allocate(static_cast<int64_t>(bytes))) return;
    execution_.workspace = workspace_.data();
    execution_.workspace_size = bytes;
  }

  const Problem& problem() const { return problem_; }
  const kernels::Execution& execution() const { return execution_; }
  float* output_data() { return output_.get(); }
  std::optional<TensorView<const int32_t>> mask() const {
    if (!problem_.mask) return std::nullopt;
    return TensorView<const int32_t>{problem_.mask->as<int32_t>().data(), problem_.mask->dims};
  }

 private:
  const Problem& problem_;
  std::unique_ptr<kernels::ParallelFor> pool_;
  kernels::Execution execution_;
  kernels::AlignedBuffer workspace_;
  size_t size_ = 0;
  hwy::AlignedFreeUniquePtr<float[]> output_;
};

// What Attention and QAttention have in common.
class OurOperator : public OurContender {
 public:
  OurOperator(const Problem& problem, int64_t target, int threads)
      : OurContender(problem, target, threads) {
    attributes_.num_heads = problem.spec.shape.heads;
    attributes_.unidirectional = problem.spec.causal ? 1 : 0;
    if (problem.spec.fill) attributes_.mask_filter_value = *problem.spec.fill;
    outputs_.output = {output_data(), problem.output_dims};
    if (problem.present_dims) {
      present_.resize(static_cast<size_t>(ElementCount(*problem.present_dims)));
      outputs_.present.emplace(present_.data(), *problem.present_dims);
    }
  }

 protected:
  const kernels::AttentionAttributes& attributes() const { return attributes_; }
  const kernels::AttentionOutputs& outputs() const { return outputs_; }
  std::optional<TensorView<const float>> past() const {
    if (!problem().past) return std::nullopt;
    return Floats(*problem().past);
  }

 private:
  kernels::AttentionAttributes attributes_;
  kernels::AttentionOutputs outputs_;
  std::vector<float> present_;
};

class OurAttention final : public OurOperator {
 public:
  OurAttention(const Problem& problem, int64_t target, int threads)
      : OurOperator(problem, target, threads) {
    inputs_.input = Floats(problem.input);
    inputs_.weights = Floats(problem.weights);
    inputs_.bias = Floats(problem.bias);
    inputs_.mask_index = mask();
    inputs_.past = past();
    if (kernels::PackAttentionWeights(inputs_.weights, execution(), packed_).ok()) {
      inputs_.packed_weights = &packed_;
    }
    TakeWorkspace([this](const kernels::Execution& how, size_t& bytes) {
      return kernels::AttentionWorkspaceSize(attributes(), inputs_, outputs(), how, bytes);
    });
  }

 protected:
  kernels::Status Call() override {
    return kernels::Attention(attributes(), inputs_, outputs(), execution());
  }

 private:
  kernels::PackedAttentionWeights packed_;
  kernels::AttentionInputs inputs_;
};

class OurQAttention final : public OurOperator {
 public:
  OurQAttention(const Problem& problem, int64_t target, int threads)
      : OurOperator(problem, target, threads) {
    inputs_.input = Bytes(problem.input);
    inputs_.weights = Bytes(problem.weights);
    inputs_.bias = Floats(problem.bias);
    inputs_.input_scale = Floats(problem.input_scale);
    inputs_.weight_scale = Floats(problem.weight_scale);
    inputs_.mask_index = mask();
    inputs_.input_zero_point = Bytes(problem.input_zero_point);
    inputs_.weight_zero_point = Bytes(problem.weight_zero_point);
    inputs_.past = past();
    if (kernels::PackQAttentionWeights(inputs_.weights, inputs_.weight_zero_point, execution(),
                                       packed_)
            .ok()) {
      inputs_.packed_weights = &packed_;
    }
    TakeWorkspace([this](const kernels::Execution& how, size_t& bytes) {
      return kernels::QAttentionWorkspaceSize(attributes(), inputs_, outputs(), how, bytes);
    });
  }

 protected:
  kernels::Status Call() override {
    return kernels::QAttention(attributes(), inputs_, outputs(), execution());
  }

 private:
  kernels::PackedQAttentionWeights packed_;
  kernels::QAttentionInputs inputs_;
};

// A (B,rows,N,H) tensor, or a (B,N,rows,H) one.
template <typename T>
kernels::StridedTensor<T> Strided(T* data, int64_t rows, const Shape& shape, bool head_major) {
  const int64_t h = shape.head_size;
  return {.data = data,
          .batch_stride = shape.heads * rows * h,
          .head_stride = head_major ? rows * h : h,
          .row_stride = head_major ? h : shape.heads * h};
}

class OurCore final : public OurContender {
 public:
  OurCore(const Problem& problem, int64_t target, int threads)
      : OurContender(problem, target, threads) {
    const Shape& shape = problem.spec.shape;
    const bool cached = shape.past() > 0;
    arguments_.shape = {.batch = shape.batch,
                        .heads = shape.heads,
                        .query_length = shape.queries,
                        .total_length = shape.keys,
                        .head_size = shape.head_size,
                        .value_head_size = shape.head_size};
    arguments_.query = Strided(problem.query.as<float>().data(), shape.queries, shape, false);
    arguments_.key = Strided(problem.key.as<float>().data(), shape.keys, shape, cached);
    arguments_.value = Strided(problem.value.as<float>().data(), shape.keys, shape, cached);
    arguments_.mask_index = mask();
    arguments_.causal = problem.spec.causal;
    arguments_.output = Strided(output_data(), shape.queries, shape, false);
    TakeWorkspace([this](const kernels::Execution& how, size_t& bytes) {
      return kernels::ScaledDotProductAttentionWorkspaceSize(arguments_, how, bytes);
    });
  }

 protected:
  kernels::Status Call() override {
    return kernels::ScaledDotProductAttention(arguments_, execution());
  }

 private:
  kernels::CoreArguments arguments_;
};

class OurProjection final : public OurContender {
 public:
  OurProjection(const Problem& problem, int64_t target, int threads)
      : OurContender(problem, target, threads), projection_(problem, execution(), output_data()) {}

 protected:
  kernels::Status Call() override { return projection_.Run(); }

 private:
  ProjectionCall projection_;
};

class Ours final : public Implementation {
 public:
  Ours(std::string name, int64_t target) : name_(std::move(name)), target_(target) {}

  const std::string& name() const override { return name_; }
  bool ours() const override { return true; }
  int64_t target() const override { return target_; }
  bool AppliesTo(Work /*work*/) const override { return true; }
  std::unique_ptr<Contender> Prepare(const Problem& problem, int threads,
                                     std::string& error) override {
    switch (problem.spec.work) {
      case Work::kAttention:
        return std::make_unique<OurAttention>(problem, target_, threads);
      case Work::kQAttention:
        return std::make_unique<OurQAttention>(problem, target_, threads);
      case Work::kCore:
        return std::make_unique<OurCore>(problem, target_, threads);
      case Work::kProjection:
        return std::make_unique<OurProjection>(problem, target_, threads);
    }
    error = "no such work";
    return nullptr;
  }

 private:
  std::string name_;
  int64_t target_;
};

}  // namespace

std::unique_ptr<Implementation> MakeOurs(const std::string& target_name) {
  if (target_name.empty()) {
    return std::make_unique<Ours>("kernels", kernels::SupportedTargets().front().id);
  }
  for (const kernels::Target& target : kernels::SupportedTargets()) {
    if (target.name == target_name) {
      return std::make_unique<Ours>("kernels:" + target_name, target.id);
    }
  }
  return nullptr;
}

}  // namespace maskproof::bench
