// Words of 8-bit values, the instructions that multiply them, and their packing. Included once per
// target.
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
// ExtensionIsUsable().
#undef MASKPROOF_BEFORE_QUANTIZED_NAMESPACE
#if HWY_TARGET == HWY_AVX3_DL
#define MASKPROOF_BEFORE_QUANTIZED_NAMESPACE()                                 \
  HWY_PUSH_ATTRIBUTES(HWY_TARGET_STR ",avx512vnni,amx-tile,amx-int8,amx-bf16") \
  static_assert(true, "For requiring trailing semicolon")
#else
#define MASKPROOF_BEFORE_QUANTIZED_NAMESPACE() HWY_BEFORE_NAMESPACE()
#endif

// Where four bytes can be multiplied at a time: always, and where ExtensionIsUsable().
#undef MASKPROOF_BYTES_ALWAYS
#undef MASKPROOF_BYTES_BY_EXTENSION
#define MASKPROOF_BYTES_ALWAYS (HWY_TARGET == HWY_AVX3_DL)
#define MASKPROOF_BYTES_BY_EXTENSION (HWY_TARGET == HWY_NEON && HWY_ARCH_ARM_A64)

// What lets the assembler take dot products. It stays in force to the end of the file, so that
// whatever the compiler may use must be in it, too.
#undef MASKPROOF_ASSEMBLE_DOT_PRODUCT
#if defined(__ARM_FEATURE_DOTPROD)
#define MASKPROOF_ASSEMBLE_DOT_PRODUCT ""
#elif defined(__ARM_FEATURE_SVE)
#define MASKPROOF_ASSEMBLE_DOT_PRODUCT ".arch armv8.4-a+crypto+sve\n\t"
#else
#define MASKPROOF_ASSEMBLE_DOT_PRODUCT ".arch armv8.4-a+crypto\n\t"
#endif

MASKPROOF_BEFORE_QUANTIZED_NAMESPACE();
namespace maskproof::kernels::HWY_NAMESPACE {

#if MASKPROOF_BYTES_ALWAYS || MASKPROOF_BYTES_BY_EXTENSION

// Four bytes to a word: x unsigned, and w signed for the VNNI that AVX3_DL implies, unsigned for
// the dot products of NEON. Values of the other kind are shifted by 128, which flips the top bit.
// The sum of four products is added to an int32 without saturation, or modulo 2^32.
struct Bytes {
  static constexpr int64_t kDepths = 4;
  static constexpr int64_t kTileRows = 14;  // as a vector of totals is one register
  static constexpr bool kWeightsAreSigned = MASKPROOF_BYTES_ALWAYS;
  static constexpr int32_t kSignedInputShift = 128;
  static constexpr int32_t kUnsignedWeightShift = kWeightsAreSigned ? -128 : 0;
  static constexpr int32_t kSignedWeightShift = kWeightsAreSigned ? 0 : 128;
  static constexpr int32_t kOnes = 0x01010101;

  // Adds the products of one word per lane to a total.
  static HWY_INLINE void AddProducts(IntVector x, IntVector w, IntVector& sum,
                                     IntVector& /*more*/) {
#if MASKPROOF_BYTES_ALWAYS
    sum = IntVector{_mm512_dpbusd_epi32(sum.raw, x.raw, w.raw)};
#else
    // Not the intrinsic, which wants the extension for the whole function, where the compiler may
    // then use it for something else.
    __asm__(MASKPROOF_ASSEMBLE_DOT_PRODUCT "udot %0.4s, %1.16b, %2.16b"
            : "+w"(sum.raw)
            : "w"(x.raw), "w"(w.raw));
#endif
  }

  static HWY_INLINE IntVector TotalOf(IntVector sum, IntVector /*more*/) { return sum; }

  // A word of the first `count` values at `from`, then zeros or whatever else: the weights there
  // are zeros.
  template <typename Byte>
  static HWY_INLINE int32_t PackInput(const Byte* from, int64_t count) {
    uint32_t word = 0;
    std::memcpy(&word, from, static_cast<size_t>(count));
    return static_cast<int32_t>(word ^ (std::is_signed_v<Byte> ? 0x80808080U : 0U));
  }

  // The words of one panel at one depth. rows: kDepths rows of 2 vectors' lanes of weights.
  template <typename Byte>
  static HWY_INLINE void PackWeights(const Byte* const* rows, int32_t* HWY_RESTRICT words) {
    const hn::CappedTag<uint8_t, 16> d8;
    const hn::Repartition<uint16_t, decltype(d8)> d16;
    const hn::Repartition<int32_t, decltype(d8)> d32;
    constexpr int64_t kBytes = 16;
    for (int64_t column = 0; column < 2 * FloatLanes(); column += kBytes) {
      const int64_t count = 2 * FloatLanes() - column;
      const auto row0 = LoadWeights(rows[0] + column, count);
      const auto row1 = LoadWeights(rows[1] + column, count);
      const auto row2 = LoadWeights(rows[2] + column, count);
      const auto row3 = LoadWeights(rows[3] + column, count);
      const auto low01 = hn::BitCast(d16, hn::InterleaveLower(d8, row0, row1));
      const auto low23 = hn::BitCast(d16, hn::InterleaveLower(d8, row2, row3));
      int32_t* const to = words + column;
      hn::Store(hn::BitCast(d32, hn::InterleaveLower(d16, low01, low23)), d32, to);
      hn::Store(hn::BitCast(d32, hn::InterleaveUpper(d16, low01, low23)), d32, to + 4);
      if (count < kBytes) break;
      const auto high01 = hn::BitCast(d16, hn::InterleaveUpper(d8, row0, row1));
      const auto high23 = hn::BitCast(d16, hn::InterleaveUpper(d8, row2, row3));
      hn::Store(hn::BitCast(d32, hn::InterleaveLower(d16, high01, high23)), d32, to + 8);
      hn::Store(hn::BitCast(d32, hn::InterleaveUpper(d16, high01, high23)), d32, to + 12);
    }
  }

 private:
  // 16 weights, or 8 if there are no more, shifted if they are of the other kind.
  template <typename Byte>
  static HWY_INLINE hn::Vec<hn::CappedTag<uint8_t, 16>> LoadWeights(const Byte* from,
                                                                    int64_t count) {
    const hn::CappedTag<uint8_t, 16> d8;
    const hn::Half<decltype(d8)> half;
    constexpr bool kFlips = std::is_signed_v<Byte> != kWeightsAreSigned;
    const auto* const bytes = reinterpret_cast<const uint8_t*>(from);
    const auto weights =
        count < 16 ? hn::ZeroExtendVector(d8, hn::LoadU(half, bytes)) : hn::LoadU(d8, bytes);
    return hn::Xor(weights, hn::Set(d8, kFlips ? uint8_t{0x80} : uint8_t{0}));
  }
};

#endif  // MASKPROOF_BYTES_ALWAYS || MASKPROOF_BYTES_BY_EXTENSION

#if !MASKPROOF_BYTES_ALWAYS

// Two int16 to a word. (The instruction for unsigned with signed bytes that AVX2 has saturates: it
// is of no use.)
struct Halves {
  static constexpr int64_t kDepths = 2;
#if HWY_TARGET == HWY_AVX3
  static constexpr int64_t kTileRows = 14;
#elif HWY_TARGET == HWY_AVX2
  static constexpr int64_t kTileRows = 6;
#else
  static constexpr int64_t kTileRows = 4;
#endif
  static constexpr int32_t kSignedInputShift = 0;
  static constexpr int32_t kUnsignedWeightShift = 0;
  static constexpr int32_t kSignedWeightShift = 0;
  static constexpr int32_t kOnes = 0x00010001;

  // Adds the products of one word per lane to a total that is kept in two vectors, because some
  // instruction sets multiply the two halves of a vector apart.
  static HWY_INLINE void AddProducts(IntVector x, IntVector w, IntVector& sum, IntVector& more) {
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

  static HWY_INLINE IntVector TotalOf(IntVector sum, IntVector more) {
#if HWY_TARGET == HWY_SCALAR
    return hn::Add(sum, more);
#else
    return hn::RearrangeToOddPlusEven(sum, more);
#endif
  }

  // A word of the first `count` values at `from`, then zeros.
  template <typename Byte>
  static HWY_INLINE int32_t PackInput(const Byte* from, int64_t count) {
    const uint32_t odd = count > 1 ? static_cast<uint32_t>(from[1]) : 0U;
    return static_cast<int32_t>((static_cast<uint32_t>(from[0]) & 0xFFFFU) | odd << 16);
  }

  // The words of one panel at one depth. rows: kDepths rows of 2 vectors' lanes of weights.
  template <typename Byte>
  static HWY_INLINE void PackWeights(const Byte* const* rows, int32_t* HWY_RESTRICT words) {
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
};

#endif  // !MASKPROOF_BYTES_ALWAYS

// What every machine with this target can do.
#if MASKPROOF_BYTES_ALWAYS
using PlainWords = Bytes;
#else
using PlainWords = Halves;
#endif

}  // namespace maskproof::kernels::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
