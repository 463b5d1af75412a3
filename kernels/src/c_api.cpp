// The C functions: arguments over into C++ and statuses back.
#include "maskproof/kernels/c_api.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "maskproof/kernels/attention.h"
#include "maskproof/kernels/packed_qattention_weights.h"
#include "message.h"

struct maskproof_thread_pool {
  std::unique_ptr<maskproof::kernels::ParallelFor> pool;
};

struct maskproof_packed_qweights {
  maskproof::kernels::PackedQAttentionWeights weights;
};

struct maskproof_packed_weights {
  maskproof::kernels::PackedAttentionWeights weights;
};

namespace maskproof::kernels {
namespace {

static_assert(MASKPROOF_OK == static_cast<int>(StatusCode::kOk));
static_assert(MASKPROOF_INVALID_ARGUMENT == static_cast<int>(StatusCode::kInvalidArgument));
static_assert(MASKPROOF_NOT_SUPPORTED == static_cast<int>(StatusCode::kNotSupported));
static_assert(MASKPROOF_OUT_OF_MEMORY == static_cast<int>(StatusCode::kOutOfMemory));

// The caller may have put any number there, and C++ knows no enum with such a value.
int TypeOf(const maskproof_tensor& tensor) {
  static_assert(sizeof(tensor.type) == sizeof(int));
  int type = 0;
  std::memcpy(&type, &tensor.type, sizeof type);
  return type;
}

const char* TypeName(int type) {
  switch (type) {
    case MASKPROOF_FLOAT32:
      return "float32";
    case MASKPROOF_INT32:
      return "int32";
    case MASKPROOF_INT8:
      return "int8";
    case MASKPROOF_UINT8:
      return "uint8";
    default:
      return "no known type";
  }
}

// A caller's threads behind the C++ interface.
class CallerThreads final : public ParallelFor {
 public:
  explicit CallerThreads(const maskproof_parallel_for& parallel) : parallel_(parallel) {}
  size_t Concurrency() const override { return std::max<size_t>(parallel_.concurrency, 1); }
  void Run(size_t count, Task task, void* context) override {
    parallel_.run(parallel_.state, count, task, context);
  }

 private:
  const maskproof_parallel_for& parallel_;
};

// Where the message of a failed call goes.
struct Answer {
  char* message;
  size_t size;

  maskproof_code Give(const Status& status) const {
    if (message != nullptr && size > 0) {
      const size_t length = std::min(size - 1, status.message().size());
      std::memcpy(message, status.message().data(), length);
      message[length] = '\0';
    }
    return static_cast<maskproof_code>(status.code());
  }
};

// Reads C arguments and remembers the first that is wrong.
class Reader {
 public:
  const Status& status() const { return status_; }

  // A struct of an earlier version would be shorter, and there is none.
  template <typename Struct>
  void ExpectStruct(const char* name, const Struct* given) {
    if (given == nullptr) {
      Refuse(Mismatch(name, "a struct", "a null pointer"));
    } else if (given->size < sizeof(Struct)) {
      Refuse(Mismatch(name, "size of at least " + std::to_string(sizeof(Struct)),
                      std::to_string(given->size)));
    }
  }

  template <typename T>
  TensorView<const T> Tensor(const char* name, const maskproof_tensor& tensor,
                             maskproof_type type) {
    if (TypeOf(tensor) != type) Refuse(Mismatch(name, TypeName(type), TypeName(TypeOf(tensor))));
    return {.data = static_cast<const T*>(tensor.data), .dims = Dims(name, tensor)};
  }

  template <typename T>
  std::optional<TensorView<const T>> Optional(const char* name, const maskproof_tensor* tensor,
                                              maskproof_type type) {
    if (tensor == nullptr) return {};
    return Tensor<T>(name, *tensor, type);
  }

  QuantizedView Quantized(const char* name, const maskproof_tensor& tensor) {
    const int type = TypeOf(tensor);
    if (type != MASKPROOF_INT8 && type != MASKPROOF_UINT8) {
      Refuse(Mismatch(name, "int8 or uint8", TypeName(type)));
    }
    return {.data = tensor.data, .dims = Dims(name, tensor), .is_signed = type == MASKPROOF_INT8};
  }

  std::optional<QuantizedView> OptionalQuantized(const char* name, const maskproof_tensor* tensor) {
    if (tensor == nullptr) return {};
    return Quantized(name, *tensor);
  }

  TensorView<float> Output(const char* name, const maskproof_output& output) {
    return {.data = output.data, .dims = Dims(name, output)};
  }

  AttentionOutputs Outputs(const maskproof_output& output, const maskproof_output* present) {
    AttentionOutputs outputs{.output = Output("output", output), .present = {}};
    if (present != nullptr) outputs.present = Output("present", *present);
    return outputs;
  }

  AttentionAttributes Attributes(const maskproof_attributes& given) {
    ExpectStruct("attributes", &given);
    AttentionAttributes attributes;
    attributes.num_heads = given.num_heads;
    attributes.unidirectional = given.unidirectional;
    if (given.qkv_hidden_sizes != nullptr)
      attributes.qkv_hidden_sizes = {given.qkv_hidden_sizes, 3};
    attributes.scale = given.scale;
    if (given.zero_fully_masked != 0) attributes.fully_masked = FullyMaskedPolicy::kZero;
    return attributes;
  }

 private:
  void Refuse(Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  template <typename Any>
  std::span<const int64_t> Dims(const char* name, const Any& tensor) {
    if (tensor.rank > 0 && tensor.dims == nullptr) {
      Refuse(Mismatch(name, "dims", "a null pointer"));
      return {};
    }
    return {tensor.dims, tensor.rank};
  }

  Status status_;
};

// Lets `body(reader, execution)` read its arguments and make the call.
template <typename Body>
maskproof_code Call(const maskproof_execution* given, const Answer& answer, const Body& body) try {
  Reader reader;
  Execution execution;
  std::optional<CallerThreads> threads;
  if (given != nullptr) {
    reader.ExpectStruct("execution", given);
    if (!reader.status().ok()) return answer.Give(reader.status());
    execution.target = given->target;
    execution.workspace = given->workspace;
    execution.workspace_size = given->workspace_size;
    if (given->pool != nullptr) execution.parallel = given->pool->pool.get();
    if (given->parallel != nullptr) {
      if (given->pool != nullptr || given->parallel->run == nullptr) {
        return answer.Give(Mismatch(
            "execution", "a pool, a parallel with a run function, or neither", "something else"));
      }
      execution.parallel = &threads.emplace(*given->parallel);
    }
  }
  return answer.Give(body(reader, execution));
} catch (const std::bad_alloc&) {
  return answer.Give(OutOfMemory());
}

// Reads the call and hands its arguments to `use(attributes, inputs, outputs)`.
template <typename Use>
Status WithAttention(Reader& reader, const maskproof_attention_call* call, const Use& use) {
  reader.ExpectStruct("call", call);
  if (!reader.status().ok()) return reader.status();
  const AttentionAttributes attributes = reader.Attributes(call->attributes);
  AttentionInputs inputs;
  inputs.input = reader.Tensor<float>("input", call->input, MASKPROOF_FLOAT32);
  inputs.weights = reader.Tensor<float>("weights", call->weights, MASKPROOF_FLOAT32);
  inputs.bias = reader.Optional<float>("bias", call->bias, MASKPROOF_FLOAT32);
  inputs.mask_index = reader.Optional<int32_t>("mask_index", call->mask_index, MASKPROOF_INT32);
  inputs.past = reader.Optional<float>("past", call->past, MASKPROOF_FLOAT32);
  inputs.attention_bias =
      reader.Optional<float>("attention_bias", call->attention_bias, MASKPROOF_FLOAT32);
  if (call->packed_weights != nullptr) inputs.packed_weights = &call->packed_weights->weights;
  const AttentionOutputs outputs = reader.Outputs(call->output, call->present);
  return reader.status().ok() ? use(attributes, inputs, outputs) : reader.status();
}

template <typename Use>
Status WithQAttention(Reader& reader, const maskproof_qattention_call* call, const Use& use) {
  reader.ExpectStruct("call", call);
  if (!reader.status().ok()) return reader.status();
  const AttentionAttributes attributes = reader.Attributes(call->attributes);
  QAttentionInputs inputs;
  inputs.input = reader.Quantized("input", call->input);
  inputs.weights = reader.Quantized("weights", call->weights);
  inputs.bias = reader.Tensor<float>("bias", call->bias, MASKPROOF_FLOAT32);
  inputs.input_scale = reader.Tensor<float>("input_scale", call->input_scale, MASKPROOF_FLOAT32);
  inputs.weight_scale = reader.Tensor<float>("weight_scale", call->weight_scale, MASKPROOF_FLOAT32);
  inputs.mask_index = reader.Optional<int32_t>("mask_index", call->mask_index, MASKPROOF_INT32);
  inputs.input_zero_point = reader.OptionalQuantized("input_zero_point", call->input_zero_point);
  inputs.weight_zero_point = reader.OptionalQuantized("weight_zero_point", call->weight_zero_point);
  inputs.past = reader.Optional<float>("past", call->past, MASKPROOF_FLOAT32);
  if (call->packed_weights != nullptr) inputs.packed_weights = &call->packed_weights->weights;
  const AttentionOutputs outputs = reader.Outputs(call->output, call->present);
  return reader.status().ok() ? use(attributes, inputs, outputs) : reader.status();
}

Status NoPlaceForBytes() { return Mismatch("bytes", "a pointer", "a null pointer"); }

StridedTensor<const float> Strided(const maskproof_strided& tensor) {
  return {.data = tensor.data,
          .batch_stride = tensor.batch_stride,
          .head_stride = tensor.head_stride,
          .row_stride = tensor.row_stride};
}

template <typename Use>
Status WithCore(Reader& reader, const maskproof_core_call* call, const Use& use) {
  reader.ExpectStruct("call", call);
  if (!reader.status().ok()) return reader.status();
  CoreArguments arguments;
  arguments.shape = {.batch = call->batch,
                     .heads = call->heads,
                     .query_length = call->query_length,
                     .total_length = call->total_length,
                     .head_size = call->head_size,
                     .value_head_size = call->value_head_size};
  arguments.query = Strided(call->query);
  arguments.key = Strided(call->key);
  arguments.value = Strided(call->value);
  arguments.mask_index = reader.Optional<int32_t>("mask_index", call->mask_index, MASKPROOF_INT32);
  arguments.attention_bias =
      reader.Optional<float>("attention_bias", call->attention_bias, MASKPROOF_FLOAT32);
  arguments.causal = call->causal != 0;
  arguments.scale = call->scale;
  if (call->zero_fully_masked != 0) arguments.fully_masked = FullyMaskedPolicy::kZero;
  arguments.output = {.data = call->output,
                      .batch_stride = call->output_batch_stride,
                      .head_stride = call->output_head_stride,
                      .row_stride = call->output_row_stride};
  return reader.status().ok() ? use(arguments) : reader.status();
}

}  // namespace
}  // namespace maskproof::kernels

using maskproof::kernels::Answer;
using maskproof::kernels::AttentionAttributes;
using maskproof::kernels::AttentionInputs;
using maskproof::kernels::AttentionOutputs;
using maskproof::kernels::CoreArguments;
using maskproof::kernels::Execution;
using maskproof::kernels::NoPlaceForBytes;
using maskproof::kernels::QAttentionInputs;
using maskproof::kernels::Reader;
using maskproof::kernels::Status;
using maskproof::kernels::SupportedTargets;

extern "C" {

// The first call makes the list, for which there may be no memory.
size_t maskproof_target_count(void) try {
  return SupportedTargets().size();
} catch (const std::bad_alloc&) {
  return 0;
}

const char* maskproof_target_name(size_t index) try {
  // Highway's names are literals: they end in a zero.
  return index < SupportedTargets().size() ? SupportedTargets()[index].name.data() : nullptr;
} catch (const std::bad_alloc&) {
  return nullptr;
}

int64_t maskproof_target_id(size_t index) try {
  return index < SupportedTargets().size() ? SupportedTargets()[index].id : 0;
} catch (const std::bad_alloc&) {
  return 0;
}

maskproof_thread_pool* maskproof_thread_pool_create(size_t threads) {
  auto pool = maskproof::kernels::MakeThreadPool(threads);
  if (pool == nullptr) return nullptr;
  return new (std::nothrow) maskproof_thread_pool{std::move(pool)};
}

void maskproof_thread_pool_destroy(maskproof_thread_pool* pool) { delete pool; }

maskproof_code maskproof_pack_attention_weights(const maskproof_tensor* weights,
                                                const maskproof_execution* execution,
                                                maskproof_packed_weights** packed, char* message,
                                                size_t message_size) {
  return Call(execution, Answer{message, message_size}, [&](Reader& reader, const Execution& how) {
    if (weights == nullptr || packed == nullptr) {
      return maskproof::kernels::Mismatch(weights == nullptr ? "weights" : "packed", "a pointer",
                                          "a null pointer");
    }
    const auto view = reader.Tensor<float>("weights", *weights, MASKPROOF_FLOAT32);
    if (!reader.status().ok()) return reader.status();
    auto fresh = std::make_unique<maskproof_packed_weights>();
    Status status = maskproof::kernels::PackAttentionWeights(view, how, fresh->weights);
    if (status.ok()) *packed = fresh.release();
    return status;
  });
}

void maskproof_packed_weights_destroy(maskproof_packed_weights* packed) { delete packed; }

maskproof_code maskproof_pack_qattention_weights(const maskproof_tensor* weights,
                                                 const maskproof_tensor* weight_zero_point,
                                                 const maskproof_execution* execution,
                                                 maskproof_packed_qweights** packed, char* message,
                                                 size_t message_size) {
  return Call(execution, Answer{message, message_size}, [&](Reader& reader, const Execution& how) {
    if (weights == nullptr || packed == nullptr) {
      return maskproof::kernels::Mismatch(weights == nullptr ? "weights" : "packed", "a pointer",
                                          "a null pointer");
    }
    const auto view = reader.Quantized("weights", *weights);
    const auto zero_point = reader.OptionalQuantized("weight_zero_point", weight_zero_point);
    if (!reader.status().ok()) return reader.status();
    auto fresh = std::make_unique<maskproof_packed_qweights>();
    Status status =
        maskproof::kernels::PackQAttentionWeights(view, zero_point, how, fresh->weights);
    if (status.ok()) *packed = fresh.release();
    return status;
  });
}

void maskproof_packed_qweights_destroy(maskproof_packed_qweights* packed) { delete packed; }

maskproof_code maskproof_attention(const maskproof_attention_call* call,
                                   const maskproof_execution* execution, char* message,
                                   size_t message_size) {
  return Call(execution, Answer{message, message_size}, [&](Reader& reader, const Execution& how) {
    return WithAttention(reader, call,
                         [&](const AttentionAttributes& attributes, const AttentionInputs& inputs,
                             const AttentionOutputs& outputs) {
                           return maskproof::kernels::Attention(attributes, inputs, outputs, how);
                         });
  });
}

maskproof_code maskproof_attention_workspace_size(const maskproof_attention_call* call,
                                                  const maskproof_execution* execution,
                                                  size_t* bytes, char* message,
                                                  size_t message_size) {
  return Call(execution, Answer{message, message_size}, [&](Reader& reader, const Execution& how) {
    if (bytes == nullptr) return NoPlaceForBytes();
    return WithAttention(reader, call,
                         [&](const AttentionAttributes& attributes, const AttentionInputs& inputs,
                             const AttentionOutputs& outputs) {
                           return maskproof::kernels::AttentionWorkspaceSize(attributes, inputs,
                                                                             outputs, how, *bytes);
                         });
  });
}

maskproof_code maskproof_qattention(const maskproof_qattention_call* call,
                                    const maskproof_execution* execution, char* message,
                                    size_t message_size) {
  return Call(execution, Answer{message, message_size}, [&](Reader& reader, const Execution& how) {
    return WithQAttention(reader, call,
                          [&](const AttentionAttributes& attributes, const QAttentionInputs& inputs,
                              const AttentionOutputs& outputs) {
                            return maskproof::kernels::QAttention(attributes, inputs, outputs, how);
                          });
  });
}

maskproof_code maskproof_qattention_workspace_size(const maskproof_qattention_call* call,
                                                   const maskproof_execution* execution,
                                                   size_t* bytes, char* message,
                                                   size_t message_size) {
  return Call(execution, Answer{message, message_size}, [&](Reader& reader, const Execution& how) {
    if (bytes == nullptr) return NoPlaceForBytes();
    return WithQAttention(reader, call,
                          [&](const AttentionAttributes& attributes, const QAttentionInputs& inputs,
                              const AttentionOutputs& outputs) {
                            return maskproof::kernels::QAttentionWorkspaceSize(
                                attributes, inputs, outputs, how, *bytes);
                          });
  });
}

maskproof_code maskproof_core(const maskproof_core_call* call, const maskproof_execution* execution,
                              char* message, size_t message_size) {
  return Call(execution, Answer{message, message_size}, [&](Reader& reader, const Execution& how) {
    return WithCore(reader, call, [&](const CoreArguments& arguments) {
      return maskproof::kernels::ScaledDotProductAttention(arguments, how);
    });
  });
}

maskproof_code maskproof_core_workspace_size(const maskproof_core_call* call,
                                             const maskproof_execution* execution, size_t* bytes,
                                             char* message, size_t message_size) {
  return Call(execution, Answer{message, message_size}, [&](Reader& reader, const Execution& how) {
    if (bytes == nullptr) return NoPlaceForBytes();
    return WithCore(reader, call, [&](const CoreArguments& arguments) {
      return maskproof::kernels::ScaledDotProductAttentionWorkspaceSize(arguments, how, *bytes);
    });
  });
}

}  // extern "C"
