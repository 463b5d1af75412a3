#include "properties/subjects/kernels_core.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "properties/subjects/kernels_c_api.h"
#include "properties/subjects/placed_output.h"
#include "properties/subjects/without_data.h"

namespace maskproof {
namespace {

using kernels::Status;
using kernels::StatusCode;
using kernels::StridedTensor;

constexpr int64_t kPadColumns = 3;

// Sizes of one (B, N, rows, columns) tensor and where its rows lie in a given layout.
struct Rows {
  int64_t batch = 0, heads = 0, rows = 0, columns = 0;
  int64_t batch_stride = 0, head_stride = 0, row_stride = 0;

  Rows(std::span<const int64_t> dims, CoreLayout layout)
      : batch(dims[0]), heads(dims[1]), rows(dims[2]), columns(dims[3]) {
    // Nothing to address; the other dimensions may be anything, and their products overflow.
    if (ElementCount(dims) == 0) return;
    if (layout == CoreLayout::kTokenMajor) {
      head_stride = columns;
      row_stride = heads * columns;
      batch_stride = rows * row_stride;
    } else {
      row_stride = columns + (layout == CoreLayout::kPadded ? kPadColumns : 0);
      head_stride = rows * row_stride;
      batch_stride = heads * head_stride;
    }
  }

  // Elements from the first to the last that belongs to the tensor; the padding of the last row is
  // left off, so that reading it is reading past the end.
  int64_t Extent() const {
    if (batch == 0 || heads == 0 || rows == 0 || columns == 0) return 0;
    return (batch - 1) * batch_stride + (heads - 1) * head_stride + (rows - 1) * row_stride +
           columns;
  }

  template <typename T>
  StridedTensor<T> Over(T* data) const {
    return {data, batch_stride, head_stride, row_stride};
  }

  // Calls visit(dense offset, offset here) for the first element of every row.
  template <typename Visit>
  void ForEachRow(Visit visit) const {
    if (Extent() == 0) return;
    int64_t dense = 0;
    for (int64_t b = 0; b < batch; ++b) {
      for (int64_t n = 0; n < heads; ++n) {
        for (int64_t r = 0; r < rows; ++r, dense += columns) {
          visit(dense, b * batch_stride + n * head_stride + r * row_stride);
        }
      }
    }
  }
};

// An input in the layout asked for. Head-major is the case's own layout and is not copied.
class LaidOutInput {
 public:
  LaidOutInput(const BoundTensor& bound, CoreLayout layout) : rows_(bound.tensor->dims, layout) {
    data_ = static_cast<const float*>(bound.data);
    if (layout == CoreLayout::kHeadMajor) return;
    // NaN between the rows: it must not matter.
    copy_.assign(static_cast<size_t>(rows_.Extent()), std::numeric_limits<float>::quiet_NaN());
    rows_.ForEachRow([&](int64_t dense, int64_t here) {
      std::copy_n(data_ + dense, rows_.columns, copy_.data() + here);
    });
    data_ = copy_.data();
  }
  StridedTensor<const float> View() const { return rows_.Over(data_); }

 private:
  Rows rows_;
  const float* data_ = nullptr;
  std::vector<float> copy_;
};

// The output in the layout asked for; copied to the harness's dense buffer afterwards.
class LaidOutOutput {
 public:
  LaidOutOutput(const BoundCase& bound, CoreLayout layout)
      : bound_(bound), rows_(bound.output_dims, layout) {
    if (layout != CoreLayout::kHeadMajor) {
      copy_.assign(static_cast<size_t>(rows_.Extent()), std::bit_cast<float>(kUnwrittenBits));
      data_ = copy_.data();
    } else {
      data_ = bound.output;
    }
  }
  StridedTensor<float> View() const { return rows_.Over(data_); }

  // Moves the rows to the harness's buffer (unwritten elements arrive there as such) and reports
  // what was written between them.
  void Deliver() {
    if (copy_.empty()) return;
    const auto unwritten = std::bit_cast<float>(kUnwrittenBits);
    rows_.ForEachRow([&](int64_t dense, int64_t here) {
      std::copy_n(copy_.data() + here, rows_.columns, bound_.output + dense);
      std::fill_n(copy_.data() + here, rows_.columns, unwritten);
    });
    ReportTouched(&MemoryReport::wrote_outside, "between the rows of the padded output");
  }

  bool IsUnwritten() const {
    return copy_.empty() ? maskproof::IsUnwritten(data_, ElementCount(bound_.output_dims))
                         : maskproof::IsUnwritten(copy_.data(), static_cast<int64_t>(copy_.size()));
  }

  void Refused() {
    ReportTouched(&MemoryReport::touched_on_refusal, "though the call was refused");
  }

 private:
  void ReportTouched(bool MemoryReport::*fault, const char* where) {
    if (bound_.report == nullptr) return;
    for (size_t i = 0; i < copy_.size(); ++i) {
      if (std::bit_cast<uint32_t>(copy_[i]) == kUnwrittenBits) continue;
      bound_.report->*fault = true;
      bound_.report->detail =
          "output: element " + std::to_string(i) + " of its layout written " + where;
      return;
    }
  }

  const BoundCase& bound_;
  Rows rows_;
  float* data_ = nullptr;
  std::vector<float> copy_;
};

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
                      kernels::FullyMaskedPolicy fully_masked, kernels::Execution execution) {
  const Attributes& attributes = bound.c->attributes;
  if (bound.present != nullptr) return Refuse("present", "the core has no such output");
  if (Status status = CheckShapes(bound); !status.ok()) return status;

  const CoreLayout layout = attributes.core_layout;
  const LaidOutInput query(bound[TensorId::kQuery], layout);
  const LaidOutInput key(bound[TensorId::kKey], layout);
  const LaidOutInput value(bound[TensorId::kValue], layout);
  LaidOutOutput output(bound, layout);

  const Dims& query_dims = bound[TensorId::kQuery].tensor->dims;
  kernels::CoreArguments arguments;
  arguments.shape = {.batch = query_dims[0],
                     .heads = query_dims[1],
                     .query_length = query_dims[2],
                     .total_length = bound[TensorId::kKey].tensor->dims[2],
                     .head_size = query_dims[3],
                     .value_head_size = bound[TensorId::kValue].tensor->dims[3]};
  arguments.query = query.View();
  arguments.key = key.View();
  arguments.value = value.View();
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
    if (way.own_workspace) {
      status = workspace.Lend(
          execution, way.spare_workspace, [&](const kernels::Execution& e, size_t& bytes) {
            return ScaledDotProductAttentionWorkspaceSize(
                way.asks_without_data ? WithoutData(arguments) : arguments, e, bytes);
          });
    }
    if (status.ok() && way.offers_less) {
      status = OfferLess(
          execution, workspace.asked(),
          [&](const kernels::Execution& less) {
            return kernels::ScaledDotProductAttention(arguments, less);
          },
          [&] { return output.IsUnwritten(); });
    }
    if (status.ok()) status = kernels::ScaledDotProductAttention(arguments, execution);
  }
  if (status.ok()) {
    output.Deliver();
  } else {
    output.Refused();
  }
  return status;
}

}  // namespace maskproof
