#include "properties/subjects/kernels_core.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include "properties/subjects/core_arrangement.h"
#include "properties/subjects/kernels_c_api.h"
#include "properties/subjects/laid_out_inputs.h"
#include "properties/subjects/laid_out_output.h"
#include "properties/subjects/without_data.h"

namespace maskproof {
namespace {

using kernels::Status;
using kernels::StatusCode;

Status Refuse(const char* tensor, const std::string& why) {
  return {StatusCode::kInvalidArgument, std::string(tensor) + ": " + why};
}

Status WrongShape(const char* tensor, const std::string& expected, const Dims& got) {
  return Refuse(tensor, "expected " + expected + ", got " + ShapeText(got));
}

// The typed API takes one set of sizes, so disagreement between the tensors is found here.
Status CheckShapes(const BoundCase& bound) {
  const Dims& query = bound[TensorId::kQuery].tensor->dims;
  const Dims& key = bound[TensorId::kKey].tensor->dims;
  const Dims& value = bound[TensorId::kValue].tensor->dims;
  if (query.size() != 4) return WrongShape("query", "4 dimensions", query);
  if (key.size() != 4) return WrongShape("key", "4 dimensions", key);
  if (value.size() != 4) return WrongShape("value", "4 dimensions", value);
  if (ElementCount(query) < 0) return Refuse("query", "bad dimensions");
  const std::array keys{query[0], query[1], key[2], query[3]};
  if (!std::ranges::equal(key, keys) || ElementCount(key) < 0) {
    return WrongShape("key", ShapeText({keys.begin(), keys.end()}), key);
  }
  const std::array values{query[0], query[1], key[2], value[3]};
  if (!std::ranges::equal(value, values) || ElementCount(value) < 0) {
    return WrongShape("value", ShapeText({values.begin(), values.end()}), value);
  }
  if (!std::ranges::equal(bound.output_dims, std::array{query[0], query[1], query[2], value[3]})) {
    return Refuse("output", "no buffer of the size that query and value ask for");
  }
  return {};
}

}  // namespace

Status RunKernelsCore(const BoundCase& bound, KernelsWay way, OwnWorkspace& workspace,
                      kernels::FullyMaskedPolicy fully_masked,
                      const kernels::Execution& execution) {
  const Attributes& attributes = bound.c->attributes;
  if (bound.present != nullptr) return Refuse("present", "the core has no such output");
  if (Status status = CheckShapes(bound); !status.ok()) return status;

  const CoreArrangement arrangement = Arrange(bound, way);
  const LaidOutInputs inputs(bound, arrangement);
  LaidOutOutput output(bound, arrangement.output);
  if (!inputs.ok() || !output.ok()) {
    return {StatusCode::kOutOfMemory, "no memory for the layouts of the tensors"};
  }

  const Dims& query_dims = bound[TensorId::kQuery].tensor->dims;
  kernels::CoreArguments arguments;
  arguments.shape = {.batch = query_dims[0],
                     .heads = query_dims[1],
                     .query_length = query_dims[2],
                     .total_length = bound[TensorId::kKey].tensor->dims[2],
                     .head_size = query_dims[3],
                     .value_head_size = bound[TensorId::kValue].tensor->dims[3]};
  arguments.query = inputs.View(0);
  arguments.key = inputs.View(1);
  arguments.value = inputs.View(2);
  if (const BoundTensor& mask = bound[TensorId::kMaskIndex]; mask.tensor != nullptr) {
    arguments.mask_index.emplace(static_cast<const int32_t*>(mask.data), mask.tensor->dims);
  }
  if (const BoundTensor& bias = bound[TensorId::kAttentionBias]; bias.tensor != nullptr) {
    arguments.attention_bias.emplace(static_cast<const float*>(bias.data), bias.tensor->dims);
  }
  arguments.causal = attributes.unidirectional == 1;
  arguments.scale = attributes.scale.value_or(0.0F);
  arguments.fully_masked = fully_masked;
  arguments.output = output.View();

  Status status;
  if (way.in_c) {
    status = CoreInC(arguments, way, workspace, execution);
  } else {
    status = CallWith(
        workspace, way, execution,
        [&](const kernels::Execution& e, size_t& bytes) {
          return ScaledDotProductAttentionWorkspaceSize(
              way.asks_without_data ? WithoutData(arguments) : arguments, e, bytes);
        },
        [&](const kernels::Execution& e) {
          return kernels::ScaledDotProductAttention(arguments, e);
        },
        [&] { return output.IsUnwritten(); });
  }
  if (bound.report != nullptr) inputs.Check(*bound.report);
  if (status.ok()) {
    output.Deliver();
  } else {
    output.Refused();
  }
  return status;
}

}  // namespace maskproof
