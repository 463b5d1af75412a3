// One query row of the planted subject on its way through logits, softmax and values.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_ROW_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_ROW_H_

#include <cstdint>
#include <vector>

#include "properties/subjects/planted_mask.h"
#include "properties/subjects/planted_problem.h"

namespace maskproof::planted {

struct Row {
  int64_t b = 0, n = 0, s = 0;
  std::vector<float> logit;   // (T)
  std::vector<uint8_t> part;  // (T) whether the key takes part in the softmax
  std::vector<float> weight;  // (T)
  std::vector<float> memory;  // (N,S,T) weights of the last batch item: stale-scratch only
  float last_sum = 0.0F;      // of the row before: stale-sum only

  bool AnyPart() const;
};

// planted_logits.cpp: logits of all keys, and which of them take part.
void FillLogits(const Problem& p, const MaskReader& mask, Row& row);

// planted_softmax.cpp: the weights of the keys that take part; 0 for the others.
void FillWeights(const Problem& p, Row& row);
// planted_online.cpp: the same in one pass over blocks of keys, straight to the output row.
void OnlineRow(const Problem& p, const Row& row, float* out);

}  // namespace maskproof::planted

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_ROW_H_
