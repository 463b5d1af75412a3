#include "properties/subjects/kernels_c_api.h"

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "maskproof/kernels/c_api.h"
#include "properties/case/tensor.h"
#include "properties/subjects/kernels_packing.h"

namespace maskproof {
namespace {

using kernels::Status;

// ---- arguments
// -------------------------------------------------------------------------------------

maskproof_tensor InC(const kernels::TensorView<const float>& view) {
  return {view.data, view.dims.data(), view.dims.size(), MASKPROOF_FLOAT32};
}

maskproof_tensor InC(const kernels::TensorView<const int32_t>& view) {
  return {view.data, view.dims.data(), view.dims.size(), MASKPROOF_INT32};
}

maskproof_tensor InC(const kernels::QuantizedView& view) {
  return {view.data, view.dims.data(), view.dims.size(),
          view.is_signed ? MASKPROOF_INT8 : MASKPROOF_UINT8};
}

// Keeps what an optional argument points to.
class Optional {
 public:
  template <typename View>
  explicit Optional(const std::optional<View>& view) {
    if (view) tensor_ = InC(*view);
  }
  const maskproof_tensor* get() const { return tensor_ ? &*tensor_ : nullptr; }

 private:
  std::optional<maskproof_tensor> tensor_;
};

maskproof_output OutputOf(const kernels::TensorView<float>& view) {
  return {view.data, view.dims.data(), view.dims.size()};
}

maskproof_strided Strided(const kernels::StridedTensor<const float>& tensor) {
  return {tensor.data, tensor.batch_stride, tensor.head_stride, tensor.row_stride};
}

maskproof_attributes AttributesOf(const kernels::AttentionAttributes& a) {
  return {.size = sizeof(maskproof_attributes),
          .num_heads = a.num_heads,
          .unidirectional = a.unidirectional,
          .qkv_hidden_sizes = a.qkv_hidden_sizes.empty() ? nullptr : a.qkv_hidden_sizes.data(),
          .scale = a.scale,
          .zero_fully_masked = a.fully_masked == kernels::FullyMaskedPolicy::kZero ? 1 : 0};
}

// ---- how to run
// ------------------------------------------------------------------------------------

void RunTasks(void* state, size_t count, void (*task)(void* context, size_t index), void* context) {
  static_cast<kernels::ParallelFor*>(state)->Run(count, task, context);
}

class ExecutionInC {
 public:
  explicit ExecutionInC(const kernels::Execution& execution) {
    c_.target = execution.target;
    c_.workspace = execution.workspace;
    c_.workspace_size = execution.workspace_size;
    if (execution.parallel == nullptr) return;
    parallel_ = {execution.parallel, execution.parallel->Concurrency(), RunTasks};
    c_.parallel = &parallel_;
  }
  ExecutionInC(const ExecutionInC&) = delete;
  ExecutionInC& operator=(const ExecutionInC&) = delete;

  const maskproof_execution* get() const { return &c_; }

 private:
  maskproof_parallel_for parallel_{};
  maskproof_execution c_{.size = sizeof(maskproof_execution),
                         .target = 0,
                         .pool = nullptr,
                         .parallel = nullptr,
                         .workspace = nullptr,
                         .workspace_size = 0};
};

// Calls function(message, message_size) and makes a Status of its answer.
template <typename Function>
Status StatusOf(const Function& function) {
  std::array<char, 512> message{};
  const maskproof_code code = function(message.data(), message.size());
  if (code == MASKPROOF_OK) return {};
  return {static_cast<kernels::StatusCode>(code), message.data()};
}

// Lends the execution what `size_of(C execution, bytes, message, message_size)` asks for.
template <typename SizeOf>
Status Lend(OwnWorkspace& workspace, kernels::Execution& execution, size_t spare,
            const SizeOf& size_of) {
  return workspace.Lend(execution, spare, [&](const kernels::Execution& e, size_t& bytes) {
    const ExecutionInC c(e);
    return StatusOf(
        [&](char* message, size_t size) { return size_of(c.get(), &bytes, message, size); });
  });
}

// Packed weights, whichever they are, until they are no longer needed.
template <typename Packed>
using Owned = std::unique_ptr<Packed, void (*)(Packed*)>;

}  // namespace

bool FitsCApi(const kernels::AttentionAttributes& a) {
  return (a.qkv_hidden_sizes.empty() || a.qkv_hidden_sizes.size() == 3) &&
         !std::isnan(a.mask_filter_value) && a.past_present_share_buffer == 0 && a.do_rotary == 0;
}

Status AttentionInC(const kernels::AttentionAttributes& attributes,
                    const kernels::AttentionInputs& inputs,
                    const kernels::AttentionOutputs& outputs, KernelsWay way,
                    OwnWorkspace& workspace, const kernels::Execution& execution) {
  kernels::Execution lent = execution;
  const kernels::Execution for_packing =
      way.packs_by_other_name ? ByOtherName(execution) : execution;
  const UnreadWeights unread(inputs.weights.dims, sizeof(float), way);
  const Optional bias(inputs.bias);
  const Optional mask(inputs.mask_index);
  const Optional past(inputs.past);
  const Optional attention_bias(inputs.attention_bias);
  const maskproof_output present =
      outputs.present ? OutputOf(*outputs.present) : maskproof_output{};
  maskproof_attention_call call{.size = sizeof(maskproof_attention_call),
                                .attributes = AttributesOf(attributes),
                                .input = InC(inputs.input),
                                .weights = InC(inputs.weights),
                                .packed_weights = nullptr,
                                .bias = bias.get(),
                                .mask_index = mask.get(),
                                .past = past.get(),
                                .attention_bias = attention_bias.get(),
                                .output = OutputOf(outputs.output),
                                .present = outputs.present ? &present : nullptr};
  Owned<maskproof_packed_weights> packed(nullptr, maskproof_packed_weights_destroy);
  Status packing;
  if (way.packed_weights) {
    maskproof_packed_weights* made = nullptr;
    packing = StatusOf([&](char* message, size_t size) {
      return maskproof_pack_attention_weights(&call.weights, ExecutionInC(for_packing).get(), &made,
                                              message, size);
    });
    if (packing.ok()) {
      packed.reset(made);
      call.packed_weights = made;
      call.weights.data = unread.data();
    }
  }
  if (way.own_workspace) {
    const Status status =
        Lend(workspace, lent, way.spare_workspace,
             [&](const auto* e, size_t* bytes, char* message, size_t size) {
               return maskproof_attention_workspace_size(&call, e, bytes, message, size);
             });
    if (!status.ok()) return status;
  }
  const ExecutionInC c(lent);
  return AfterPacking(packing, StatusOf([&](char* message, size_t size) {
                        return maskproof_attention(&call, c.get(), message, size);
                      }));
}

Status QAttentionInC(const kernels::AttentionAttributes& attributes,
                     const kernels::QAttentionInputs& inputs,
                     const kernels::AttentionOutputs& outputs, KernelsWay way,
                     OwnWorkspace& workspace, const kernels::Execution& execution) {
  kernels::Execution lent = execution;
  const kernels::Execution for_packing =
      way.packs_by_other_name ? ByOtherName(execution) : execution;
  const UnreadWeights unread(inputs.weights.dims, 1, way);
  const Optional mask(inputs.mask_index);
  const Optional input_zero_point(inputs.input_zero_point);
  const Optional weight_zero_point(inputs.weight_zero_point);
  const Optional past(inputs.past);
  const maskproof_output present =
      outputs.present ? OutputOf(*outputs.present) : maskproof_output{};
  maskproof_qattention_call call{.size = sizeof(maskproof_qattention_call),
                                 .attributes = AttributesOf(attributes),
                                 .input = InC(inputs.input),
                                 .weights = InC(inputs.weights),
                                 .packed_weights = nullptr,
                                 .bias = InC(inputs.bias),
                                 .input_scale = InC(inputs.input_scale),
                                 .weight_scale = InC(inputs.weight_scale),
                                 .mask_index = mask.get(),
                                 .input_zero_point = input_zero_point.get(),
                                 .weight_zero_point = weight_zero_point.get(),
                                 .past = past.get(),
                                 .output = OutputOf(outputs.output),
                                 .present = outputs.present ? &present : nullptr};
  Owned<maskproof_packed_qweights> packed(nullptr, maskproof_packed_qweights_destroy);
  Status packing;
  // Packed weights keep the zero point of every column, and without a row there may be 2^40
  // columns.
  if (way.packed_weights && ElementCount(inputs.weights.dims) > 0) {
    maskproof_packed_qweights* made = nullptr;
    packing = StatusOf([&](char* message, size_t size) {
      return maskproof_pack_qattention_weights(&call.weights, weight_zero_point.get(),
                                               ExecutionInC(for_packing).get(), &made, message,
                                               size);
    });
    if (packing.ok()) {
      packed.reset(made);
      call.packed_weights = made;
      call.weights.data = unread.data();
    }
  }
  if (way.own_workspace) {
    const Status status =
        Lend(workspace, lent, way.spare_workspace,
             [&](const auto* e, size_t* bytes, char* message, size_t size) {
               return maskproof_qattention_workspace_size(&call, e, bytes, message, size);
             });
    if (!status.ok()) return status;
  }
  const ExecutionInC c(lent);
  return AfterPacking(packing, StatusOf([&](char* message, size_t size) {
                        return maskproof_qattention(&call, c.get(), message, size);
                      }));
}

Status CoreInC(const kernels::CoreArguments& arguments, const KernelsWay& way,
               OwnWorkspace& workspace, const kernels::Execution& execution) {
  kernels::Execution lent = execution;
  const Optional mask(arguments.mask_index);
  const Optional bias(arguments.attention_bias);
  const auto& shape = arguments.shape;
  const bool zero = arguments.fully_masked == kernels::FullyMaskedPolicy::kZero;
  const maskproof_core_call call{.size = sizeof(maskproof_core_call),
                                 .batch = shape.batch,
                                 .heads = shape.heads,
                                 .query_length = shape.query_length,
                                 .total_length = shape.total_length,
                                 .head_size = shape.head_size,
                                 .value_head_size = shape.value_head_size,
                                 .query = Strided(arguments.query),
                                 .key = Strided(arguments.key),
                                 .value = Strided(arguments.value),
                                 .mask_index = mask.get(),
                                 .attention_bias = bias.get(),
                                 .causal = arguments.causal ? 1 : 0,
                                 .scale = arguments.scale,
                                 .zero_fully_masked = zero ? 1 : 0,
                                 .output = arguments.output.data,
                                 .output_batch_stride = arguments.output.batch_stride,
                                 .output_head_stride = arguments.output.head_stride,
                                 .output_row_stride = arguments.output.row_stride};
  if (way.own_workspace) {
    const Status status =
        Lend(workspace, lent, way.spare_workspace,
             [&](const auto* e, size_t* bytes, char* message, size_t size) {
               return maskproof_core_workspace_size(&call, e, bytes, message, size);
             });
    if (!status.ok()) return status;
  }
  const ExecutionInC c(lent);
  return StatusOf(
      [&](char* message, size_t size) { return maskproof_core(&call, c.get(), message, size); });
}

}  // namespace maskproof
