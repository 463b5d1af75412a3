// Calls of the C interface that cannot be meant. Whatever the sizes and whatever else the call
// holds, a null pointer, a wrong size, type or target is refused under the name of the thing at
// fault, no byte of an output changes, and the message keeps to the room it was given.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "maskproof/kernels/c_api.h"

namespace maskproof {
namespace {

constexpr float kUntouched = -7.0F;
constexpr size_t kRoom = 512;
constexpr int64_t kNoTarget = 3;  // two bits, and no target has these

int64_t Between(int64_t low, int64_t high) { return *rc::gen::inRange<int64_t>(low, high + 1); }

struct FreeMemory {
  void operator()(void* memory) const { std::free(memory); }
};
using Workspace = std::unique_ptr<void, FreeMemory>;

// A valid call of every operator, over one set of tensors.
struct Calls {
  explicit Calls(bool with_past)
      : batch(Between(1, 3)),
        sequence(Between(1, 4)),
        past_length(with_past ? Between(0, 3) : 0),
        heads(Between(1, 3)),
        head_size(Between(1, 5)),
        width(Between(1, 6)) {
    const int64_t hidden = heads * head_size;
    const int64_t total = past_length + sequence;
    input = Float({batch, sequence, width});
    weights = Float({width, 3 * hidden});
    bias = Float({3 * hidden});
    past = Float({2, batch, heads, past_length, head_size});
    attention_bias = Float({1, 1, sequence, total});
    scale = Float({1});
    quantized_input = Bytes({batch, sequence, width});
    quantized_weights = Bytes({width, 3 * hidden});
    zero_point = Bytes({1});
    mask = Tensor(MASKPROOF_INT32, {batch, total}, sizeof(int32_t));
    output_dims = {batch, sequence, hidden};
    present_dims = {2, batch, heads, total, head_size};
    output.assign(static_cast<size_t>(batch * sequence * hidden), kUntouched);
    present.assign(static_cast<size_t>(2 * batch * heads * total * head_size), kUntouched);

    execution.size = sizeof(execution);
    const maskproof_attributes attributes{.size = sizeof(maskproof_attributes),
                                          .num_heads = heads,
                                          .unidirectional = Between(0, 1),
                                          .qkv_hidden_sizes = nullptr,
                                          .scale = 0.0F,
                                          .zero_fully_masked = 0};
    const maskproof_output out{output.data(), output_dims.data(), output_dims.size()};
    present_out = {present.data(), present_dims.data(), present_dims.size()};
    const maskproof_tensor* const the_past = with_past ? &past : nullptr;
    const maskproof_output* const the_present = with_past ? &present_out : nullptr;
    attention = {.size = sizeof(attention),
                 .attributes = attributes,
                 .input = input,
                 .weights = weights,
                 .packed_weights = nullptr,
                 .bias = &bias,
                 .mask_index = &mask,
                 .past = the_past,
                 .attention_bias = with_past ? nullptr : &attention_bias,
                 .output = out,
                 .present = the_present};
    qattention = {.size = sizeof(qattention),
                  .attributes = attributes,
                  .input = quantized_input,
                  .weights = quantized_weights,
                  .packed_weights = nullptr,
                  .bias = bias,
                  .input_scale = scale,
                  .weight_scale = scale,
                  .mask_index = &mask,
                  .input_zero_point = &zero_point,
                  .weight_zero_point = &zero_point,
                  .past = the_past,
                  .output = out,
                  .present = the_present};
    const float* const keys = attention_bias_data();
    core = {.size = sizeof(core),
            .batch = 1,
            .heads = 1,
            .query_length = sequence,
            .total_length = total,
            .head_size = 1,
            .value_head_size = 1,
            .query = {keys, total, total, 1},
            .key = {keys, total, total, 1},
            .value = {keys, total, total, 1},
            .mask_index = nullptr,
            .attention_bias = &attention_bias,
            .causal = 1,
            .scale = 0.0F,
            .zero_fully_masked = 0,
            .output = output.data(),
            .output_batch_stride = sequence,
            .output_head_stride = sequence,
            .output_row_stride = 1};
  }
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  bool Untouched() const {
    const auto same = [](float x) { return x == kUntouched; };
    return std::ranges::all_of(output, same) && std::ranges::all_of(present, same);
  }

  const float* attention_bias_data() const {
    return static_cast<const float*>(attention_bias.data);
  }

  int64_t batch, sequence, past_length, heads, head_size, width;
  std::vector<std::vector<std::byte>> memory;
  std::vector<std::unique_ptr<std::vector<int64_t>>> dims;
  maskproof_tensor input{}, weights{}, bias{}, past{}, attention_bias{}, scale{}, mask{};
  maskproof_tensor quantized_input{}, quantized_weights{}, zero_point{};
  std::vector<int64_t> output_dims, present_dims;
  std::vector<float> output, present;
  maskproof_output present_out{};
  maskproof_parallel_for parallel{};
  Workspace workspace;
  maskproof_execution execution{};
  maskproof_attention_call attention{};
  maskproof_qattention_call qattention{};
  maskproof_core_call core{};

 private:
  // Zeros, which every tensor here may hold.
  maskproof_tensor Tensor(maskproof_type type, std::vector<int64_t> shape, size_t element) {
    size_t count = 1;
    for (const int64_t dim : shape) count *= static_cast<size_t>(dim);
    memory.emplace_back(std::max<size_t>(count * element, 1));
    dims.push_back(std::make_unique<std::vector<int64_t>>(std::move(shape)));
    return {memory.back().data(), dims.back()->data(), dims.back()->size(), type};
  }
  maskproof_tensor Float(std::vector<int64_t> shape) {
    return Tensor(MASKPROOF_FLOAT32, std::move(shape), sizeof(float));
  }
  maskproof_tensor Bytes(std::vector<int64_t> shape) {
    return Tensor(MASKPROOF_UINT8, std::move(shape), 1);
  }
};

// What can be called.
enum class Function : uint8_t { kAttention, kQAttention, kCore };

struct Answer {
  maskproof_code code = MASKPROOF_OK;
  std::string message;
};

// Makes a call with a message of `size` bytes (0: none), and sees that nothing beyond is written.
Answer WithMessage(size_t size, const std::function<maskproof_code(char*, size_t)>& call) {
  std::array<char, kRoom + 1> room{};
  room.fill('#');
  Answer answer;
  // Room for no byte is none, whether there is an address or not.
  const bool nowhere = size == 0 && *rc::gen::arbitrary<bool>();
  answer.code = call(nowhere ? nullptr : room.data(), size);
  const bool written = size > 0;
  const auto end = std::find(room.cbegin(), room.cend(), '\0');
  RC_ASSERT(written == (end != room.cend()));
  if (!written) {
    RC_ASSERT(std::ranges::all_of(room, [](char c) { return c == '#'; }));
    return answer;
  }
  answer.message.assign(room.data());
  RC_ASSERT(answer.message.size() < size);
  RC_ASSERT(std::all_of(end + 1, room.cend(), [](char c) { return c == '#'; }));
  return answer;
}

maskproof_code Run(Function function, const Calls& calls, char* message, size_t size) {
  switch (function) {
    case Function::kAttention:
      return maskproof_attention(&calls.attention, &calls.execution, message, size);
    case Function::kQAttention:
      return maskproof_qattention(&calls.qattention, &calls.execution, message, size);
    case Function::kCore:
      return maskproof_core(&calls.core, &calls.execution, message, size);
  }
  return MASKPROOF_OK;
}

maskproof_code SizeOf(Function function, const Calls& calls, size_t* bytes, char* message,
                      size_t size) {
  switch (function) {
    case Function::kAttention:
      return maskproof_attention_workspace_size(&calls.attention, &calls.execution, bytes, message,
                                                size);
    case Function::kQAttention:
      return maskproof_qattention_workspace_size(&calls.qattention, &calls.execution, bytes,
                                                 message, size);
    case Function::kCore:
      return maskproof_core_workspace_size(&calls.core, &calls.execution, bytes, message, size);
  }
  return MASKPROOF_OK;
}

// One thing that is wrong: the name the message begins with, what else it says, and how.
struct Misuse {
  std::string name;
  std::string says;
  std::function<void(Calls&)> spoil;
  maskproof_code code = MASKPROOF_INVALID_ARGUMENT;
  bool size_too = true;  // asking for the workspace is refused as well
};

template <typename Struct>
void AddShortStruct(std::vector<Misuse>& misuses, const std::string& name, Struct Calls::* member) {
  const size_t size = *rc::gen::inRange<size_t>(0, sizeof(Struct));
  misuses.push_back({.name = name,
                     .says = "size of at least " + std::to_string(sizeof(Struct)) + ", got " +
                             std::to_string(size),
                     .spoil = [=](Calls& calls) { (calls.*member).size = size; }});
}

// A tensor that the call holds itself, or points to.
using TensorOf = std::function<maskproof_tensor*(Calls&)>;

void AddTensor(std::vector<Misuse>& misuses, const std::string& name, const TensorOf& tensor) {
  misuses.push_back({.name = name, .says = "null", .spoil = [=](Calls& calls) {
                       tensor(calls)->dims = nullptr;
                     }});
  misuses.push_back({.name = name,
                     .says = "null",
                     .spoil = [=](Calls& calls) { tensor(calls)->data = nullptr; },
                     .size_too = false});
  const bool floats = name == "mask_index";  // no other tensor here is of int32
  misuses.push_back({.name = name,
                     .says = floats ? "int32, got float32" : "got int32",
                     .spoil = [=](Calls& calls) {
                       tensor(calls)->type = floats ? MASKPROOF_FLOAT32 : MASKPROOF_INT32;
                     }});
}

// What the calls of both operators hold.
template <typename CallStruct>
void AddOperator(std::vector<Misuse>& misuses, CallStruct Calls::* call) {
  AddShortStruct(misuses, "call", call);
  misuses.push_back({.name = "attributes", .says = "size of at least", .spoil = [=](Calls& c) {
                       --(c.*call).attributes.size;
                     }});
  misuses.push_back({.name = "output", .says = "null", .spoil = [=](Calls& c) {
                       (c.*call).output.dims = nullptr;
                     }});
  AddTensor(misuses, "input", [=](Calls& c) { return &(c.*call).input; });
  AddTensor(misuses, "weights", [=](Calls& c) { return &(c.*call).weights; });
  AddTensor(misuses, "mask_index", [](Calls& c) { return &c.mask; });
}

std::vector<Misuse> ExecutionMisuses() {
  std::vector<Misuse> misuses;
  AddShortStruct(misuses, "execution", &Calls::execution);
  misuses.push_back({.name = "target",
                     .says = "SupportedTargets",
                     .spoil = [](Calls& calls) { calls.execution.target = kNoTarget; },
                     .code = MASKPROOF_NOT_SUPPORTED});
  misuses.push_back({.name = "execution", .says = "run function", .spoil = [](Calls& calls) {
                       calls.parallel = {};
                       calls.execution.parallel = &calls.parallel;
                     }});
  misuses.push_back({.name = "workspace",
                     .says = "64",
                     .spoil =
                         [](Calls& calls) {
                           constexpr size_t kBytes = 1 << 20;
                           calls.workspace.reset(std::aligned_alloc(64, kBytes));
                           calls.execution.workspace =
                               static_cast<std::byte*>(calls.workspace.get()) + 4;
                           calls.execution.workspace_size = kBytes - 4;
                         },
                     .size_too = false});
  return misuses;
}

std::vector<Misuse> MisusesOf(Function function, bool with_past) {
  std::vector<Misuse> misuses = ExecutionMisuses();
  if (with_past) {
    misuses.push_back({.name = "present", .says = "null", .spoil = [](Calls& calls) {
                         calls.present_out.dims = nullptr;
                       }});
    misuses.push_back({.name = "present",
                       .says = "null",
                       .spoil = [](Calls& calls) { calls.present_out.data = nullptr; },
                       .size_too = false});
    AddTensor(misuses, "past", [](Calls& calls) { return &calls.past; });
  }
  switch (function) {
    case Function::kAttention:
      AddOperator(misuses, &Calls::attention);
      AddTensor(misuses, "bias", [](Calls& c) { return &c.bias; });
      if (!with_past) {
        AddTensor(misuses, "attention_bias", [](Calls& c) { return &c.attention_bias; });
      }
      break;
    case Function::kQAttention:
      AddOperator(misuses, &Calls::qattention);
      AddTensor(misuses, "bias", [](Calls& c) { return &c.qattention.bias; });
      AddTensor(misuses, "input_scale", [](Calls& c) { return &c.qattention.input_scale; });
      AddTensor(misuses, "weight_scale", [](Calls& c) { return &c.qattention.weight_scale; });
      AddTensor(misuses, "input_zero_point", [](Calls& c) {
        c.qattention.weight_zero_point = nullptr;
        return &c.zero_point;
      });
      AddTensor(misuses, "weight_zero_point", [](Calls& c) {
        c.qattention.input_zero_point = nullptr;
        return &c.zero_point;
      });
      break;
    case Function::kCore:
      AddShortStruct(misuses, "call", &Calls::core);
      AddTensor(misuses, "attention_bias", [](Calls& c) { return &c.attention_bias; });
      break;
  }
  return misuses;
}

void RefusesMisuse(Function function) {
  const bool with_past = function != Function::kCore && *rc::gen::arbitrary<bool>();
  const std::vector<Misuse> misuses = MisusesOf(function, with_past);
  const Misuse& misuse =
      misuses[static_cast<size_t>(Between(0, static_cast<int64_t>(misuses.size()) - 1))];
  RC_LOG() << misuse.name << ": " << misuse.says;
  Calls calls(with_past);
  if (misuse.name == "past") RC_PRE(calls.past_length > 0);
  misuse.spoil(calls);

  const auto run = [&](char* message, size_t size) { return Run(function, calls, message, size); };
  const Answer whole = WithMessage(kRoom, run);
  RC_ASSERT(whole.code == misuse.code);
  RC_ASSERT(whole.message.starts_with(misuse.name + ": "));
  RC_ASSERT(whole.message.find(misuse.says) != std::string::npos);
  RC_ASSERT(calls.Untouched());

  const auto room = static_cast<size_t>(Between(0, static_cast<int64_t>(whole.message.size()) + 1));
  const Answer cut = WithMessage(room, run);
  RC_ASSERT(cut.code == misuse.code);
  RC_ASSERT(cut.message == whole.message.substr(0, room == 0 ? 0 : room - 1));

  size_t bytes = 123;
  const Answer size = WithMessage(
      kRoom, [&](char* message, size_t n) { return SizeOf(function, calls, &bytes, message, n); });
  RC_ASSERT(size.code == (misuse.size_too ? misuse.code : MASKPROOF_OK));
  if (misuse.size_too) {
    RC_ASSERT(size.message == whole.message);
    RC_ASSERT(bytes == 123U);
  }
}

RC_GTEST_PROP(CMisuse, AttentionIsRefused, ()) { RefusesMisuse(Function::kAttention); }
RC_GTEST_PROP(CMisuse, QAttentionIsRefused, ()) { RefusesMisuse(Function::kQAttention); }
RC_GTEST_PROP(CMisuse, CoreIsRefused, ()) { RefusesMisuse(Function::kCore); }

RC_GTEST_PROP(CMisuse, NullPointersAreRefusedByName, ()) {
  const auto function = static_cast<Function>(Between(0, 2));
  const Calls calls(false);
  const auto refused = [&](const char* name, const auto& call) {
    const Answer answer = WithMessage(kRoom, call);
    RC_ASSERT(answer.code == MASKPROOF_INVALID_ARGUMENT);
    RC_ASSERT(answer.message.starts_with(std::string(name) + ": expected a "));
    RC_ASSERT(answer.message.ends_with("got a null pointer"));
  };
  refused("bytes", [&](char* m, size_t n) { return SizeOf(function, calls, nullptr, m, n); });
  refused("call", [&](char* m, size_t n) {
    switch (function) {
      case Function::kAttention:
        return maskproof_attention(nullptr, &calls.execution, m, n);
      case Function::kQAttention:
        return maskproof_qattention(nullptr, &calls.execution, m, n);
      case Function::kCore:
        return maskproof_core(nullptr, &calls.execution, m, n);
    }
    return MASKPROOF_OK;
  });
  maskproof_packed_weights* packed = nullptr;
  maskproof_packed_qweights* qpacked = nullptr;
  refused("weights", [&](char* m, size_t n) {
    return maskproof_pack_attention_weights(nullptr, nullptr, &packed, m, n);
  });
  refused("packed", [&](char* m, size_t n) {
    return maskproof_pack_attention_weights(&calls.weights, nullptr, nullptr, m, n);
  });
  refused("weights", [&](char* m, size_t n) {
    return maskproof_pack_qattention_weights(nullptr, nullptr, nullptr, &qpacked, m, n);
  });
  refused("packed", [&](char* m, size_t n) {
    return maskproof_pack_qattention_weights(&calls.quantized_weights, nullptr, nullptr, nullptr, m,
                                             n);
  });
  RC_ASSERT(!packed && !qpacked);
}

// Weights that cannot be packed leave the caller's pointer alone, and packed ones fit one call
// only.
RC_GTEST_PROP(CMisuse, PackedWeightsMustBeThoseOfTheCall, ()) {
  Calls calls(false);
  Calls others(false);
  maskproof_execution how = calls.execution;
  const auto targets = static_cast<int64_t>(maskproof_target_count());
  how.target = maskproof_target_id(static_cast<size_t>(Between(0, targets - 1)));

  how.target = kNoTarget;
  maskproof_packed_weights* packed = nullptr;
  maskproof_packed_qweights* qpacked = nullptr;
  const auto pack = [&](char* m, size_t n) {
    return maskproof_pack_attention_weights(&others.weights, &how, &packed, m, n);
  };
  const auto qpack = [&](char* m, size_t n) {
    return maskproof_pack_qattention_weights(&others.quantized_weights, &others.zero_point, &how,
                                             &qpacked, m, n);
  };
  for (const Answer& answer : {WithMessage(kRoom, pack), WithMessage(kRoom, qpack)}) {
    RC_ASSERT(answer.code == MASKPROOF_NOT_SUPPORTED);
    RC_ASSERT(answer.message.starts_with("target: "));
  }
  RC_ASSERT(!packed && !qpacked);

  const auto packed_for = static_cast<size_t>(Between(0, targets - 1));
  const auto called_on = static_cast<size_t>(Between(0, targets - 1));
  how.target = maskproof_target_id(packed_for);
  calls.execution.target = maskproof_target_id(called_on);
  RC_ASSERT(pack(nullptr, 0) == MASKPROOF_OK);
  RC_ASSERT(qpack(nullptr, 0) == MASKPROOF_OK);
  const std::unique_ptr<maskproof_packed_weights, void (*)(maskproof_packed_weights*)> owner(
      packed, maskproof_packed_weights_destroy);
  const std::unique_ptr<maskproof_packed_qweights, void (*)(maskproof_packed_qweights*)> qowner(
      qpacked, maskproof_packed_qweights_destroy);
  calls.attention.packed_weights = packed;
  calls.qattention.packed_weights = qpacked;
  const bool same_shape = calls.width == others.width &&
                          calls.heads * calls.head_size == others.heads * others.head_size;
  for (const Function function : {Function::kAttention, Function::kQAttention}) {
    const Answer answer =
        WithMessage(kRoom, [&](char* m, size_t n) { return Run(function, calls, m, n); });
    if (packed_for == called_on && same_shape) {
      RC_ASSERT(answer.code == MASKPROOF_OK);
      std::ranges::fill(calls.output, kUntouched);
    } else {
      RC_ASSERT(answer.code == MASKPROOF_INVALID_ARGUMENT);
      RC_ASSERT(answer.message.starts_with("packed_weights: "));
      RC_ASSERT(calls.Untouched());
    }
  }
}

using PackedQuantized =
    std::unique_ptr<maskproof_packed_qweights, void (*)(maskproof_packed_qweights*)>;

// The weights of the call, packed with these zero points and given to it.
PackedQuantized PackForCall(Calls& calls, const maskproof_tensor& zero_points) {
  maskproof_packed_qweights* packed = nullptr;
  RC_ASSERT(maskproof_pack_qattention_weights(&calls.quantized_weights, &zero_points,
                                              &calls.execution, &packed, nullptr,
                                              0) == MASKPROOF_OK);
  calls.qattention.packed_weights = packed;
  calls.qattention.weights.data = nullptr;
  return {packed, maskproof_packed_qweights_destroy};
}

// Weights packed with one zero point, and a call with another in some column.
RC_GTEST_PROP(CMisuse, PackedWeightsKeepTheirZeroPoints, ()) {
  Calls calls(false);
  const auto columns = static_cast<size_t>(calls.quantized_weights.dims[1]);
  std::vector<uint8_t> zero_points(columns, 0);
  const auto dims = static_cast<int64_t>(columns);
  const maskproof_tensor per_column{zero_points.data(), &dims, 1, MASKPROOF_UINT8};
  calls.qattention.weight_zero_point = &per_column;
  const PackedQuantized packed = PackForCall(calls, per_column);
  const auto run = [&](char* m, size_t n) { return Run(Function::kQAttention, calls, m, n); };
  RC_ASSERT(run(nullptr, 0) == MASKPROOF_OK);
  std::ranges::fill(calls.output, kUntouched);
  const auto column = static_cast<size_t>(Between(0, dims - 1));
  zero_points[column] = 7;
  const Answer answer = WithMessage(kRoom, run);
  RC_ASSERT(answer.code == MASKPROOF_INVALID_ARGUMENT);
  RC_ASSERT(answer.message == "packed_weights: expected weight_zero_point 7 in column " +
                                  std::to_string(column) + ", got 0");
  RC_ASSERT(calls.Untouched());
}

// The other way round: one zero point for all columns, and weights packed with another in one.
RC_GTEST_PROP(CMisuse, OneZeroPointIsThatOfEveryColumn, ()) {
  Calls calls(false);
  const int64_t columns = calls.quantized_weights.dims[1];
  std::vector<uint8_t> zero_points(static_cast<size_t>(columns), 0);
  const int64_t column = Between(0, columns - 1);
  zero_points[static_cast<size_t>(column)] = 7;
  const maskproof_tensor per_column{zero_points.data(), &columns, 1, MASKPROOF_UINT8};
  const PackedQuantized packed = PackForCall(calls, per_column);
  const uint8_t zero = 0;
  const maskproof_tensor scalar{&zero, nullptr, 0, MASKPROOF_UINT8};
  calls.qattention.weight_zero_point = Between(0, 1) == 0 ? &scalar : nullptr;
  const Answer answer = WithMessage(
      kRoom, [&](char* m, size_t n) { return Run(Function::kQAttention, calls, m, n); });
  RC_ASSERT(answer.code == MASKPROOF_INVALID_ARGUMENT);
  RC_ASSERT(answer.message == "packed_weights: expected weight_zero_point 0 in column " +
                                  std::to_string(column) + ", got 7");
  RC_ASSERT(calls.Untouched());
}

// Threads of the caller's are used, if he has any; a pool is as good.
RC_GTEST_PROP(CMisuse, TheCallersThreadsAreAsked, ()) {
  const auto function = static_cast<Function>(Between(0, 2));
  Calls calls(false);
  const auto run = [&] { return Run(function, calls, nullptr, 0); };
  RC_ASSERT(run() == MASKPROOF_OK);
  const std::vector<float> alone = calls.output;
  size_t tasks = 0;
  calls.parallel = {
      .state = &tasks,
      .concurrency = static_cast<size_t>(Between(0, 3)),  // none counts as one
      .run = [](void* state, size_t count, void (*task)(void*, size_t), void* context) {
        *static_cast<size_t*>(state) += count;
        for (size_t i = 0; i < count; ++i) task(context, i);
      }};
  calls.execution.parallel = &calls.parallel;
  std::ranges::fill(calls.output, kUntouched);
  RC_ASSERT(run() == MASKPROOF_OK);
  // One thread is the one that calls; so is that for a single task.
  const bool one_task = function == Function::kCore || calls.batch * calls.heads == 1;
  RC_ASSERT(calls.parallel.concurrency > 1 || tasks == 0U);
  RC_ASSERT(calls.parallel.concurrency <= 1 || one_task || tasks > 0U);
  RC_ASSERT(calls.output == alone);
  calls.execution.parallel = nullptr;
  calls.execution.pool = maskproof_thread_pool_create(static_cast<size_t>(Between(1, 3)));
  const std::unique_ptr<maskproof_thread_pool, void (*)(maskproof_thread_pool*)> pool(
      calls.execution.pool, maskproof_thread_pool_destroy);
  const bool made = pool != nullptr;
  RC_ASSERT(made);
  std::ranges::fill(calls.output, kUntouched);
  RC_ASSERT(run() == MASKPROOF_OK);
  RC_ASSERT(calls.output == alone);
}

// Sizes of zero are sizes.
RC_GTEST_PROP(CMisuse, WeightsWithoutAnElementArePacked, ()) {
  Calls calls(false);
  const std::array<int64_t, 2> dims = {Between(0, 1) * Between(0, 5), 0};
  const maskproof_tensor none{nullptr, dims.data(), dims.size(), MASKPROOF_FLOAT32};
  maskproof_packed_weights* packed = nullptr;
  RC_ASSERT(maskproof_pack_attention_weights(&none, &calls.execution, &packed, nullptr, 0) ==
            MASKPROOF_OK);
  maskproof_packed_weights_destroy(packed);
}

RC_GTEST_PROP(CMisuse, TargetsBeyondTheLastAreNone, ()) {
  const size_t count = maskproof_target_count();
  RC_ASSERT(count > 0U);
  const size_t index = *rc::gen::inRange<size_t>(0, 2 * count + 2);
  if (index >= count) {
    RC_ASSERT(maskproof_target_name(index) == nullptr);
    RC_ASSERT(maskproof_target_id(index) == 0);
    return;
  }
  RC_ASSERT(!std::string_view(maskproof_target_name(index)).empty());
  RC_ASSERT(maskproof_target_id(index) != 0);
  for (size_t other = 0; other < index; ++other) {
    RC_ASSERT(maskproof_target_id(other) != maskproof_target_id(index));
    RC_ASSERT(std::string_view(maskproof_target_name(other)) != maskproof_target_name(index));
  }
}

}  // namespace
}  // namespace maskproof
