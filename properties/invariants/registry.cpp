#include "properties/invariants/invariant.h"
#include "properties/invariants/laws.h"

namespace maskproof {
namespace {

bool Every(Op /*op*/) { return true; }
bool Operators(Op op) { return op != Op::kCore; }
bool Quantised(Op op) { return op == Op::kQAttention; }
bool Biased(Op op) { return op != Op::kQAttention; }

constexpr const char* kPromisedTolerance =
    "bitwise where the subject promises reproducible rows, else B(x) + B(x') (1)";

}  // namespace

const std::vector<Invariant>& Invariants() {
  static const std::vector<Invariant> invariants{
      {.id = "reference-match",
       .law = "Every output element, and every element of present, lies within the oracle's bound "
              "of the float64 reference; no output element is -0 where the subject promises that.",
       .reason = "The bound covers every order of evaluation in float32; what is outside of it was "
                 "computed wrongly.",
       .tolerance = "the oracle's bound B, docs/oracle.md",
       .modelled_on = "all of them",
       // The other laws compare runs with each other: what is wrong in all of them shows here
       // alone.
       .share = 4,
       .applies_to = Every,
       .check = CheckReferenceMatch},
      {.id = "fully-masked-rows",
       .law = "A row that sees no key follows the declared policy: the mean of all T values, or "
              "zero.",
       .reason = "A softmax over nothing has no value of its own, so it must be decided and "
                 "documented, and never be NaN or left to the arithmetic of the mask.",
       .tolerance = "the oracle's bound on a mean of T values; none for zero",
       .modelled_on = "ONNX Runtime #14363; PyTorch #103749; ONNX #8054",
       .applies_to = Every,
       .check = CheckFullyMaskedRows},
      {.id = "masked-influence",
       .law =
           "Changing the key, value or input of a masked token, to whatever bits, changes no row "
           "that masks it and sees some other key.",
       .reason = "A masked key takes no part; a weight of zero is not the same, since zero times "
                 "NaN is NaN.",
       .tolerance = kPromisedTolerance,
       .modelled_on = "PyTorch #101967; ONNX Runtime, every version",
       .applies_to = Every,
       .check = CheckMaskedInfluence},
      {.id = "masked-weight-zero",
       .law = "With one-hot values the weights can be read off the output: exactly zero on masked "
              "keys, within the oracle's bound on the others, and they sum to one.",
       .reason = "It looks at the weights themselves, which a sum over values may hide.",
       .tolerance = "none on masked keys; the oracle's bound on the others; (4) on the sum",
       .modelled_on = "ONNX Runtime #14363; polynomial exp that never reaches zero",
       .applies_to = Every,
       .check = CheckMaskedWeightZero},
      {.id = "mask-magnitude",
       .law = "Any mask_filter_value gives the same result.",
       .reason =
           "The attribute says how large a number stands for masked; a result that moves with "
           "it had masked keys in it.",
       .tolerance = kPromisedTolerance,
       .modelled_on = "ONNX Runtime 1.14 and later: -1e4 leaks, -inf gives NaN",
       .applies_to = Operators,
       .check = CheckMaskMagnitude},
      {.id = "mask-form",
       .law = "All encodings of one mask give the same result.",
       .reason = "An encoding is a way to write a mask down, not part of its meaning.",
       .tolerance = kPromisedTolerance,
       .modelled_on = "masks kept only where equal to one; ends read as starts",
       .applies_to = Every,
       .check = CheckMaskForm},
      {.id = "mask-composition",
       .law = "Padding and causality together equal the one explicit mask that is their "
              "conjunction.",
       .reason = "A key is seen if every mask lets it be seen; two masks are no more than one.",
       .tolerance = kPromisedTolerance,
       .modelled_on = "ONNX Runtime up to 1.15: the fills of two masks add up",
       .applies_to = Every,
       .check = CheckMaskComposition},
      {.id = "causal-prefix",
       .law =
           "Under causality a row that sees some key depends on no later token: cutting the last "
           "tokens off changes nothing before.",
       .reason = "That is what causality means.",
       .tolerance = kPromisedTolerance,
       .modelled_on = "ONNX Attention before 1.20: diagonal not shifted by the past",
       .applies_to = Every,
       .check = CheckCausalPrefix},
      {.id = "past-equivalence",
       .law = "Running the first tokens, then the rest with their present as past, equals running "
              "all at once; present is the past's bits followed by the new keys and values.",
       .reason = "Past rows are keys and values like all others, only computed earlier.",
       .tolerance = "the copy of the past bitwise; otherwise bitwise where the subject promises "
                    "reproducible rows, else B(x) + B(x') (1)",
       .modelled_on = "caches stored after scaling; lengths compared with S instead of T",
       .applies_to = Operators,
       .check = CheckPastEquivalence},
      {.id = "batch-independence",
       .law = "A batch gives the same rows alone, beside others, and in another place.",
       .reason = "Batches share no data but the weights.",
       .tolerance = kPromisedTolerance,
       .modelled_on = "mask of batch 0 used for all; ONNX Runtime 1.20 and 1.21 (PR 24017)",
       .applies_to = Every,
       .check = CheckBatchIndependence},
      {.id = "head-independence",
       .law = "A head gives the same rows alone, beside others, and in another place.",
       .reason = "Heads share no data but the input.",
       .tolerance = kPromisedTolerance,
       .modelled_on = "head indices by shift, right only for powers of two",
       .applies_to = Every,
       .check = CheckHeadIndependence},
      {.id = "thread-independence",
       .law = "The number of threads changes nothing.",
       .reason = "Rows are independent of each other; how they are dealt out is nobody's business.",
       .tolerance = kPromisedTolerance,
       .modelled_on = "rows lost when they do not divide by the threads; racy row sums",
       .applies_to = Every,
       .check = CheckThreadIndependence},
      {.id = "determinism",
       .law = "The same call gives the same bits again, after another call in between.",
       .reason = "A call owns no state.",
       .tolerance = "bitwise; 2 B(x) (1) where the subject does not promise determinism",
       .modelled_on = "scratch memory reused without clearing",
       .applies_to = Every,
       .check = CheckDeterminism},
      {.id = "concurrent-calls",
       .law = "A call gives what it gives alone while another thread makes calls of other data.",
       .reason = "A runtime serves its callers at the same time; what a call computes with belongs "
                 "to it alone.",
       .tolerance = "bitwise; 2 B(x) (1) where the subject does not promise determinism",
       .modelled_on = "ONNX Runtime #19275, #13571; scratch memory of the process",
       .applies_to = Every,
       .check = CheckConcurrentCalls},
      {.id = "padding-extension",
       .law = "Appending masked tokens changes no row that sees some key.",
       .reason = "Padding is there to be ignored.",
       .tolerance = kPromisedTolerance,
       .modelled_on = "tails of vectors, blocks and mask words",
       .applies_to = Every,
       .check = CheckPaddingExtension},
      {.id = "key-permutation",
       .law = "Permuting the keys together with their values and masks changes the result only by "
              "rounding.",
       .reason = "A weighted mean does not depend on the order of its terms.",
       .tolerance = "B(x) + B(x') (1)",
       .modelled_on = "last key of a mask word dropped; late rescaling of an online softmax",
       .applies_to = Every,
       .check = CheckKeyPermutation},
      {.id = "score-shift",
       .law =
           "Adding a constant to all scores of a row, through attention_bias, changes the result "
           "only by rounding.",
       .reason = "Softmax cancels a common factor.",
       .tolerance = "B(x) + B(x') (1)",
       .modelled_on = "exp of scores from which no maximum was subtracted",
       .applies_to = Biased,
       .check = CheckScoreShift},
      {.id = "power-of-two-scaling",
       .law =
           "Values times 2^k give the output times 2^k, exactly; queries times 2^k with the scale "
           "times 2^-k give the same bits.",
       .reason = "Multiplying by a power of two rounds nothing away from the ends of the range.",
       .tolerance = "bitwise, on data that (5) proves safe",
       .modelled_on = "values taken through a narrower type; bias multiplied by the scale",
       .applies_to = Every,
       .check = CheckPowerOfTwoScaling},
      {.id = "convex-hull",
       .law = "Each output lies between the least and the greatest value that its row attends to.",
       .reason = "A mean with positive weights does, whatever the weights: it holds where scores "
                 "are too large for any bound on them.",
       .tolerance = "rounding of projection and mean, (2) and (3)",
       .modelled_on = "weights that do not sum to one; heads taken for one another",
       .applies_to = Every,
       .check = CheckConvexHull},
      {.id = "nan-containment",
       .law =
           "A NaN in the key of a token, or in its key and value, reaches all columns of exactly "
           "the rows that attend to it; one NaN or infinity among the values reaches its column "
           "of them, and so does a NaN among the values' weights.",
       .reason = "To lose a NaN is to invent a number; to spread it is to read what one must not.",
       .tolerance = "bitwise on the other rows where the subject promises reproducible rows, else "
                    "B(x) + B(x') (1)",
       .modelled_on = "PyTorch #101967; exp that clamps NaN to a number; LAPACK #179",
       .applies_to = Every,
       .check = CheckNanContainment},
      {.id = "int8-exactness",
       .law = "With scales that are powers of two, key and value rows equal integer arithmetic bit "
              "for bit, at the extremes too.",
       .reason = "A sum of 8-bit products fits in 32 bits, so nothing may be lost.",
       .tolerance = "none (6)",
       .modelled_on = "pairs summed in 16 bits with saturation; sums taken through float",
       .applies_to = Quantised,
       .check = CheckInt8Exactness},
      {.id = "zero-point-shift",
       .law = "Adding a constant to the input (the weights) and to its zero point changes nothing.",
       .reason = "Only their difference counts.",
       .tolerance = kPromisedTolerance,
       .modelled_on = "padded columns that take the zero point into the sum",
       .applies_to = Quantised,
       .check = CheckZeroPointShift},
      {.id = "signedness",
       .law = "Unsigned values with a zero point z and signed ones, all less by 128, with z - 128 "
              "give the same result.",
       .reason = "They are the same numbers.",
       .tolerance = kPromisedTolerance,
       .modelled_on = "unsigned values above 127 read as negative",
       .applies_to = Quantised,
       .check = CheckSignedness},
      {.id = "per-column",
       .law =
           "The same weights written with a scale and a zero point of each column's own give the "
           "same result.",
       .reason = "The columns hold the same numbers: doubled integers with halved scales, integers "
                 "and zero points shifted together.",
       .tolerance = kPromisedTolerance,
       .modelled_on = "column scales indexed modulo D; the zero point of column 0 used for all",
       .applies_to = Quantised,
       .check = CheckPerColumn},
      {.id = "memory",
       .law =
           "Outputs are written wholly, nothing else is written, inputs stay as they are, nothing "
           "beyond a tensor is read, and the floating-point environment stays as it was.",
       .reason = "A kernel is a guest in its caller's memory.",
       .tolerance = "none",
       .modelled_on = "vector loads and stores past the last row; flush-to-zero left on",
       .applies_to = Every,
       .check = CheckMemory},
      {.id = "refusal",
       .law =
           "A malformed case is refused with a message that says why and with outputs untouched; "
           "a valid one is never refused.",
       .reason = "Otherwise a bad model writes outside of memory, or a good one does not run.",
       .tolerance = "none",
       .modelled_on = "ONNX Runtime 1.13 to 1.25 (PR 27789) and before 1.27 (PR 28480)",
       .domain = Domain::kAny,
       .applies_to = Every,
       .check = CheckRefusal},
  };
  return invariants;
}

const Invariant* FindInvariant(std::string_view id) {
  for (const Invariant& invariant : Invariants()) {
    if (id == invariant.id) return &invariant;
  }
  return nullptr;
}

const char* VerdictKindName(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kHolds:
      return "holds";
    case VerdictKind::kBroken:
      return "broken";
    case VerdictKind::kUndecided:
      return "undecided";
    case VerdictKind::kNotApplicable:
      break;
  }
  return "not applicable";
}

}  // namespace maskproof
