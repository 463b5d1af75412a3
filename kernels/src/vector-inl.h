// Vector types and small helpers of every kernel file. Included once per target.
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "hwy/highway.h"

#if defined(MASKPROOF_KERNELS_SRC_VECTOR_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKPROOF_KERNELS_SRC_VECTOR_INL_H_
#undef MASKPROOF_KERNELS_SRC_VECTOR_INL_H_
#else
#define MASKPROOF_KERNELS_SRC_VECTOR_INL_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// At most 16 lanes, so that two vectors of keys never exceed a mask word and buffers for a tail can
// have a fixed size, also where vectors are scalable.
inline constexpr int64_t kMostLanes = 16;
// Floats of a cache line.
inline constexpr int64_t kLineFloats = 16;

using FloatTag = hn::CappedTag<float, kMostLanes>;
using IntTag = hn::RebindToSigned<FloatTag>;
using FloatVector = hn::Vec<FloatTag>;
using IntVector = hn::Vec<IntTag>;

HWY_INLINE int64_t FloatLanes() { return static_cast<int64_t>(hn::Lanes(FloatTag())); }

// The first `count` lanes from memory of exactly that size, then zeros.
HWY_INLINE FloatVector LoadPartial(const float* from, int64_t count) {
  const FloatTag d;
  if (count >= FloatLanes()) return hn::LoadU(d, from);
  HWY_ALIGN float buffer[kMostLanes] = {};
  std::memcpy(buffer, from, static_cast<size_t>(count) * sizeof(float));
  return hn::Load(d, buffer);
}

// Sign and payload of a NaN depend on operand order, which may differ between a tile and its tail.
// Every NaN that leaves the library is this one, so that equal rows have equal bits.
HWY_INLINE FloatVector CanonicalNaN(FloatVector v) {
  const FloatTag d;
  const hn::RebindToUnsigned<FloatTag> du;
  return hn::IfThenElse(hn::Eq(v, v), v, hn::BitCast(d, hn::Set(du, uint32_t{0x7FC00000})));
}

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
