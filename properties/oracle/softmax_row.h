// One row of softmax times value: the reference and the bound (oracle.md, sections 5 and 6).
#ifndef MASKPROOF_PROPERTIES_ORACLE_SOFTMAX_ROW_H_
#define MASKPROOF_PROPERTIES_ORACLE_SOFTMAX_ROW_H_

#include <cstdint>
#include <span>
#include <vector>

#include "properties/oracle/rounding.h"

namespace maskproof::oracle {

// The value rows of one head.
struct ValueRows {
  const double* value = nullptr;
  const double* error = nullptr;
  int64_t columns = 0;
};

class SoftmaxRow {
 public:
  // To be called first, and again for every case: rows of up to `total` keys.
  void Begin(const Rounding& rounding, int64_t total, int64_t columns);

  void Clear();
  // A key that the row attends to.
  void Add(int64_t key, double score, double score_error);
  // False if the sum of values may overflow; output() and bound() are then not set.
  bool Evaluate(const ValueRows& rows);

  std::span<const double> output() const { return output_; }
  std::span<const double> bound() const { return bound_; }
  // Largest magnitude of the values of the column, error included.
  std::span<const double> largest() const { return largest_; }
  // Of bound()[column].
  ErrorBudget Budget(size_t column) const;
  size_t size() const { return keys_.size(); }
  int64_t key(size_t i) const { return keys_[i]; }
  double weight(size_t i) const { return weights_[i]; }

 private:
  double ShareOfExp() const;

  // Widest deviations of the weights that the bound below has to allow for.
  struct Spread {
    double linear = 0.0;     // R = sum p (e^lambda - 1)
    double remaining = 1.0;  // sum p e^-lambda
  };

  Spread Weigh();
  double ShiftError() const;
  bool Gather(const ValueRows& rows);
  void MixLinearly(const ValueRows& rows, double remaining);
  void MixByInterval(const ValueRows& rows);
  void WeighExtremes();
  void BoundColumns();
  double HalfInterval(const ValueRows& rows, size_t column);

  Rounding rounding_;
  double rescalings_ = 0.0;
  int64_t total_ = 0;
  size_t width_ = 0;

  std::vector<double> key_memory_;
  std::vector<double> column_memory_;

  // By visible key.
  std::vector<int64_t> keys_;
  std::vector<double> scores_;
  std::vector<double> errors_;
  std::span<double> distances_;   // score - largest score
  std::span<double> lambdas_;     // weight is off by a factor of at most e^lambda
  std::span<double> weights_;     // p
  std::span<double> deviations_;  // p (e^lambda - 1); in the interval form: largest weight
  std::vector<double> high_;      // p e^lambda and p e^-lambda, up to a common factor
  std::vector<double> low_;
  std::vector<size_t> order_;
  bool hull_ = false;
  double exp_error_ = 0.0;  // the exponential's part of every lambda

  // By column.
  std::span<double> output_;
  std::span<double> bound_;
  std::span<double> underflow_;  // part of the bound
  std::span<double> mixing_;     // bound on what wrong weights do
  std::span<double> magnitude_;  // bound on sum p |value|
  std::span<double> inherited_;  // bound on what the errors of the values do
  std::span<double> largest_;    // largest |value|, error included
  std::span<double> total_magnitude_;
};

}  // namespace maskproof::oracle

#endif  // MASKPROOF_PROPERTIES_ORACLE_SOFTMAX_ROW_H_
