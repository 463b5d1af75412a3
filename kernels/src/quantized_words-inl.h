// Words of 8-bit values, the instructions that multiply them, and their packing. Included once per
// target.
//
// AVX3_DL implies VNNI: four bytes to a word, x unsigned and w signed. Each product is within 16
// bits and the sum of four is added to an int32 without saturation. Other targets pack two int16 to
// a word. (The instruction for unsigned with signed bytes that AVX2 has saturates: it is of no
// use.)
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "hwy/highway.h"
#include "vector-inl.h"

#if defined(MASKPROOF_KERNELS_SRC_QUANTIZED_WORDS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef MASKPROOF_KERNELS_SRC_QUANTIZED_WORDS_INL_H_
#undef MASKPROOF_KERNELS_SRC_QUANTIZED_WORDS_INL_H_
#else
#define MASKPROOF_KERNELS_SRC_QUANTIZED_WORDS_INL_H_
#endif

// Highway's attributes of AVX3_DL lack the one of VNNI, and those of AMX, which are used only where
// AmxIsUsable().
#undef MASKPROOF_BEFORE_QUANTIZED_NAMESPACE
#if HWY_TARGET == HWY_AVX3_DL
#define MASKPROOF_BEFORE_QUANTIZED_NAMESPACE()                        \
  HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",avx512vnni,amx-tile,amx-int8") \
  static_assert(true, "For requiring trailing semicolon")
#else
#define MASKPROOF_BEFORE_QUANTIZED_NAMESPACE() HWY_BEFORE_NAMESPACE()
#endif

MASKPROOF_BEFORE_QUANTIZED_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

#if HWY_TARGET == HWY_AVX3_DL

inline constexpr int64_t kWordDepths = 4;
inline constexpr int32_t kSignedInputShift = 128;
inline constexpr int32_t kUnsignedWeightShift = -128;
inline constexpr int32_t kWordOfOnes = 0x01010101;

// Adds the products of one word per lane to a total.
HWY_INLINE void AddProducts(IntVector x, IntVector w, IntVector& sum, IntVector& /*more*/) {
  sum = IntVector{_mm512_dpbusd_epi32(sum.raw, x.raw, w.raw)};
}

HWY_INLINE IntVector TotalOf(IntVector sum, IntVector /*more*/) { return sum; }

// A word of the first `count` values at `from`, then zeros or whatever else: the weights there are
// zeros. Flipping the top bit shifts by 128.
template <typename Byte>
HWY_INLINE int32_t PackInputWord(const Byte* from, int64_t count) {
  uint32_t word = 0;
  std::memcpy(&word, from, static_cast<size_t>(count));
  return static_cast<int32_t>(word ^ (std::is_signed_v<Byte> ? 0x80808080U : 0U));
}

// 16 weights, shifted by kUnsignedWeightShift if they are unsigned.
template <typename Byte>
HWY_INLINE hn::Vec<hn::Full128<uint8_t>> LoadWeights(const Byte* from) {
  const hn::Full128<uint8_t> d8;
  const auto flip = hn::Set(d8, std::is_signed_v<Byte> ? uint8_t{0} : uint8_t{0x80});
  return hn::Xor(hn::LoadU(d8, reinterpret_cast<const uint8_t*>(from)), flip);
}

// The words of one panel at one depth. rows: kWordDepths rows of 2 vectors' lanes of weights.
template <typename Byte>
HWY_INLINE void PackWeightWords(const Byte* const* rows, int32_t* HWY_RESTRICT words) {
  const hn::Full128<uint8_t> d8;
  const hn::Full128<uint16_t> d16;
  const hn::Full128<int32_t> d32;
  constexpr int64_t kBytes = 16;
  for (int64_t column = 0; column < 2 * FloatLanes(); column += kBytes) {
    const auto row0 = LoadWeights(rows[0] + column);
    const auto row1 = LoadWeights(rows[1] + column);
    const auto row2 = LoadWeights(rows[2] + column);
    const auto row3 = LoadWeights(rows[3] + column);
    const auto low01 = hn::BitCast(d16, hn::InterleaveLower(d8, row0, row1));
    const auto low23 = hn::BitCast(d16, hn::InterleaveLower(d8, row2, row3));
    const auto high01 = hn::BitCast(d16, hn::InterleaveUpper(d8, row0, row1));
    const auto high23 = hn::BitCast(d16, hn::InterleaveUpper(d8, row2, row3));
    hn::Store(hn::BitCast(d32, hn::InterleaveLower(d16, low01, low23)), d32, words + column);
    hn::Store(hn::BitCast(d32, hn::InterleaveUpper(d16, low01, low23)), d32, words + column + 4);
    hn::Store(hn::BitCast(d32, hn::InterleaveLower(d16, high01, high23)), d32, words + column + 8);
    hn::Store(hn::BitCast(d32, hn::InterleaveUpper(d16, high01, high23)), d32, words + column + 12);
  }
}

#else  // HWY_TARGET != HWY_AVX3_DL

inline constexpr int64_t kWordDepths = 2;
inline constexpr int32_t kSignedInputShift = 0;
inline constexpr int32_t kUnsignedWeightShift = 0;
inline constexpr int32_t kWordOfOnes = 0x00010001;

// Adds the products of one word per lane to a total that is kept in two vectors, because some
// instruction sets multiply the two halves of a vector apart.
HWY_INLINE void AddProducts(IntVector x, IntVector w, IntVector& sum, IntVector& more) {
#if HWY_TARGET == HWY_SCALAR
  const IntVector even =
      hn::Mul(hn::ShiftRight<16>(hn::ShiftLeft<16>(x)), hn::ShiftRight<16>(hn::ShiftLeft<16>(w)));
  sum = hn::Add(sum, even);
  more = hn::Add(more, hn::Mul(hn::ShiftRight<16>(x), hn::ShiftRight<16>(w)));
#else
  const IntTag d;
  const hn::Repartition<int16_t, IntTag> d16;
  sum = hn::ReorderWidenMulAccumulate(d, hn::BitCast(d16, x), hn::BitCast(d16, w), sum, more);
#endif
}

HWY_INLINE IntVector TotalOf(IntVector sum, IntVector more) {
#if HWY_TARGET == HWY_SCALAR
  return hn::Add(sum, more);
#else
  return hn::RearrangeToOddPlusEven(sum, more);
#endif
}

// A word of the first `count` values at `from`, then zeros.
template <typename Byte>
HWY_INLINE int32_t PackInputWord(const Byte* from, int64_t count) {
  const uint32_t odd = count > 1 ? static_cast<uint32_t>(from[1]) : 0U;
  return static_cast<int32_t>((static_cast<uint32_t>(from[0]) & 0xFFFFU) | odd << 16);
}

// The words of one panel at one depth. rows: kWordDepths rows of 2 vectors' lanes of weights.
template <typename Byte>
HWY_INLINE void PackWeightWords(const Byte* const* rows, int32_t* HWY_RESTRICT words) {
  const IntTag d;
  const hn::Rebind<Byte, IntTag> bytes;
  const IntVector low_half = hn::Set(d, 0xFFFF);
  const int64_t lanes = FloatLanes();
  for (int64_t half = 0; half < 2 * lanes; half += lanes) {
    const IntVector even = hn::PromoteTo(d, hn::LoadU(bytes, rows[0] + half));
    const IntVector odd = hn::PromoteTo(d, hn::LoadU(bytes, rows[1] + half));
    hn::Store(hn::Or(hn::And(even, low_half), hn::ShiftLeft<16>(odd)), d, words + half);
  }
}

#endif  // HWY_TARGET

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
