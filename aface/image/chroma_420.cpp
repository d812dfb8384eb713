#include "aface/image/chroma_420.h"

#ifdef __AVX2__
#if defined(__GNUC__) && !defined(__clang__)
// g++ 12 takes the "undefined" operand in its own header for a mistake (GCC bug 105593).
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"  // what it calls it under the sanitizer
#endif
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace aface {
namespace {

// The conversion of ITU-R BT.601 as libjpeg rounds it, cb and cr less 128:
//   r = y + 1.40200 cr,  g = y - 0.34414 cb - 0.71414 cr,  b = y + 1.77200 cb
// Products are of 16 bits with sign, so whole multiples are taken out of the factors.
constexpr int fixed(double value) { return static_cast<int>(value * 65536 + 0.5); }
constexpr short kRedOfRed = static_cast<short>(fixed(0.40200));     // + cr
constexpr short kBlueOfBlue = static_cast<short>(-fixed(0.22800));  // + 2 cb
constexpr short kGreenOfBlue = static_cast<short>(-fixed(0.34414));
constexpr short kGreenOfRed = static_cast<short>(fixed(0.28586));      // - cr
constexpr int kGreen = (kGreenOfRed << 16) | (kGreenOfBlue & 0xFFFF);  // one factor for a pair cb, cr

// Where the bytes of pixels stand after pack(): in each sixteen, eight of even pixels and then eight of odd
// ones.
constexpr int packed_place(int pixel) { return pixel / 16 * 16 + pixel % 16 / 2 + pixel % 2 * 8; }

// Without a call for chips whose width is a multiple of 16.
void store_first(const std::uint8_t* from, int bytes, std::uint8_t* out) {
  for (; bytes >= 16; bytes -= 16, from += 16, out += 16) std::memcpy(out, from, 16);
  if (bytes > 0) std::memcpy(out, from, static_cast<std::size_t>(bytes));
}

// Registers of 16-bit values.
struct Avx2 {
  using Words = __m256i;
  static constexpr int kWords = 16;
  static Words widen(const std::uint8_t* bytes) {
    return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(bytes)));
  }
  static Words load(const void* at) { return _mm256_loadu_si256(static_cast<const __m256i*>(at)); }
  static void store(void* at, Words a) { _mm256_storeu_si256(static_cast<__m256i*>(at), a); }
  static Words all(short value) { return _mm256_set1_epi16(value); }
  static Words all_pairs(int pair) { return _mm256_set1_epi32(pair); }
  static Words add(Words a, Words b) { return _mm256_add_epi16(a, b); }
  static Words subtract(Words a, Words b) { return _mm256_sub_epi16(a, b); }
  static Words high_product(Words a, Words b) { return _mm256_mulhi_epi16(a, b); }
  static Words half(Words a) { return _mm256_srai_epi16(a, 1); }
  static Words sixteenth(Words a) { return _mm256_srli_epi16(a, 4); }
  static Words low_bytes(Words a) { return _mm256_and_si256(a, all(255)); }
  static Words high_bytes(Words a) { return _mm256_srli_epi16(a, 8); }
  // (a f.low + b f.high + 2^15) / 2^16
  static Words sum_of_products(Words a, Words b, Words factors) {
    const auto rounded = [&](Words pairs) {
      return _mm256_srai_epi32(
          _mm256_add_epi32(_mm256_madd_epi16(pairs, factors), _mm256_set1_epi32(1 << 15)), 16);
    };
    return _mm256_packs_epi32(rounded(_mm256_unpacklo_epi16(a, b)), rounded(_mm256_unpackhi_epi16(a, b)));
  }
  static Words pack(Words even, Words odd) { return _mm256_packus_epi16(even, odd); }

  // 32 pixels of three bytes, of which `bytes` are there.
  static void store_pixels(Words red, Words green, Words blue, int bytes, std::uint8_t* out) {
    struct Index {
      std::uint8_t of[3][3][16];
    };
    alignas(16) static constexpr Index kIndex = [] {
      Index index{};
      for (int part = 0; part < 3; ++part) {
        for (int i = 0; i < 16; ++i) {
          const int at = part * 16 + i;
          for (int c = 0; c < 3; ++c) {
            index.of[part][c][i] =
                static_cast<std::uint8_t>(at % 3 == c ? packed_place(at / 3) : 0x80);  // 0x80: zero
          }
        }
      }
      return index;
    }();
    std::uint8_t pixels[96];
    std::uint8_t* to = bytes >= 96 ? out : pixels;
    for (int part = 0; part < 3; ++part) {
      const auto pick = [&](Words channel, int c) {
        return _mm256_shuffle_epi8(channel, _mm256_broadcastsi128_si256(_mm_load_si128(
                                                reinterpret_cast<const __m128i*>(kIndex.of[part][c]))));
      };
      const Words both = _mm256_or_si256(pick(red, 0), _mm256_or_si256(pick(green, 1), pick(blue, 2)));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + part * 16), _mm256_castsi256_si128(both));
      _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 48 + part * 16), _mm256_extracti128_si256(both, 1));
    }
    if (to == pixels) store_first(pixels, bytes, out);
  }
};

#ifdef __AVX512VBMI__
struct Avx512 {
  using Words = __m512i;
  static constexpr int kWords = 32;
  static Words widen(const std::uint8_t* bytes) {
    return _mm512_cvtepu8_epi16(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(bytes)));
  }
  static Words load(const void* at) { return _mm512_loadu_si512(at); }
  static void store(void* at, Words a) { _mm512_storeu_si512(at, a); }
  static Words all(short value) { return _mm512_set1_epi16(value); }
  static Words all_pairs(int pair) { return _mm512_set1_epi32(pair); }
  static Words add(Words a, Words b) { return _mm512_add_epi16(a, b); }
  static Words subtract(Words a, Words b) { return _mm512_sub_epi16(a, b); }
  static Words high_product(Words a, Words b) { return _mm512_mulhi_epi16(a, b); }
  static Words half(Words a) { return _mm512_srai_epi16(a, 1); }
  static Words sixteenth(Words a) { return _mm512_srli_epi16(a, 4); }
  static Words low_bytes(Words a) { return _mm512_and_si512(a, all(255)); }
  static Words high_bytes(Words a) { return _mm512_srli_epi16(a, 8); }
  static Words sum_of_products(Words a, Words b, Words factors) {
    const auto rounded = [&](Words pairs) {
      return _mm512_srai_epi32(
          _mm512_add_epi32(_mm512_madd_epi16(pairs, factors), _mm512_set1_epi32(1 << 15)), 16);
    };
    return _mm512_packs_epi32(rounded(_mm512_unpacklo_epi16(a, b)), rounded(_mm512_unpackhi_epi16(a, b)));
  }
  static Words pack(Words even, Words odd) { return _mm512_packus_epi16(even, odd); }

  // 64 pixels, of which `bytes` bytes are there.
  static void store_pixels(Words red, Words green, Words blue, int bytes, std::uint8_t* out) {
    struct Index {
      std::uint8_t red_green[3][64], blue[3][64];
      std::uint64_t is_blue[3];
    };
    alignas(64) static constexpr Index kIndex = [] {
      Index index{};
      for (int part = 0; part < 3; ++part) {
        for (int i = 0; i < 64; ++i) {
          const int at = part * 64 + i, place = packed_place(at / 3);
          index.red_green[part][i] = static_cast<std::uint8_t>(place + (at % 3 == 1 ? 64 : 0));
          index.blue[part][i] = static_cast<std::uint8_t>(place);
          if (at % 3 == 2) index.is_blue[part] |= std::uint64_t{1} << i;
        }
      }
      return index;
    }();
    for (int part = 0; part < 3; ++part, out += 64, bytes -= 64) {
      if (bytes <= 0) return;
      Words pixels = _mm512_permutex2var_epi8(red, _mm512_load_si512(kIndex.red_green[part]), green);
      pixels = _mm512_mask_permutexvar_epi8(pixels, kIndex.is_blue[part],
                                            _mm512_load_si512(kIndex.blue[part]), blue);
      if (bytes >= 64) {
        _mm512_storeu_si512(out, pixels);
      } else {  // not by a mask: stores of chosen bytes take tens of cycles on some processors
        alignas(64) std::uint8_t all[64];
        _mm512_store_si512(all, pixels);
        store_first(all, bytes, out);
      }
    }
  }
};
#endif

template <class V>
struct Colours {
  typename V::Words red, green, blue;
};

template <class V>
Colours<V> convert(typename V::Words luma, typename V::Words cb, typename V::Words cr) {
  const auto twice_cb = V::add(cb, cb), twice_cr = V::add(cr, cr);
  // Half of twice the product, rounded up on the way.
  const auto product = [](typename V::Words twice, short factor) {
    return V::half(V::add(V::high_product(twice, V::all(factor)), V::all(1)));
  };
  const auto red = V::add(product(twice_cr, kRedOfRed), cr);
  const auto blue = V::add(product(twice_cb, kBlueOfBlue), twice_cb);
  const auto green = V::subtract(V::sum_of_products(cb, cr, V::all_pairs(kGreen)), cr);
  return {V::add(red, luma), V::add(green, luma), V::add(blue, luma)};
}

// Two rows of chroma weighted 3 : 1, with the first and the last value going on by one.
template <class V>
void sum_rows(const std::uint8_t* near, const std::uint8_t* far, int width, std::int16_t* sums) {
  for (int i = 0; i < width; i += V::kWords) {
    const auto value = V::widen(near + i);
    V::store(sums + i, V::add(V::add(value, V::add(value, value)), V::widen(far + i)));
  }
  sums[-1] = sums[0];
  sums[width] = sums[width - 1];
}

template <class V>
struct Chroma {
  typename V::Words even, odd;  // of even and odd pixels, less 128
};

// The same along the row.
template <class V>
Chroma<V> between_columns(const std::int16_t* sums) {
  const auto near = V::load(sums);
  const auto thrice = V::add(near, V::add(near, near));
  const auto mean = [&](const std::int16_t* far, short rounding) {
    return V::subtract(V::sixteenth(V::add(V::add(thrice, V::load(far)), V::all(rounding))), V::all(128));
  };
  return {mean(sums - 1, 8), mean(sums + 1, 7)};  // libjpeg's, so that neither side is preferred
}

// Output row y from its rows of sums.
template <class V>
void join_row(const Planes420& planes, int y, const std::int16_t* blue, const std::int16_t* red,
              std::uint8_t* out) {
  const std::uint8_t* luma_row = planes.luma + y * planes.luma_stride;
  for (int i = 0; 2 * i < planes.width; i += V::kWords) {
    const Chroma<V> cb = between_columns<V>(blue + i), cr = between_columns<V>(red + i);
    const auto luma = V::load(luma_row + 2 * i);
    const Colours<V> even = convert<V>(V::low_bytes(luma), cb.even, cr.even);
    const Colours<V> odd = convert<V>(V::high_bytes(luma), cb.odd, cr.odd);
    V::store_pixels(V::pack(even.red, odd.red), V::pack(even.green, odd.green), V::pack(even.blue, odd.blue),
                    3 * planes.width - 6 * i, out + 6 * i);
  }
}

template <class V>
void join_planes(const Planes420& planes, std::vector<std::int16_t>& sums, std::uint8_t* out) {
  // Some rows of sums at a time, as a value that is read right after it was stored, by another register than
  // it was stored from, has to be waited for.
  constexpr int kRowsAtOnce = 8;
  const int chroma_width = (planes.width + 1) / 2, chroma_height = (planes.height + 1) / 2;
  const std::size_t room = static_cast<std::size_t>(chroma_width) + 2 * V::kWords;
  sums.resize(2 * kRowsAtOnce * room + V::kWords);
  std::int16_t* const blue = sums.data() + V::kWords;
  std::int16_t* const red = blue + kRowsAtOnce * room;
  for (int begin = 0; begin < planes.height; begin += kRowsAtOnce) {
    const int end = std::min(begin + kRowsAtOnce, planes.height);
    for (int y = begin; y < end; ++y) {
      const std::int64_t near = y / 2 * planes.chroma_stride;
      const std::int64_t far =
          std::clamp(y % 2 == 0 ? y / 2 - 1 : y / 2 + 1, 0, chroma_height - 1) * planes.chroma_stride;
      const std::size_t at = static_cast<std::size_t>(y - begin) * room;
      sum_rows<V>(planes.blue + near, planes.blue + far, chroma_width, blue + at);
      sum_rows<V>(planes.red + near, planes.red + far, chroma_width, red + at);
    }
    for (int y = begin; y < end; ++y, out += 3 * static_cast<std::size_t>(planes.width)) {
      const std::size_t at = static_cast<std::size_t>(y - begin) * room;
      join_row<V>(planes, y, blue + at, red + at, out);
    }
  }
}

}  // namespace

Span<const JoinKernel> join_kernels() {
  static constexpr JoinKernel kKernels[] = {
#ifdef __AVX512VBMI__
      {"avx512", join_planes<Avx512>},
#endif
      {"avx2", join_planes<Avx2>},
  };
  return {kKernels, std::size(kKernels)};
}

}  // namespace aface
#else
namespace aface {

Span<const JoinKernel> join_kernels() { return {}; }

}  // namespace aface
#endif
