#include "properties/subjects/planted_defect.h"

#include <array>
#include <vector>

namespace maskproof {
namespace planted {
namespace {

using enum Defect;

// Nothing that a kernel ever did: a suite that passes these is worth nothing.
constexpr PlantedDefect Harness(const char* name, const char* what) {
  return {.name = name, .what = what, .seen_in = "harness sanity", .harness = true};
}

// Shows from so many heads and tokens on.
constexpr PlantedDefect From(int64_t heads, int64_t tokens, PlantedDefect defect) {
  defect.heads = heads;
  defect.tokens = tokens;
  return defect;
}

constexpr auto kTable = std::to_array<DefectEntry>({
    {kAdditiveMask,
     {"additive-mask", "a padded key has -10000 added to its score and stays in the softmax",
      "ONNX Runtime's Attention in every release so far (issue 14363)"}},
    {kStackedMasks,
     {"stacked-masks", "padding and causal masking each add -10000, so both together add -20000",
      "ONNX Runtime up to 1.15: three kinds of masked key in one row (issue 14363)"}},
    {kOverwriteFuture,
     {"overwrite-future",
      "the score of a future key is replaced by the mask value, that of a padded key is not",
      "ONNX Runtime 1.9 to 1.15, written to agree with another framework's numbers"}},
    {kLowestThenAdd,
     {"lowest-then-add", "a masked key starts from the lowest float, score and bias are added on",
      "ONNX Runtime 1.16 and later, where attention_bias meets a mask"}},
    {kFillValueUsed,
     {"fill-value-used", "mask_filter_value is added to the scores of padded keys",
      "ONNX Runtime 1.14 and later: the output moves with the attribute"}},
    {kMaskEqualsOne,
     {"mask-equals-one", "a raw mask keeps a key only if its value is exactly 1",
      "masks that were counts or token types before they became masks"}},
    {kMaskNonzero,
     {"mask-nonzero", "a raw mask keeps a key whenever its value is not 0, negative ones included",
      "kernels that convert the mask to bool first"}},
    {kLengthVsSequence,
     {"length-vs-sequence", "right padding is applied up to S keys instead of P + S",
      "ports that added a key cache to a kernel written without one"}},
    {kStartEndSwapped,
     {"start-end-swapped", "in the (2B) mask the first half is read as starts, the second as ends",
      "the natural misreading of a form whose ends come first"}},
    {kEndInclusive,
     {"end-inclusive", "in the (2B) mask the key at the end position is kept",
      "off-by-one between half-open and closed spans"}},
    {kMaskRowStride,
     {"mask-row-stride", "rows of the (B,T) mask are taken to be S apart",
      "the same ports: S and T are equal until there is a past"}},
    {kMask3dBatch,
     {"mask3d-batch", "the (B,S,T) mask of the first batch item serves all of them",
      "broadcasting a three-dimensional mask from the left"}},
    {kDummyMaskUsed,
     {"dummy-mask-used", "a (B,1) mask, which says nothing, masks the whole batch item if it is 0",
      "broadcasting (B,1) along the keys as array libraries do"}},
    {kCausalNoPast,
     {"causal-no-past", "the causal diagonal is not shifted by the past length",
      "the ONNX reference of Attention before release 1.20"}},
    {kCausalStrict,
     {"causal-strict", "a query does not see its own key", "off-by-one in the triangle"}},
    {kCausalLax, {"causal-lax", "a query sees one key of the future", "off-by-one the other way"}},
    {kCausalOnlyWhenSquare,
     {"causal-only-when-square", "causal masking is skipped if S differs from T",
      "kernels whose triangle was written for the prompt and not for the steps after it"}},
    {kTileMaskFromFirstRow,
     {"tile-mask-from-first-row",
      "a block of keys is skipped for a whole tile of queries if the tile's first query masks it",
      "ports of block-sparse attention"}},
    {kBit63,
     {"bit63", "the last key of a full 64-bit mask word is dropped",
      "building a bit row with a shift by the number of keys left"}},

    {kInfMinusInf,
     {"inf-minus-inf", "a row with every score at -inf gives exp(-inf + inf), a NaN",
      "PyTorch issues 103749 and 103963, ONNX issue 8054, MLX, IREE and others"}},
    {kBlockInfMinusInf,
     {"block-inf-minus-inf",
      "in a blockwise softmax a first block without a visible key turns the row to NaN",
      "several ports of flash attention, with left padding"}},
    {kMaskedMax,
     {"masked-max", "the row maximum is taken over masked keys too",
      "hand-written softmax that masks after the reduction"}},
    {kZeroTimesNan,
     {"zero-times-nan", "masked keys are multiplied in with weight 0, which NaN and Inf survive",
      "PyTorch issue 101967 and ONNX Runtime in every release"}},
    {kNanIgnored,
     {"nan-ignored", "a key whose score is NaN is left out as if it were masked",
      "max instructions that drop NaN, in front of a comparison that is false for it"}},
    {kExpFloor,
     {"exp-floor", "exp never gives less than about 1e-38, for masked keys too",
      "polynomial exp that clamps its argument and does not flush"}},
    {kNoMaxSubtraction,
     {"no-max-subtraction", "the softmax takes exp of the scores as they are",
      "first versions of many kernels: overflow from a score of 89"}},
    {kTailMax,
     {"tail-max", "keys after the last whole vector are missing from the row maximum",
      "vectorised reductions whose tail was forgotten"}},
    {kTailSum,
     {"tail-sum", "keys after the last whole vector are missing from the sum of weights",
      "vectorised reductions whose tail was forgotten"}},
    {kLateRescale,
     {"late-rescale",
      "a new maximum in the last, partial key block does not rescale what was accumulated",
      "flash attention with a separate code path for the remainder"}},
    {kFullyMaskedZero,
     {"fully-masked-zero", "a row without visible keys gives zeros though uniform is promised",
      "the convention of the ONNX standard and of PyTorch, in the wrong operator"}},
    {kStaleScratch,
     {"stale-scratch", "weights of masked keys keep what the previous batch item left there",
      "scratch memory that is cleared once per call instead of once per item"}},
    {kBf16Weights,
     {"bf16-weights", "attention weights are rounded to bfloat16 before they meet the values",
      "a mixed-precision path taken for float32 input"}},

    {kBiasBatchBroadcast,
     {"bias-batch-broadcast", "an attention_bias of shape (B,1,S,T) is read as (1,N,S,T)",
      "ONNX Runtime 1.20 and 1.21 (pull request 24017)"}},
    {kBiasBeforeScale,
     {"bias-before-scale", "attention_bias is multiplied by the scale as well",
      "scaling moved behind the addition to save a pass"}},
    {kWrongScale,
     {"wrong-scale", "scores are scaled by 1/sqrt(H+1) in place of 1/sqrt(H)",
      "harness sanity: a small error that is everywhere"}},
    {kScaleSignLost,
     {"scale-sign-lost", "the scale's sign is ignored",
      "splitting the scale into a square root on each side"}},
    {kScaledCache,
     {"scaled-cache", "new keys go to present after they have been scaled",
      "scaling the keys in place because they are fewer than the scores"}},
    {kWrongPresent,
     {"wrong-present", "the value half of present receives the new keys",
      "harness sanity: the second output is wrong, the first is right"}},
    {kHeadShift,
     {"head-shift", "the head of key and value is found with a bit mask, as if N were a power of 2",
      "index arithmetic tuned on models with 8, 12 or 16 heads"}},
    {kVSizeIsH,
     {"v-size-is-h", "values are addressed with the head size of query and key",
      "ONNX Runtime's present output when the two sizes differ"}},
    {kClampedValues,
     {"clamped-values", "values beyond 65504 are clipped to it",
      "a saturating conversion on the way through a half-precision cache"}},
    {kLane1e3,
     {"lane-1e-3", "every fourth output column is too large by one part in a thousand",
      "harness sanity: an error that loose tolerances let pass"}},

    {kLostRows,
     {"lost-rows", "rows that remain after an even division among the threads are not computed",
      "hand-rolled work splitting"}},
    {kThreadOrder,
     {"thread-order", "with more than one thread the weights are summed in another order",
      "parallel reductions"}},
    {kRacyRowSum,
     {"racy-row-sum", "two threads add into the same row sum without any lock",
      "splitting long rows by keys"}},
    {kTailStore,
     {"tail-store", "the last row of the output is stored as whole vectors, past its end",
      "vector code without a masked tail"}},
    {kTailLoad,
     {"tail-load", "the last row of key or weights is loaded as whole vectors, past its end",
      "vector code without a masked tail; harmless until the page ends there"}},
    {kFtzLeftOn,
     {"ftz-left-on", "flush-to-zero is switched on and stays on after the call",
      "libraries that tune the control register for speed"}},

    {kSaturate16,
     {"saturate-16", "pairs of u8 x s8 products are added in 16 bits with saturation",
      "ONNX Runtime's AVX2 code without VNNI: errors as large as the output"}},
    {kWeightZpIgnored,
     {"weight-zp-ignored", "all columns take the weight zero point of column 0",
      "per-column zero points added to a per-tensor kernel"}},
    {kScaleOfQForV,
     {"scale-of-q-for-v", "per-column weight scales are indexed modulo D",
      "ONNX Runtime before 1.27 did not check their number at all (pull request 28480)"}},
    {kZpOfPadding,
     {"zp-of-padding", "the width counts as rounded up to 4 in the product of the zero points",
      "several int8 matrix products that pack four values a word"}},
    {kActivationSign,
     {"activation-sign", "unsigned activations above 127 are read as negative",
      "the instruction's signed operand given the unsigned side"}},
    {kBiasQuantised,
     {"bias-quantised", "the bias is added to the integer sum, before scaling",
      "quantisers that quantise the bias as well"}},
    {kFloatAccumulate,
     {"float-accumulate",
      "blocks of the integer product are scaled and summed in float32, and round each time",
      "block-quantised matrix products, where every block has a scale of its own"}},

    {kAcceptNegativeLength,
     {"accept-negative-length", "a negative mask length is used as it is, writing before a buffer",
      "ONNX Runtime 1.13 to 1.25 (pull request 27789)"}},
    {kAcceptShortScale,
     {"accept-short-scale", "a per-column scale of the wrong length is read past its end",
      "ONNX Runtime before 1.27 (pull request 28480)"}},
    {kRefuseValid,
     {"refuse-valid", "a (2B) mask whose start lies after its end is refused",
      "validation that is stricter than the operator: it means that all is masked"}},

    {kAllNan, Harness("all-nan", "every output element is NaN")},
    {kAllZeros, Harness("all-zeros", "every output element is 0")},
    {kEchoInput, Harness("echo-input", "the output repeats the first input")},
    {kPreviousOutput, Harness("previous-output", "each call gives the last call's output")},
    {kWritesNothing, Harness("writes-nothing", "success is reported and nothing written")},
    {kOneBitOff, Harness("one-bit-off", "one element lies just outside of the oracle's bound")},
    {kNondeterministic, Harness("nondeterministic", "every other call differs in the last bit")},
    {kInputScribbler, Harness("input-scribbler", "a bit of an input is flipped after use")},
});

}  // namespace

std::span<const DefectEntry> DefectTable() { return kTable; }

}  // namespace planted

const std::vector<PlantedDefect>& PlantedDefects() {
  static const std::vector<PlantedDefect> defects = [] {
    std::vector<PlantedDefect> list;
    for (const planted::DefectEntry& entry : planted::DefectTable()) list.push_back(entry.text);
    return list;
  }();
  return defects;
}

}  // namespace maskproof
