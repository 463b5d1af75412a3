// Which query sees which key: the meaning of mask_index, unidirectional and -inf in attention_bias
// together, computed straight from docs/operators.md.
#ifndef MASKPROOF_PROPERTIES_CASE_VISIBILITY_H_
#define MASKPROOF_PROPERTIES_CASE_VISIBILITY_H_

#include <cstdint>
#include <vector>

#include "properties/case/case.h"

namespace maskproof {

class Visibility {
 public:
  // `c` must be valid.
  explicit Visibility(const Case& c);

  bool Sees(int64_t batch, int64_t head, int64_t query, int64_t key) const {
    return seen_[static_cast<size_t>(
               ((batch * heads_ + (per_head_ ? head : 0)) * queries_ + query) * keys_ + key)] != 0;
  }
  // True if no key is visible to the row.
  bool FullyMasked(int64_t batch, int64_t head, int64_t query) const;
  // True if any row of the case is fully masked.
  bool AnyFullyMasked() const;

 private:
  bool per_head_ = false;  // only -inf in a bias that differs by head makes heads differ
  int64_t heads_ = 1;      // 1 unless per_head_
  int64_t queries_ = 0;
  int64_t keys_ = 0;
  std::vector<uint8_t> seen_;
};

}  // namespace maskproof

#endif  // MASKPROOF_PROPERTIES_CASE_VISIBILITY_H_
