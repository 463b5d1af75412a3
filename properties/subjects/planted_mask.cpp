#include "properties/subjects/planted_mask.h"

#include <utility>

namespace maskproof::planted {

MaskReader::MaskReader(const Problem& p) : p_(p) {
  if (!p.HasTensor(TensorId::kMaskIndex)) return;
  const Dims& dims = p.DimsOf(TensorId::kMaskIndex);
  values_ = static_cast<const int32_t*>(p.bound[TensorId::kMaskIndex].data);
  if (values_ == nullptr) return;
  one_row_ = dims[0] == 1;
  if (dims.size() == 1) {
    form_ = dims[0] == 2 * p.g.batch ? Form::kEndsStarts : Form::kLengths;
  } else if (dims.size() == 3) {
    form_ = Form::kQueriesKeys;
  } else {
    form_ = dims == Dims{p.g.batch, p.g.total} ? Form::kKeys : Form::kDummy;
  }
}

bool MaskReader::Keeps(int32_t value) const {
  if (p_.Has(Defect::kMaskEqualsOne)) return value == 1;
  if (p_.Has(Defect::kMaskNonzero)) return value != 0;
  return value > 0;
}

bool MaskReader::PaddedByValue(int64_t b, int64_t s, int64_t t) const {
  const int64_t total = p_.g.total;
  const int64_t sequence = p_.g.sequence;
  switch (form_) {
    case Form::kNone:
      return false;
    case Form::kLengths: {
      const bool beyond = t >= values_[b];
      return p_.Has(Defect::kLengthVsSequence) ? beyond && t < sequence : beyond;
    }
    case Form::kEndsStarts: {
      int64_t end = values_[b];
      int64_t start = values_[p_.g.batch + b];
      if (p_.Has(Defect::kStartEndSwapped)) std::swap(start, end);
      if (p_.Has(Defect::kEndInclusive)) ++end;
      return t < start || t >= end;
    }
    case Form::kKeys: {
      const int64_t stride = p_.Has(Defect::kMaskRowStride) ? sequence : total;
      return !Keeps(values_[b * stride + t]);
    }
    case Form::kQueriesKeys: {
      const int64_t item = p_.Has(Defect::kMask3dBatch) ? 0 : b;
      return !Keeps(values_[(item * sequence + s) * total + t]);
    }
    case Form::kDummy:
      return p_.Has(Defect::kDummyMaskUsed) && !Keeps(values_[one_row_ ? 0 : b]);
  }
  return false;
}

bool MaskReader::Padded(int64_t b, int64_t s, int64_t t) const {
  if (PaddedByValue(b, s, t)) return true;
  if (p_.Has(Defect::kBit63) && p_.g.total % 64 == 0 && t == p_.g.total - 1) return true;
  if (p_.Has(Defect::kTileMaskFromFirstRow)) {
    const int64_t first_row = s / kTileRows * kTileRows;
    const int64_t first_key = t / kLanes * kLanes;
    for (int64_t key = first_key; key < first_key + kLanes && key < p_.g.total; ++key) {
      if (!PaddedByValue(b, first_row, key)) return false;
    }
    return true;
  }
  return false;
}

bool MaskReader::Future(int64_t s, int64_t t) const {
  if (!p_.causal) return false;
  if (p_.Has(Defect::kCausalOnlyWhenSquare) && p_.g.past > 0) return false;
  const int64_t self = p_.Has(Defect::kCausalNoPast) ? s : p_.g.past + s;
  if (p_.Has(Defect::kCausalStrict)) return t >= self;
  if (p_.Has(Defect::kCausalLax)) return t > self + 1;
  return t > self;
}

}  // namespace maskproof::planted
