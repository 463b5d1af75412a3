#include <array>

#include "properties/subjects/planted_table.h"

namespace maskproof::planted {
namespace {

using enum Defect;

// Nothing that a kernel ever did: a suite that passes these is worth nothing.
constexpr PlantedDefect Harness(const char* name, const char* what) {
  return {.name = name, .what = what, .seen_in = "harness sanity", .harness = true};
}

constexpr auto kProductDefects = std::to_array<DefectEntry>({
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
      "the integer sum is kept in float32 from block to block: exact below 2^24",
      "int8 products whose accumulator was given the output's type"}},
    {kBlockScaled,
     {"block-scaled",
      "blocks of the integer product are scaled and summed in float32, and round each time",
      "block-quantised matrix products, where every block has a scale of its own"}},
    {kWeightZpFirstColumn,
     {"weight-zp-first-column", "the weight zero point is subtracted in column 0 only",
      "a per-tensor zero point passed where one for each column is expected"}},
    {kZpColumnShift,
     {"zp-column-shift", "each column takes the weight zero point of the next one",
      "packing that moves columns and forgets what belongs to them"}},
    {kInputZpNeedsWeightZp,
     {"input-zp-needs-weight-zp",
      "where the weight zero point is 0 the input zero point is ignored as well",
      "a fast path for symmetric weights that skips all corrections"}},
    {kWeightSign,
     {"weight-sign", "signed weights are read as unsigned",
      "a kernel for u8 x u8 that is also given s8"}},
    {kRowSum16,
     {"row-sum-16", "the sum of a row of activations, for the zero point, wraps at 16 bits",
      "sums taken beside a 16-bit multiply-add; a width of 129 and more"}},
    {kValueScaleTwice,
     {"value-scale-twice", "value columns are multiplied by their weight scale twice",
      "dequantisation fused into two places"}},
    {kZeroPointSign,
     {"zero-point-sign", "unsigned zero points above 127 are read as negative",
      "one pointer type for both signednesses"}},
    {kMinus128,
     {"minus-128", "signed weights of -128 are taken as -127",
      "symmetric quantisation's range assumed of every weight"}},
    {kSignedInputTail,
     {"signed-input-tail",
      "signed activations are offset by 128, and the last columns are not corrected for it",
      "u8 x s8 instructions given s8 activations"}},
    {kWeightScaleAbs,
     {"weight-scale-abs", "negative weight scales are taken as positive",
      "scales stored as exponent and magnitude"}},

    {kAcceptNegativeLength,
     {"accept-negative-length", "a negative mask length is used as it is, writing before a buffer",
      "ONNX Runtime 1.13 to 1.25 (pull request 27789)"}},
    {kAcceptShortScale,
     {"accept-short-scale", "a per-column scale of the wrong length is read past its end",
      "ONNX Runtime before 1.27 (pull request 28480)"}},
    {kRefuseValid,
     {"refuse-valid", "a (2B) mask whose start lies after its end is refused",
      "validation that is stricter than the operator: it means that all is masked"}},
    {kRefuseEmptyPast,
     {"refuse-empty-past", "a past of no tokens is refused",
      "validation that wants every dimension positive; the first step of a decoder has none"}},
    {kRefuseNegativeStart,
     {"refuse-negative-start", "a negative start in the (2B) mask is refused",
      "the check of negative ends applied to starts, for which it means no left padding"}},
    {kAcceptMaskBroadcast,
     {"accept-mask-broadcast", "a (1,T) mask is taken for a batch of several, and ignored",
      "array libraries broadcast it; the operator's definition does not"}},
    {kWriteBeforeRefusing,
     {"write-before-refusing", "a refused call has cleared the output",
      "buffers initialised before the inputs are checked"}},

    {kAllNan, Harness("all-nan", "every output element is NaN")},
    {kAllZeros, Harness("all-zeros", "every output element is 0")},
    {kEchoInput, Harness("echo-input", "the output repeats the first input")},
    {kPreviousOutput, Harness("previous-output", "each call gives the last call's output")},
    {kWritesNothing, Harness("writes-nothing", "success is reported and nothing written")},
    {kOneBitOff,
     Harness("one-bit-off", "one element is the first float beyond the oracle's bound")},
    {kNondeterministic, Harness("nondeterministic", "every other call differs in the last bit")},
    {kInputScribbler, Harness("input-scribbler", "a bit of an input is flipped after use")},
});

}  // namespace

std::span<const DefectEntry> ProductDefects() { return kProductDefects; }

}  // namespace maskproof::planted
