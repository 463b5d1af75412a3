// Asks a subject for attention on given queries, keys and values, through whichever operator it
// has. For measurements: the data are made so that a projection by the identity is exact.
#ifndef MASKPROOF_PROPERTIES_PROFILE_PROBER_H_
#define MASKPROOF_PROPERTIES_PROFILE_PROBER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "properties/case/case.h"
#include "properties/subjects/subject.h"

namespace maskproof {

// One query per batch, one head. Every key is visible.
struct Probe {
  int64_t batch = 1;         // B
  int64_t keys = 1;          // T
  int64_t head_size = 1;     // H
  int64_t value_size = 1;    // Hv
  std::vector<float> query;  // (B, H)
  std::vector<float> key;    // (B, T, H)
  std::vector<float> value;  // (B, T, Hv)
  std::vector<float> bias;   // (B, T), added to the scores; empty: none
  float scale = 1.0F;
};

class Prober {
 public:
  explicit Prober(Subject& subject);

  // Kernels may compute in another way when they have many rows, or wide heads: the query stands in
  // the case so many times, and zeros fill its lanes and those of the values up to `least_size`.
  void UseSizes(int64_t copies, int64_t least_size) {
    copies_ = copies;
    least_size_ = least_size;
  }
  // Whether the operator takes a bias beside given keys and values.
  bool TakesBias() const { return op_ == Op::kCore; }

  // (B, Hv) of the first copy. Nothing if the subject did not give an output of that shape; the
  // reason is kept.
  std::optional<std::vector<float>> Run(const Probe& probe);
  const std::string& failure() const { return failure_; }

 private:
  Case CoreCase(const Probe& probe) const;
  Case AttentionCase(const Probe& probe) const;

  Subject& subject_;
  Op op_ = Op::kCore;
  int64_t copies_ = 1;
  int64_t least_size_ = 1;
  bool gives_scale_ = true;  // as an attribute
  std::string failure_;
};

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_PROFILE_PROBER_H_
