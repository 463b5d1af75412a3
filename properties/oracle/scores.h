// Scores of all queries of one head against all keys, with a bound on their error (oracle.md,
// section 4).
#ifndef MASKPROOF_PROPERTIES_ORACLE_SCORES_H_
#define MASKPROOF_PROPERTIES_ORACLE_SCORES_H_

#include <span>
#include <vector>

#include "properties/case/case.h"
#include "properties/oracle/exactness.h"
#include "properties/oracle/operands.h"
#include "properties/oracle/rounding.h"

namespace maskproof::oracle {

struct Score {
  double value = 0.0;
  double error = 0.0;
  Condition condition = Condition::kGood;
  // A large negative bias may take it to -inf: `value` and `error` hold unless it does (oracle.md
  // (26)).
  bool sinks = false;

  // Far above every score that sinks.
  bool Floats() const { return value - error >= -kOverflowLimit / 2; }
};

class Scores {
 public:
  // To be called first, and again for every case; `operands` are kept by reference.
  void Begin(const Case& c, const Geometry& g, const Rounding& rounding, const Operands& operands);

  // Selects the head that At() asks about.
  void Load(int64_t batch, int64_t head);
  // The score of `query` and `key`, attention_bias included. Where query or key are not good, their
  // condition is the score's.
  Score At(int64_t query, int64_t key) const;

 private:
  void CountRoundings(bool default_scale);
  void LoadBits();
  bool ExactDot(int64_t query, int64_t key) const;
  double Bias(int64_t query, int64_t key) const;
  size_t Cell(int64_t query, int64_t key) const {
    return static_cast<size_t>(query * g_.total + key);
  }

  Geometry g_;
  Rounding rounding_;
  const Operands* operands_ = nullptr;
  double scale_ = 1.0;
  double root_ = 1.0;  // of its magnitude
  bool bias_given_ = false;
  std::span<const float> bias_;
  int64_t bias_batches_ = 1;
  int64_t bias_heads_ = 1;

  // Relative errors: of the scale and its use; of the bias and its addition; of the whole product;
  // of the whole product that begins with the bias.
  double scale_gamma_ = 0.0;
  double bias_gamma_ = 0.0;
  double dot_gamma_ = 0.0;
  double preloaded_gamma_ = 0.0;
  bool certifiable_ = false;  // an exact dot product stays exact whatever is done about scale

  int64_t batch_ = 0;
  int64_t head_ = 0;
  const float* bias_slice_ = nullptr;
  std::vector<double> memory_;
  std::span<double> dot_;         // query . key
  std::span<double> magnitude_;   // (|query| + error) . (|key| + error)
  std::span<double> propagated_;  // what the errors of query and key make of it
  std::span<double> query_wide_;  // |query| + error
  std::span<double> key_wide_;
  std::span<double> query_norm_;  // sums over the lanes of query_wide_
  std::span<double> key_norm_;
  std::vector<uint8_t> query_exact_;
  std::vector<uint8_t> key_exact_;
  BitExponents query_bits_;
  BitExponents key_bits_;
};

}  // namespace maskproof::oracle

#endif  // MASKPROOF_PROPERTIES_ORACLE_SCORES_H_
