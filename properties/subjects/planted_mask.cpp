#include "properties/subjects/planted_mask.h"

#include <algorithm>
#include <utility>

namespace maskproof::planted {

MaskReader::MaskReader(const Problem& p) : p_(p) {
  if (!p.HasTensor(TensorId::kMaskIndex)) return;
  const Dims& dims = p.DimsOf(TensorId::kMaskIndex);
  values_ = static_cast<const int32_t*>(p.bound[TensorId::kMaskIndex].data);
  if (values_ == nullptr) return;
  one_row_ = dims[0] == 1;
  if (dims.size() == 1) {
    const bool spans =
        p.Has(Defect::kCumulativeAsSpans) ? dims[0] != p.g.batch : dims[0] == 2 * p.g.batch;
    form_ = spans ? Form::kEndsStarts : Form::kLengths;
  } else if (dims.size() == 3) {
    form_ = Form::kQueriesKeys;
  } else {
    form_ = dims == Dims{p.g.batch, p.g.total} ? Form::kKeys : Form::kDummy;
  }
}

bool MaskReader::Keeps(int32_t value) const {
  if (p_.Has(Defect::kMaskEqualsOne)) return value == 1;
  if (p_.Has(Defect::kMaskNonzero)) return value != 0;
  if (p_.Has(Defect::kMaskAsInt8)) return static_cast<int8_t>(value) > 0;
  return value > 0;
}

bool MaskReader::KeepsAt(int64_t index) const {
  if (p_.Has(Defect::kMaskAsBytes)) {
    return reinterpret_cast<const uint8_t*>(values_)[index] != 0;
  }
  return Keeps(values_[index]);
}

bool MaskReader::PaddedByValue(int64_t b, int64_t s, int64_t t) const {
  const int64_t total = p_.g.total;
  const int64_t sequence = p_.g.sequence;
  switch (form_) {
    case Form::kNone:
      return false;
    case Form::kLengths: {
      const int64_t least = p_.Has(Defect::kLengthAtLeastOne) ? 1 : 0;
      const bool beyond = t >= std::max<int64_t>(values_[b], least);
      return p_.Has(Defect::kLengthVsSequence) ? beyond && t < sequence : beyond;
    }
    case Form::kEndsStarts: {
      int64_t end = values_[b];
      int64_t start = values_[p_.g.batch + b];
      if (p_.Has(Defect::kStartEndSwapped)) std::swap(start, end);
      if (p_.Has(Defect::kEndInclusive)) ++end;
      if (p_.Has(Defect::kStartAtLeastOne)) start = std::max<int64_t>(start, 1);
      if (p_.Has(Defect::kSpanWraps) && static_cast<int32_t>(end - start) < 0) return true;
      return t < start || t >= end;
    }
    case Form::kKeys: {
      const int64_t stride = p_.Has(Defect::kMaskRowStride) ? sequence : total;
      return !KeepsAt(b * stride + t);
    }
    case Form::kQueriesKeys: {
      const int64_t item = p_.Has(Defect::kMask3dBatch) ? 0 : b;
      const int64_t row = p_.Has(Defect::kMask3dFirstRow) ? 0 : s;
      return !KeepsAt((item * sequence + row) * total + t);
    }
    case Form::kDummy:
      return p_.Has(Defect::kDummyMaskUsed) && !Keeps(values_[one_row_ ? 0 : b]);
  }
  return false;
}

bool MaskReader::Padded(int64_t b, int64_t s, int64_t t) const {
  if (p_.Has(Defect::kLastRowUnmasked) && s == p_.g.sequence - 1) return false;
  if (p_.Has(Defect::kKeyZeroKept) && t == 0) return false;
  if (p_.Has(Defect::kDecodeIgnoresPastMask) && p_.g.sequence == 1 && t < p_.g.past) return false;
  if (p_.Has(Defect::kOddBatches)) b %= 2;
  if (p_.Has(Defect::kMaskShift32)) t = t / kMaskWord * kMaskWord + t % (kMaskWord / 2);
  if (PaddedByValue(b, s, t)) return true;
  if (p_.Has(Defect::kBit63) && p_.g.total % kMaskWord == 0 && t == p_.g.total - 1) return true;
  if (p_.Has(Defect::kTileMaskFromFirstRow)) return TilePadded(b, s, t, kTileRows, kLanes);
  if (p_.Has(Defect::kTileMask64)) return TilePadded(b, s, t, kLargeTileRows, kMaskWord);
  return false;
}

bool MaskReader::TilePadded(int64_t b, int64_t s, int64_t t, int64_t rows, int64_t keys) const {
  const int64_t first_row = s / rows * rows;
  const int64_t first_key = t / keys * keys;
  for (int64_t key = first_key; key < first_key + keys && key < p_.g.total; ++key) {
    if (!PaddedByValue(b, first_row, key)) return false;
  }
  return true;
}

bool MaskReader::Future(int64_t s, int64_t t) const {
  if (!p_.causal) return false;
  if (p_.Has(Defect::kCausalOnlyWhenSquare) && p_.g.past > 0) return false;
  if (p_.Has(Defect::kCausalOrPadding) && form_ != Form::kNone && form_ != Form::kDummy) {
    return false;
  }
  const int64_t self = p_.Has(Defect::kCausalNoPast) ? s : p_.g.past + s;
  if (p_.Has(Defect::kCausalBlocks)) return t / kLanes * kLanes > self;
  if (p_.Has(Defect::kCausalStrict)) return t >= self;
  if (p_.Has(Defect::kCausalLax)) return t > self + 1;
  return t > self;
}

}  // namespace maskproof::planted
