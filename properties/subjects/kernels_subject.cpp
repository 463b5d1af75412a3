// The library's own kernels as subjects. The API is typed, so a tensor of the wrong type, a missing
// one or one that the operator does not have is refused here; everything else is the kernels' call.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "maskproof/kernels/attention.h"
#include "maskproof/kernels/execution.h"
#include "maskproof/kernels/packed_attention_weights.h"
#include "maskproof/kernels/packed_qattention_weights.h"
#include "properties/subjects/kernels_c_api.h"
#include "properties/subjects/kernels_core.h"
#include "properties/subjects/kernels_packing.h"
#include "properties/subjects/kernels_ways.h"
#include "properties/subjects/lone_worker.h"
#include "properties/subjects/own_workspace.h"
#include "properties/subjects/placed_output.h"
#include "properties/subjects/subject.h"
#include "properties/subjects/without_data.h"

namespace maskproof {
namespace {

using kernels::TensorView;

enum class Role : uint8_t { kForeign, kOptional, kRequired };
enum class Kind : uint8_t { kFloat, kInt, kByte };
struct Slot {
  Role role = Role::kForeign;
  Kind kind = Kind::kFloat;
};

Slot SlotOf(Op op, TensorId id) {
  const bool quantized = op == Op::kQAttention;
  const bool core = op == Op::kCore;
  switch (id) {
    case TensorId::kInput:
    case TensorId::kWeights:
      return {core ? Role::kForeign : Role::kRequired, quantized ? Kind::kByte : Kind::kFloat};
    case TensorId::kBias:
      if (core) return {};
      return {quantized ? Role::kRequired : Role::kOptional, Kind::kFloat};
    case TensorId::kMaskIndex:
      return {Role::kOptional, Kind::kInt};
    case TensorId::kPast:
      return {core ? Role::kForeign : Role::kOptional, Kind::kFloat};
    case TensorId::kAttentionBias:
      return {quantized ? Role::kForeign : Role::kOptional, Kind::kFloat};
    case TensorId::kPastSequenceLength:
      return {op == Op::kAttention ? Role::kOptional : Role::kForeign, Kind::kInt};
    case TensorId::kInputScale:
    case TensorId::kWeightScale:
      return {quantized ? Role::kRequired : Role::kForeign, Kind::kFloat};
    case TensorId::kInputZeroPoint:
    case TensorId::kWeightZeroPoint:
      return {quantized ? Role::kOptional : Role::kForeign, Kind::kByte};
    case TensorId::kQuery:
    case TensorId::kKey:
    case TensorId::kValue:
      return {core ? Role::kRequired : Role::kForeign, Kind::kFloat};
  }
  return {};
}

bool HasKind(ElementType type, Kind kind) {
  switch (kind) {
    case Kind::kFloat:
      return type == ElementType::kFloat32;
    case Kind::kInt:
      return type == ElementType::kInt32;
    case Kind::kByte:
      return type == ElementType::kInt8 || type == ElementType::kUint8;
  }
  return false;
}

const char* KindName(Kind kind) {
  switch (kind) {
    case Kind::kFloat:
      return "float32";
    case Kind::kInt:
      return "int32";
    case Kind::kByte:
      return "int8 or uint8";
  }
  return "";
}

// Why the typed API cannot even be called; empty if it can.
std::string TypeFault(const Case& c) {
  for (size_t i = 0; i < kTensorCount; ++i) {
    const auto id = static_cast<TensorId>(i);
    const Slot slot = SlotOf(c.op, id);
    const auto fault = [id](const std::string& what) { return TensorName(id) + (": " + what); };
    if (!c.has(id)) {
      if (slot.role == Role::kRequired) return fault("required, but absent");
      continue;
    }
    if (slot.role == Role::kForeign) {
      return fault(std::string("is not an input of ") + OpName(c.op));
    }
    if (!HasKind(c[id]->type, slot.kind)) {
      return fault(std::string("expected ") + KindName(slot.kind) + ", got " +
                   ElementTypeName(c[id]->type));
    }
    // A view cannot say how much memory is behind it.
    if (ElementCount(c[id]->dims) != c[id]->size()) {
      return fault("has not as many elements as its dims say");
    }
  }
  return {};
}

template <typename T>
TensorView<const T> View(const BoundTensor& tensor) {
  return {static_cast<const T*>(tensor.data), tensor.tensor->dims};
}

template <typename T>
std::optional<TensorView<const T>> OptionalView(const BoundTensor& tensor) {
  if (tensor.tensor == nullptr) return std::nullopt;
  return View<T>(tensor);
}

kernels::QuantizedView ByteView(const BoundTensor& tensor) {
  return {tensor.data, tensor.tensor->dims, tensor.tensor->type == ElementType::kInt8};
}

std::optional<kernels::QuantizedView> OptionalByteView(const BoundTensor& tensor) {
  if (tensor.tensor == nullptr) return std::nullopt;
  return ByteView(tensor);
}

kernels::AttentionAttributes AttributesOf(const Attributes& a,
                                          kernels::FullyMaskedPolicy fully_masked) {
  kernels::AttentionAttributes attributes;
  attributes.num_heads = a.num_heads;
  attributes.unidirectional = a.unidirectional;
  if (a.qkv_hidden_sizes) attributes.qkv_hidden_sizes = *a.qkv_hidden_sizes;
  if (a.mask_filter_value) attributes.mask_filter_value = *a.mask_filter_value;
  if (a.scale) attributes.scale = *a.scale;
  if (a.past_present_share_buffer) {
    attributes.past_present_share_buffer = *a.past_present_share_buffer;
  }
  if (a.do_rotary) attributes.do_rotary = *a.do_rotary;
  attributes.fully_masked = fully_masked;
  return attributes;
}

kernels::AttentionOutputs OutputsOf(const BoundCase& bound) {
  kernels::AttentionOutputs outputs;
  outputs.output = {bound.output, bound.output_dims};
  if (bound.present != nullptr) outputs.present.emplace(bound.present, bound.present_dims);
  return outputs;
}

bool AreUnwritten(const kernels::AttentionOutputs& outputs) {
  const auto unwritten = [](const TensorView<float>& tensor) {
    return IsUnwritten(tensor.data, ElementCount(tensor.dims));
  };
  return unwritten(outputs.output) && (!outputs.present || unwritten(*outputs.present));
}

kernels::Status RunAttention(const BoundCase& bound, KernelsWay way, OwnWorkspace& workspace,
                             kernels::FullyMaskedPolicy fully_masked,
                             const kernels::Execution& execution) {
  kernels::AttentionInputs inputs;
  inputs.input = View<float>(bound[TensorId::kInput]);
  inputs.weights = View<float>(bound[TensorId::kWeights]);
  inputs.bias = OptionalView<float>(bound[TensorId::kBias]);
  inputs.mask_index = OptionalView<int32_t>(bound[TensorId::kMaskIndex]);
  inputs.past = OptionalView<float>(bound[TensorId::kPast]);
  inputs.attention_bias = OptionalView<float>(bound[TensorId::kAttentionBias]);
  inputs.past_sequence_length = OptionalView<int32_t>(bound[TensorId::kPastSequenceLength]);
  const kernels::AttentionAttributes attributes = AttributesOf(bound.c->attributes, fully_masked);
  const kernels::AttentionOutputs outputs = OutputsOf(bound);
  if (way.in_c && FitsCApi(attributes) && !inputs.past_sequence_length) {
    return AttentionInC(attributes, inputs, outputs, way, workspace, execution);
  }
  kernels::PackedAttentionWeights packed;
  kernels::Status packing;
  if (way.packed_weights) {
    packing = PackFloat(inputs.weights, way, execution, packed);
  }
  const UnreadWeights unread(inputs.weights.dims, sizeof(float), way);
  if (way.packed_weights && packing.ok()) {
    inputs.packed_weights = &packed;
    inputs.weights.data = unread.floats();
  }
  const kernels::Status call = CallWith(
      workspace, way, execution,
      [&](const kernels::Execution& e, size_t& bytes) {
        return way.asks_without_data
                   ? AttentionWorkspaceSize(attributes, WithoutData(inputs), WithoutData(outputs),
                                            e, bytes)
                   : AttentionWorkspaceSize(attributes, inputs, outputs, e, bytes);
      },
      [&](const kernels::Execution& e) {
        return kernels::Attention(attributes, inputs, outputs, e);
      },
      [&] { return AreUnwritten(outputs); });
  return AfterPacking(packing, call);
}

kernels::Status RunQAttention(const BoundCase& bound, KernelsWay way, OwnWorkspace& workspace,
                              kernels::FullyMaskedPolicy fully_masked,
                              const kernels::Execution& execution) {
  kernels::QAttentionInputs inputs;
  inputs.input = ByteView(bound[TensorId::kInput]);
  inputs.weights = ByteView(bound[TensorId::kWeights]);
  inputs.bias = View<float>(bound[TensorId::kBias]);
  inputs.input_scale = View<float>(bound[TensorId::kInputScale]);
  inputs.weight_scale = View<float>(bound[TensorId::kWeightScale]);
  inputs.mask_index = OptionalView<int32_t>(bound[TensorId::kMaskIndex]);
  inputs.input_zero_point = OptionalByteView(bound[TensorId::kInputZeroPoint]);
  inputs.weight_zero_point = OptionalByteView(bound[TensorId::kWeightZeroPoint]);
  inputs.past = OptionalView<float>(bound[TensorId::kPast]);
  const kernels::AttentionAttributes attributes = AttributesOf(bound.c->attributes, fully_masked);
  const kernels::AttentionOutputs outputs = OutputsOf(bound);
  if (way.in_c && FitsCApi(attributes)) {
    return QAttentionInC(attributes, inputs, outputs, way, workspace, execution);
  }
  kernels::PackedQAttentionWeights packed;
  // Packed weights keep the zero point of every column, and without a row there may be 2^40
  // columns.
  const bool pack = way.packed_weights && ElementCount(inputs.weights.dims) > 0;
  kernels::Status packing;
  if (pack) {
    packing = PackQuantized(inputs.weights, inputs.weight_zero_point, way, execution, packed);
  }
  const UnreadWeights unread(inputs.weights.dims, 1, way);
  if (pack && packing.ok()) {
    inputs.packed_weights = &packed;
    inputs.weights.data = unread.data();
  }
  const kernels::Status call = CallWith(
      workspace, way, execution,
      [&](const kernels::Execution& e, size_t& bytes) {
        return way.asks_without_data
                   ? QAttentionWorkspaceSize(attributes, WithoutData(inputs), WithoutData(outputs),
                                             e, bytes)
                   : QAttentionWorkspaceSize(attributes, inputs, outputs, e, bytes);
      },
      [&](const kernels::Execution& e) {
        return kernels::QAttention(attributes, inputs, outputs, e);
      },
      [&] { return AreUnwritten(outputs); });
  return AfterPacking(packing, call);
}

// docs/operators.md, "Numerics": chains over the depth, in order, begun by the bias; the scale on
// the finished score; e^x within 1 ulp; tiles of 512 keys; no denormal is flushed.
// docs/operators.md. The target whose core multiplies parts of numbers.
bool SplitsProducts(std::string_view target) { return target == "AMX_BF16"; }

NumericsProfile DocumentedProfile(std::string_view target) {
  return {.sum_lanes = 1,
          .exp_ulp = 1.0,
          .online_block = 512,
          .flush_to_zero = SplitsProducts(target),
          .product_first = true,
          .natural_exp = true,
          .split_products = SplitsProducts(target)};
}

class KernelsSubject final : public InProcessSubject {
 public:
  KernelsSubject(const kernels::Target& simd_target, int threads, FullyMasked fully_masked)
      : target_(simd_target.name), target_id_(simd_target.id), threads_(threads) {
    name_ = "kernels:" + target_;
    if (threads > 1) name_ += ",threads=" + std::to_string(threads);
    if (fully_masked == FullyMasked::kZero) name_ += ",fully_masked=zero";
    promises_.fully_masked = fully_masked;
    promises_.reproducible_rows = true;
    promises_.several_ways = SplitsProducts(target_);
    promises_.deterministic = true;
    promises_.reentrant = true;
    promises_.names_faults = true;
    promises_.one_nan = true;
    promises_.no_negative_zero = true;
    promises_.profile = DocumentedProfile(target_);
  }

  const std::string& name() const override { return name_; }
  const std::string& target() const override { return target_; }
  const Promises& promises() const override { return promises_; }
  bool Supports(const Case& /*c*/) const override { return true; }

 protected:
  OutcomeKind Invoke(const BoundCase& bound, std::string& message) override {
    message = TypeFault(*bound.c);
    if (!message.empty()) return OutcomeKind::kRefused;
    const KernelsWay way = WayOf(*bound.c);
    kernels::Execution execution;
    execution.target = target_id_;
    if (way.asks_for_best && IsBest()) execution.target = 0;
    // A number of threads that was asked for is taken.
    const int asked = bound.threads;
    std::optional<LoneWorker> alone;
    if (way.workers > 0 && asked != 1) {
      alone.emplace(asked > 1 ? static_cast<size_t>(asked) : way.workers, way);
    }
    execution.parallel = alone ? &*alone : PoolFor(asked > 0 ? asked : threads_);
    const kernels::Status status = RunOp(bound, way, execution);
    if (status.ok()) return OutcomeKind::kOutput;
    message = status.message();
    return OutcomeKind::kRefused;
  }

 private:
  bool IsBest() const { return target_id_ == kernels::SupportedTargets().front().id; }

  kernels::Status RunOp(const BoundCase& bound, KernelsWay way,
                        const kernels::Execution& execution) const {
    // Of this thread: others may be at work with theirs.
    thread_local OwnWorkspace workspace;
    kernels::Status status = RunOp(bound, way, workspace, execution);
    const std::optional<int64_t> written = workspace.TakeBack();
    if (!written) return status;
    const std::string what =
        "workspace: byte outside of the lent memory written at offset " + std::to_string(*written);
    if (bound.report == nullptr) return {kernels::StatusCode::kInvalidArgument, what};
    bound.report->wrote_outside = true;
    bound.report->detail = what;
    return status;
  }

  kernels::Status RunOp(const BoundCase& bound, KernelsWay way, OwnWorkspace& workspace,
                        const kernels::Execution& execution) const {
    const auto policy = promises_.fully_masked == FullyMasked::kZero
                            ? kernels::FullyMaskedPolicy::kZero
                            : kernels::FullyMaskedPolicy::kUniform;
    switch (bound.c->op) {
      case Op::kAttention:
        return RunAttention(bound, way, workspace, policy, execution);
      case Op::kQAttention:
        return RunQAttention(bound, way, workspace, policy, execution);
      case Op::kCore:
        return RunKernelsCore(bound, way, workspace, policy, execution);
    }
    return {kernels::StatusCode::kNotSupported, "no such operator"};
  }

  // Pools are kept: making threads costs far more than a small case.
  kernels::ParallelFor* PoolFor(int threads) {
    if (threads <= 1) return nullptr;
    const std::lock_guard lock(pools_mutex_);
    for (const auto& [count, pool] : pools_) {
      if (count == threads) return pool.get();
    }
    pools_.emplace_back(threads, kernels::MakeThreadPool(static_cast<size_t>(threads)));
    return pools_.back().second.get();
  }

  std::string name_;
  std::string target_;
  int64_t target_id_;
  int threads_;
  Promises promises_;
  std::mutex pools_mutex_;
  std::vector<std::pair<int, std::unique_ptr<kernels::ParallelFor>>> pools_;
};

// Enough to divide rows unevenly, few enough for a small machine.
constexpr int kSeveralThreads = 3;

}  // namespace

std::unique_ptr<Subject> MakeKernelsSubject(const std::string& target_name, int threads,
                                            FullyMasked fully_masked) {
  for (const kernels::Target& target : kernels::SupportedTargets()) {
    if (target.name != target_name) continue;
    return std::make_unique<KernelsSubject>(target, threads, fully_masked);
  }
  return nullptr;
}

std::vector<std::unique_ptr<Subject>> AllKernelsSubjects() {
  std::vector<std::unique_ptr<Subject>> subjects;
  for (const kernels::Target& target : kernels::SupportedTargets()) {
    subjects.push_back(std::make_unique<KernelsSubject>(target, 1, FullyMasked::kUniform));
  }
  subjects.push_back(std::make_unique<KernelsSubject>(kernels::SupportedTargets().front(),
                                                      kSeveralThreads, FullyMasked::kUniform));
  return subjects;
}

}  // namespace maskproof
