#include "operator.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "attention_core.h"
#include "mask.h"
#include "message.h"
#include "parallel.h"
#include "projection.h"
#include "scratch.h"
#include "sizes.h"
#include "visible_row.h"
#include "workspace.h"

namespace maskproof::kernels {
namespace {

// Query, key and value of one (batch, head) as rows of the projection.
StridedTensor<const float> Projected(const Geometry& g, const float* columns, int64_t head_size,
                                     int64_t stride) {
  return {.data = columns,
          .batch_stride = g.queries * stride,
          .head_stride = head_size,
          .row_stride = stride};
}

// present holds the past rows and then the new ones, keys in its first half and values in its
// second. Copied as they are: the scale is applied to scores only.
class PresentWriter final : public HeadPreparation {
 public:
  // fresh: (B, N, S, H), of which the first batch is `first_batch`.
  PresentWriter(const OperatorCall& call, const StridedTensor<const float>& fresh_key,
                const StridedTensor<const float>& fresh_value, int64_t first_batch)
      : call_(call), fresh_key_(fresh_key), fresh_value_(fresh_value), first_batch_(first_batch) {}

  void Prepare(int64_t batch, int64_t head) const override {
    const Geometry& g = call_.geometry;
    const int64_t past_size = g.past * g.head_size;
    for (int64_t half = 0; half < 2; ++half) {
      const StridedTensor<const float>& fresh = half == 0 ? fresh_key_ : fresh_value_;
      const int64_t index = (half * g.batch + batch) * g.heads + head;
      float* to = call_.outputs.present->data + index * g.keys * g.head_size;
      if (call_.past) to = std::copy_n(call_.past->data + index * past_size, past_size, to);
      for (int64_t s = 0; s < g.queries; ++s) {
        to = std::copy_n(fresh.Row(batch - first_batch_, head, s), g.head_size, to);
      }
    }
  }

 private:
  const OperatorCall& call_;
  StridedTensor<const float> fresh_key_;
  StridedTensor<const float> fresh_value_;
  int64_t first_batch_;
};

// Key or value as the core reads it from present.
StridedTensor<const float> InPresent(const Geometry& g, const float* half) {
  return {.data = half,
          .batch_stride = g.heads * g.keys * g.head_size,
          .head_stride = g.keys * g.head_size,
          .row_stride = g.head_size};
}

// Everything a call works with. Pieces refer to each other.
class OperatorRun {
 public:
  OperatorRun(const OperatorCall& call, Projection& projection)
      : call_(call),
        projection_(projection),
        stride_(RoundUp(call.geometry.columns(), kProjectionAlignment)),
        batches_(BatchesAtATime(call.geometry, call.execution.parallel)),
        mask_(call.mask_index, call.geometry, call.attributes.unidirectional == 1),
        core_(problem_, call.target, call.execution.parallel) {
    problem_.geometry = call.geometry;
    problem_.mask = &mask_;
    problem_.scale = EffectiveScale(call.attributes.scale, call.geometry.head_size);
    problem_.fully_masked = call.attributes.fully_masked;
    SetAttentionBias(call.attention_bias, problem_);
  }

  [[nodiscard]] bool Reserve(Arena& arena) {
    const Geometry& g = call_.geometry;
    if (g.empty()) return true;
    return projected_.Place(arena, {batches_, g.queries, stride_}) &&
           (!MayLeaveTokensOut() || wanted_.Place(arena, {batches_, g.queries})) &&
           projection_.Reserve(arena, batches_ * g.queries) && mask_.Reserve(arena) &&
           core_.Reserve(arena, batches_);
  }

  void Run() {
    const Geometry& g = call_.geometry;
    if (g.empty()) {
      // No query: at most a past to be handed on.
      if (call_.outputs.present && g.keys > 0) {  // else batch and heads may be huge
        const PresentWriter writer(call_, problem_.key, problem_.value, 0);
        ForEachTask(call_.execution.parallel, g.batch * g.heads,
                    [&](int64_t index, int64_t /*worker*/) {
                      writer.Prepare(index / g.heads, index % g.heads);
                    });
      }
      return;
    }
    mask_.Build(call_.execution.parallel);
    projection_.Prepare();
    problem_.output = {.data = call_.outputs.output.data,
                       .batch_stride = g.queries * g.value_hidden(),
                       .head_stride = g.value_head_size,
                       .row_stride = g.value_hidden()};
    for (int64_t batch = 0; batch < g.batch; batch += batches_) {
      RunBatches(batch, std::min(batches_, g.batch - batch));
    }
  }

 private:
  // Whether the keys and values of tokens that the mask hides are of no use: nobody asks for them
  // in present, and no row can come to see nothing for another reason than the mask.
  bool MayLeaveTokensOut() const {
    return mask_.IsOfKeysAlone() && !call_.outputs.present && !call_.attention_bias;
  }

  // Tokens of these batches whose keys and values some row needs.
  WantedRows FindWanted(int64_t first_batch, int64_t batches) {
    const Geometry& g = call_.geometry;
    if (!MayLeaveTokensOut()) return {};
    WantedRows wanted{.rows = wanted_.data(), .count = 0, .first_column = g.hidden()};
    for (int64_t b = 0; b < batches; ++b) {
      const KeyInterval interval = mask_.BatchInterval(first_batch + b);
      const VisibleRow seen{
          .begin = interval.begin, .end = interval.end, .bits = mask_.Bits(first_batch + b, 0)};
      // A row that sees nothing takes the mean of all values. Under causality the first row is the
      // first to see nothing.
      const bool causal = call_.attributes.unidirectional == 1;
      const bool nothing_seen = seen.empty() || (causal && seen.begin > 0);
      const bool all = nothing_seen && call_.attributes.fully_masked == FullyMaskedPolicy::kUniform;
      for (int64_t t = 0; t < g.queries; ++t) {
        const uint64_t word = VisibleWord(seen, t / kKeysPerWord);
        if (all || (word >> (t % kKeysPerWord) & 1U) != 0) {
          wanted_.data()[wanted.count++] = b * g.queries + t;
        }
      }
    }
    return wanted.count == batches * g.queries ? WantedRows() : wanted;
  }

  void RunBatches(int64_t first_batch, int64_t batches) {
    const Geometry& g = call_.geometry;
    projection_.Run(first_batch * g.queries, batches * g.queries, projected_.data(), stride_,
                    FindWanted(first_batch, batches));
    problem_.query_batch = first_batch;
    problem_.key_batch = first_batch;
    problem_.query = Projected(g, projected_.data(), g.head_size, stride_);
    problem_.key = Projected(g, projected_.data() + g.hidden(), g.head_size, stride_);
    problem_.value = Projected(g, projected_.data() + 2 * g.hidden(), g.value_head_size, stride_);
    const PresentWriter writer(call_, problem_.key, problem_.value, first_batch);
    if (call_.outputs.present) {
      problem_.key_batch = 0;
      const float* const present = call_.outputs.present->data;
      problem_.key = InPresent(g, present);
      problem_.value = InPresent(g, present + g.batch * g.heads * g.keys * g.head_size);
    }
    core_.Run(first_batch, batches, call_.outputs.present ? &writer : nullptr);
  }

  const OperatorCall& call_;
  Projection& projection_;
  int64_t stride_;
  int64_t batches_;  // done together
  CoreProblem problem_;
  MaskPlan mask_;
  CoreRun core_;
  Scratch<float> projected_;
  Scratch<int64_t> wanted_;
};

}  // namespace

Status RunOperator(const OperatorCall& call, Projection& projection) {
  OperatorRun run(call, projection);
  Workspace workspace;
  MASKPROOF_RETURN_IF_ERROR(
      workspace.Provide(call.execution, [&run](Arena& arena) { return run.Reserve(arena); }));
  run.Run();
  return {};
}

Status OperatorWorkspaceSize(const OperatorCall& call, Projection& projection, size_t& bytes) {
  OperatorRun run(call, projection);
  return MeasureWorkspace([&run](Arena& arena) { return run.Reserve(arena); }, bytes);
}

}  // namespace maskproof::kernels
