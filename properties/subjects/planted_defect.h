// The names of everything that can be wrong with the planted subject.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_DEFECT_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_DEFECT_H_

#include <cstdint>
#include <span>

#include "properties/subjects/subject.h"

namespace maskproof::planted {

enum class Defect : uint8_t {
  kNone,
  // Masks: which key is masked, and what becomes of it.
  kAdditiveMask,
  kStackedMasks,
  kOverwriteFuture,
  kLowestThenAdd,
  kFillValueUsed,
  kMaskEqualsOne,
  kMaskNonzero,
  kLengthVsSequence,
  kStartEndSwapped,
  kEndInclusive,
  kMaskRowStride,
  kMask3dBatch,
  kDummyMaskUsed,
  kCausalNoPast,
  kCausalStrict,
  kCausalLax,
  kCausalOnlyWhenSquare,
  kTileMaskFromFirstRow,
  kBit63,
  kMaskFirstHead,
  kMaskAsInt8,
  kMaskAsBytes,
  kMaskShift32,
  kMask3dFirstRow,
  kLastRowUnmasked,
  kKeyZeroKept,
  kStartAtLeastOne,
  kLengthAtLeastOne,
  kCumulativeAsSpans,
  kCausalBlocks,
  kCausalOrPadding,
  kCausalIfNonzero,
  kCausalNarrowed,
  kTileMask64,
  kOddBatches,
  kDecodeIgnoresPastMask,
  kMinusInfTimesMask,
  // Softmax.
  kInfMinusInf,
  kBlockInfMinusInf,
  kMaskedMax,
  kZeroTimesNan,
  kNanIgnored,
  kNanInAnyLane,
  kInfinityClamped,
  kPresentNanZero,
  kExpFloor,
  kNoMaxSubtraction,
  kTailMax,
  kTailSum,
  kLateRescale,
  kFullyMaskedZero,
  kStaleScratch,
  kBf16Weights,
  kMaxFromZero,
  kMaxFromSentinel,
  kMaskedBlockMaxZero,
  kMaxBeforeScale,
  kStaleMax,
  kStaleSum,
  kCoarseExp,
  kSumEpsilon,
  kWeightThreshold,
  kUniformOverSequence,
  kUniformFirstBatch,
  kLateRescale256,
  // Scores and layout.
  kBiasBatchBroadcast,
  kBiasBeforeScale,
  kWrongScale,
  kScaleSignLost,
  kScaledCache,
  kWrongPresent,
  kHeadShift,
  kVSizeIsH,
  kClampedValues,
  kLane1e3,
  kExp2Bias,
  kHalfScores,
  kScoreClamp,
  kOddLane,
  kValueTail,
  kScaleZeroTaken,
  kPastSwapped,
  kPastFirstBatch,
  kPresentNeedsPast,
  kInputWidthIsHidden,
  kNinthHead,
  kLane64,
  kDepthTail64,
  // Threads, memory, environment.
  kLostRows,
  kThreadOrder,
  kRacyRowSum,
  kSharedScratch,
  kTailStore,
  kTailLoad,
  kFtzLeftOn,
  kFloatControlReset,
  // Quantised product.
  kSaturate16,
  kWeightZpIgnored,
  kScaleOfQForV,
  kZpOfPadding,
  kActivationSign,
  kBiasQuantised,
  kFloatAccumulate,
  kBlockScaled,
  kWeightZpFirstColumn,
  kZpColumnShift,
  kInputZpNeedsWeightZp,
  kWeightSign,
  kRowSum16,
  kValueScaleTwice,
  kZeroPointSign,
  kMinus128,
  kSignedInputTail,
  kWeightScaleAbs,
  // Refusals.
  kAcceptNegativeLength,
  kAcceptShortScale,
  kRefuseValid,
  kRefuseEmptyPast,
  kRefuseNegativeStart,
  kAcceptMaskBroadcast,
  kWriteBeforeRefusing,
  // Sanity of the harness: no bug of a kernel, but a suite that passes these is worth nothing.
  kAllNan,
  kAllZeros,
  kEchoInput,
  kPreviousOutput,
  kWritesNothing,
  kOneBitOff,
  kNondeterministic,
  kInputScribbler,
};

struct DefectEntry {
  Defect defect;
  PlantedDefect text;
};

// All but kNone, in the order above.
std::span<const DefectEntry> DefectTable();

}  // namespace maskproof::planted

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_DEFECT_H_
