// The float64 reference together with a proven bound, element by element, on the error of any
// correct float32 implementation. Derivation: docs/oracle.md.
#ifndef MASKPROOF_PROPERTIES_ORACLE_ORACLE_H_
#define MASKPROOF_PROPERTIES_ORACLE_ORACLE_H_

#include <cstdint>
#include <vector>

#include "properties/case/case.h"
#include "properties/case/visibility.h"
#include "properties/oracle/dialect.h"

namespace maskproof {

// What a row that sees no key must give.
enum class FullyMasked : uint8_t {
  kUniform,  // the mean of all T values
  kZero,
};

// What a subject says of its arithmetic. The defaults cover every sensible float32 implementation.
struct NumericsProfile {
  // Longest chain of roundings in a sum of n terms is min(n, ceil(n / sum_lanes) +
  // log2(sum_lanes)). 1 allows any order.
  int64_t sum_lanes = 1;
  double exp_ulp = 4.0;       // error of exp in units in the last place
  int64_t online_block = 16;  // keys per block of an online softmax; 0: the maximum is found first
  bool flush_to_zero = true;  // denormal results and operands may be read as zero
  // True: scale and attention_bias meet the finished product of query and key. False: scale, or its
  // square root, may be multiplied into query and key, and the bias preloaded into the accumulator.
  bool product_first = false;
  // True: the exponential is exp(x). False: it may be exp2 with log2(e) folded into the scale.
  bool natural_exp = false;
  // True: a product may be put together from parts of its factors, of which the smallest products
  // are left out: it is off by as much as two roundings more.
  bool split_products = false;
  // True: every operation may round to either neighbour, as in the directed modes and where
  // accumulators cut off. False: to nearest.
  bool any_rounding = false;
};

enum class RowState : uint8_t {
  kBounded,      // output and bound are meaningful
  kFullyMasked,  // no visible key; output and bound hold the policy's values, NaN if it is that
  kNonFinite,    // a NaN or infinity takes part: only containment laws apply
  kOverflow,     // float32 may overflow in some order of evaluation
};

// What makes up a bound, by the stage of the kernel that is allowed the error (oracle.md, section
// 6).
struct ErrorBudget {
  double values = 0.0;     // the projection of the values; 0 where values are inputs
  double scores = 0.0;     // projection of query and key, dot product, scale, bias, and the maximum
  double exp = 0.0;        // the exponential
  double sums = 0.0;       // sum of exponentials, weighted sum of values, division
  double underflow = 0.0;  // results too small to be kept

  double total() const { return values + scores + exp + sums + underflow; }
};

struct Reference {
  Geometry geometry;
  std::vector<double> output;  // laid out as the operator's output
  // Same layout; |correct - output| <= bound. Rows that are kNonFinite or kOverflow have a NaN
  // output and an infinite bound: they are not judged here.
  std::vector<double> bound;
  // Same layout: the largest |value| that the element may be a mixture of, error included.
  std::vector<double> largest;
  std::vector<RowState> rows;   // (B,N,S)
  std::vector<double> weights;  // (B,N,S,T) if asked for; else empty
  // As the output, each adding up to its bound, if asked for; else, and under a dialect, empty.
  std::vector<ErrorBudget> budget;
  std::vector<double> present;  // (2,B,N,T,H) if the case wants it; else empty
  // Same layout; 0 for what is copied from past. An element whose expected value is NaN (its data
  // are not finite, or float32 may overflow) is not judged here.
  std::vector<double> present_bound;

  RowState row(int64_t batch, int64_t head, int64_t query) const {
    return rows[static_cast<size_t>((batch * geometry.heads + head) * geometry.sequence + query)];
  }
};

struct OracleOptions {
  FullyMasked fully_masked = FullyMasked::kUniform;
  DialectId dialect = DialectId::kIdeal;
  NumericsProfile profile;
  bool want_weights = false;
  bool want_budget = false;
};

// `c` must be valid (case/validity.h).
Reference ComputeReference(const Case& c, const OracleOptions& options);

// Flat index into the operator's output of (batch, head, query, column); layouts differ by
// operator.
int64_t OutputIndex(Op op, const Geometry& g, int64_t batch, int64_t head, int64_t query,
                    int64_t column);

// True if `got` is acceptable. Written so that NaN fails.
inline bool Within(double got, double expected, double bound) {
  const double error = got > expected ? got - expected : expected - got;
  return error <= bound;
}

// True if the bound is too wide to say anything: an output of zeros would pass, whatever the
// weights, because no mixture of values of magnitude `largest_value` is further from zero than the
// bound.
bool Vacuous(double bound, double largest_value);

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_ORACLE_ORACLE_H_
