// Correct evaluations under a name, as subjects.
#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "properties/case/validity.h"
#include "properties/subjects/evaluation.h"

namespace maskproof {
namespace {

constexpr auto kNamed = std::to_array<NamedEvaluation>({
    {.name = "forward",
     .what = "sums in order, every operation rounded, scores scaled afterwards",
     .style = {}},
    {.name = "backward-fused",
     .what = "sums from the end with fused multiply-add, scale split over query and key",
     .style = {.order = SumOrder::kBackward,
               .fused = true,
               .preload_bias = true,
               .scale = ScaleUse::kSplit,
               .normalization = Normalization::kReciprocal}},
    {.name = "pairwise",
     .what = "pairwise sums, weights normalised before they meet the values",
     .style = {.order = SumOrder::kPairwise,
               .scale = ScaleUse::kOnQuery,
               .exponential = Exponential::kBase2OnDifference,
               .normalization = Normalization::kWeightsFirst}},
    {.name = "lanes8-online",
     .what = "eight lanes, softmax on line in blocks of 16 keys, exp2 with log2 e in the scale, "
             "denormals flushed",
     .style = {.order = SumOrder::kLanes8,
               .fused = true,
               .exponential = Exponential::kBase2InScale,
               .normalization = Normalization::kReciprocal,
               .online_block = 16,
               .flush = true}},
    {.name = "any-tree",
     .what = "sums in a random tree, an exp that is off by more than three units either way",
     .style = {.order = SumOrder::kAnyTree,
               .preload_bias = true,
               .exponential = Exponential::kSloppy,
               .online_block = 21,
               .seed = 0x9E3779B97F4A7C15}},
    {.name = "parts",
     .what = "products of bfloat16 parts, by the rules of a unit for matrices; softmax on line in "
             "blocks of 512 keys, denormals flushed",
     .style = {.order = SumOrder::kParts,
               .fused = true,
               .preload_bias = true,
               .online_block = 512,
               .flush = true}},
});

class EvaluationSubject final : public InProcessSubject {
 public:
  explicit EvaluationSubject(const NamedEvaluation& named)
      : name_(std::string("evaluation:") + named.name), style_(named.style) {
    promises_.names_faults = true;
    promises_.reentrant = true;
    // Every sum has a tree of its own, which depends on all that were made before.
    promises_.profile.split_products = named.style.order == SumOrder::kParts;
    promises_.deterministic = named.style.order != SumOrder::kAnyTree;
  }

  const std::string& name() const override { return name_; }
  const std::string& target() const override { return target_; }
  const Promises& promises() const override { return promises_; }
  bool Supports(const Case& /*c*/) const override { return true; }

 protected:
  OutcomeKind Invoke(const BoundCase& bound, std::string& message) override {
    const ValidityVerdict verdict = JudgeValidity(*bound.c);
    if (verdict.validity != Validity::kValid) {
      message = verdict.subject + ": " + verdict.reason;
      return OutcomeKind::kRefused;
    }
    const bool present = bound.present != nullptr && ElementCount(bound.present_dims) > 0;
    // Without an element to write, a batch or a sequence may be as long as an int64.
    if (ElementCount(bound.output_dims) == 0 && !present) return OutcomeKind::kOutput;
    std::vector<float> keys_and_values;
    const std::vector<float> output =
        Evaluate(*bound.c, style_, present ? &keys_and_values : nullptr);
    std::ranges::copy(output, bound.output);
    std::ranges::copy(keys_and_values, bound.present);
    return OutcomeKind::kOutput;
  }

 private:
  std::string name_;
  std::string target_ = "native";
  EvaluationStyle style_;
  Promises promises_;  // no order of sums is declared, but whether products are from parts
};

}  // namespace

std::span<const NamedEvaluation> NamedEvaluations() { return kNamed; }

std::unique_ptr<Subject> MakeEvaluationSubject(const NamedEvaluation& named) {
  return std::make_unique<EvaluationSubject>(named);
}

std::unique_ptr<Subject> MakeEvaluationSubject(const std::string& name) {
  for (const NamedEvaluation& named : kNamed) {
    if (name == named.name) return MakeEvaluationSubject(named);
  }
  return nullptr;
}

}  // namespace maskproof
