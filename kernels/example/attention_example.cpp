// Attention over a padded batch, with packed weights and a workspace: the second call on allocates
// nothing.
#include <maskproof/kernels/attention.h>

#include <cstdint>
#include <cstdio>
#include <vector>

namespace mk = maskproof::kernels;

int main() {
  constexpr int64_t kBatch = 2;
  constexpr int64_t kTokens = 4;
  constexpr int64_t kWidth = 8;
  const std::vector<float> input(kBatch * kTokens * kWidth, 0.5F);
  const std::vector<float> weights(kWidth * 3 * kWidth, 0.25F);
  const std::vector<int32_t> lengths = {4, 2};  // the second sequence has two tokens
  std::vector<float> output(input.size());
  const int64_t input_dims[] = {kBatch, kTokens, kWidth};
  const int64_t weight_dims[] = {kWidth, 3 * kWidth};
  const int64_t length_dims[] = {kBatch};

  mk::PackedAttentionWeights packed;
  mk::Status status = mk::PackAttentionWeights({weights.data(), weight_dims}, {}, packed);
  mk::AttentionAttributes attributes;
  attributes.num_heads = 2;
  mk::AttentionInputs inputs;
  inputs.input = {input.data(), input_dims};
  inputs.weights = {nullptr, weight_dims};
  inputs.packed_weights = &packed;
  inputs.mask_index = {lengths.data(), length_dims};
  mk::AttentionOutputs outputs;
  outputs.output = {output.data(), input_dims};

  size_t bytes = 0;
  if (status.ok()) status = mk::AttentionWorkspaceSize(attributes, inputs, outputs, {}, bytes);
  mk::AlignedBuffer workspace;
  mk::Execution execution;
  if (status.ok() && workspace.Allocate(static_cast<int64_t>(bytes))) {
    execution.workspace = workspace.data();
    execution.workspace_size = bytes;
    status = mk::Attention(attributes, inputs, outputs, execution);
  }
  if (!status.ok()) {
    std::fprintf(stderr, "%s\n", status.message().c_str());
    return 1;
  }
  std::printf("target %s, %zu bytes of workspace, output %g\n",
              mk::SupportedTargets().front().name.data(), bytes, static_cast<double>(output[0]));
  // All values are 8 * 0.5 * 0.25, and so is every weighted mean of them.
  return output.front() == 1.0F && output.back() == 1.0F ? 0 : 1;
}
