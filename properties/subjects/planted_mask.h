// How the planted subject reads mask_index and unidirectional.
#ifndef MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_MASK_H_
#define MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_MASK_H_

#include <cstdint>

#include "properties/subjects/planted_problem.h"

namespace maskproof::planted {

class MaskReader {
 public:
  explicit MaskReader(const Problem& p);

  // Whether the padding mask hides key t from query s.
  bool Padded(int64_t b, int64_t s, int64_t t) const;
  // Whether key t comes after query s and causality counts.
  bool Future(int64_t s, int64_t t) const;

 private:
  enum class Form : uint8_t { kNone, kLengths, kEndsStarts, kKeys, kQueriesKeys, kDummy };

  bool PaddedByValue(int64_t b, int64_t s, int64_t t) const;
  // Whether the first row of the tile masks all of its keys.
  bool TilePadded(int64_t b, int64_t s, int64_t t, int64_t rows, int64_t keys) const;
  bool Keeps(int32_t value) const;
  bool KeepsAt(int64_t index) const;  // of a raw mask

  const Problem& p_;
  Form form_ = Form::kNone;
  bool one_row_ = false;  // the mask has a single batch item
  const int32_t* values_ = nullptr;
};

}  // namespace maskproof::planted

#endif  // MASKPROOF_PROPERTIES_SUBJECTS_PLANTED_MASK_H_
