#include "bench/peer_model.h"

#include <optional>
#include <string_view>
#include <utility>

#include "properties/subjects/peers/onnx_message.h"

namespace maskproof::bench {
namespace {

using peers::Message;

// An input of the node in its place, constant or not, or left out.
struct Slot {
  std::string_view name;
  const Tensor* tensor = nullptr;
  bool constant = false;
  std::optional<Dims> dims = std::nullopt;  // other than the tensor's own
};

const Tensor* Pointer(const std::optional<Tensor>& tensor) { return tensor ? &*tensor : nullptr; }

std::vector<Slot> SlotsOf(const Problem& problem) {
  const Tensor* const mask = Pointer(problem.mask);
  const Tensor* const past = Pointer(problem.past);
  switch (problem.spec.work) {
    case Work::kAttention:
      return {{.name = "input", .tensor = &problem.input},
              {.name = "weights", .tensor = &problem.weights, .constant = true},
              {.name = "bias", .tensor = &problem.bias, .constant = true},
              {.name = "mask_index", .tensor = mask},
              {.name = "past", .tensor = past}};
    case Work::kQAttention:
      return {{.name = "input", .tensor = &problem.input},
              {.name = "weights", .tensor = &problem.weights, .constant = true},
              {.name = "bias", .tensor = &problem.bias, .constant = true},
              {.name = "input_scale", .tensor = &problem.input_scale, .constant = true},
              {.name = "weight_scale", .tensor = &problem.weight_scale, .constant = true},
              {.name = "mask_index", .tensor = mask},
              {.name = "input_zero_point", .tensor = &problem.input_zero_point, .constant = true},
              {.name = "weight_zero_point", .tensor = &problem.weight_zero_point, .constant = true},
              {.name = "past", .tensor = past}};
    case Work::kCore: {
      const Shape& shape = problem.spec.shape;
      const Dims queries = {shape.batch, shape.queries, shape.hidden()};
      // Token-major tensors have three dimensions there, head-major ones four.
      const Dims keys =
          shape.past() > 0 ? problem.key.dims : Dims{shape.batch, shape.keys, shape.hidden()};
      return {{.name = "query", .tensor = &problem.query, .dims = queries},
              {.name = "key", .tensor = &problem.key, .dims = keys},
              {.name = "value", .tensor = &problem.value, .dims = keys},
              {.name = "bias"},
              {.name = "key_padding_mask", .tensor = mask}};
    }
    case Work::kProjection:
      return {{.name = "a", .tensor = &problem.input},
              {.name = "b", .tensor = &problem.weights, .constant = true},
              {.name = "c", .tensor = &problem.bias, .constant = true}};
  }
  return {};
}

const char* OperatorName(Work work) {
  switch (work) {
    case Work::kAttention:
      return "Attention";
    case Work::kQAttention:
      return "QAttention";
    case Work::kCore:
      return "MultiHeadAttention";
    case Work::kProjection:
      return "Gemm";
  }
  return "";
}

// NodeProto: input 1, output 2, op_type 4, attribute 5, domain 7.
Message Node(const Problem& problem, const std::vector<Slot>& slots) {
  constexpr int kAttribute = 5;
  Message node;
  size_t last = slots.size();
  while (last > 0 && slots[last - 1].tensor == nullptr) --last;
  for (size_t i = 0; i < last; ++i) {
    node.Text(1, slots[i].tensor != nullptr ? slots[i].name : std::string_view());
  }
  node.Text(2, "output");
  if (problem.present_dims) node.Text(2, "present");
  const Spec& spec = problem.spec;
  node.Text(4, OperatorName(spec.work));
  if (spec.work == Work::kProjection) return node;
  node.Sub(kAttribute, peers::IntAttribute("num_heads", spec.shape.heads));
  // Only where it matters: older schemas of MultiHeadAttention do not know it.
  if (spec.causal) node.Sub(kAttribute, peers::IntAttribute("unidirectional", 1));
  if (spec.fill) node.Sub(kAttribute, peers::FloatAttribute("mask_filter_value", *spec.fill));
  node.Text(7, "com.microsoft");
  return node;
}

}  // namespace

// GraphProto: node 1, name 2, initializer 5, input 11, output 12.
PeerModel MakePeerModel(const Problem& problem) {
  const std::vector<Slot> slots = SlotsOf(problem);
  PeerModel model;
  Message graph;
  graph.Sub(1, Node(problem, slots)).Text(2, "problem");
  for (const Slot& slot : slots) {
    if (slot.tensor == nullptr) continue;
    if (slot.constant) {
      graph.Sub(5, peers::Initializer(slot.name, *slot.tensor));
      continue;
    }
    graph.Sub(11, peers::ValueInfo(slot.name, slot.tensor->type));
    model.inputs.push_back({.name = std::string(slot.name),
                            .tensor = slot.tensor,
                            .dims = slot.dims.value_or(slot.tensor->dims)});
  }
  graph.Sub(12, peers::ValueInfo("output", ElementType::kFloat32));
  if (problem.present_dims) graph.Sub(12, peers::ValueInfo("present", ElementType::kFloat32));
  model.bytes = peers::FinishModel(graph);
  return model;
}

}  // namespace maskproof::bench
