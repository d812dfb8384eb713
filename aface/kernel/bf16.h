#pragma once

#include <cstdint>
#include <cstring>

namespace aface {

// A bfloat16 as memory holds it: the upper half of a float32.
struct Bf16 {
  std::uint16_t bits;
};
static_assert(sizeof(Bf16) == 2);

// Without branches, so that loops over them become vector code.
inline float to_float(float value) { return value; }
inline float to_float(Bf16 value) {
  const std::uint32_t bits = static_cast<std::uint32_t>(value.bits) << 16;
  float result = 0;
  std::memcpy(&result, &bits, sizeof(result));
  return result;
}

template <class Value>
Value from_float(float value);
template <>
inline float from_float<float>(float value) {
  return value;
}
// To nearest, ties to even; infinities stay what they are, a NaN becomes the quiet one of its sign.
template <>
inline Bf16 from_float<Bf16>(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof(bits));
  const std::uint32_t rounded = (bits + 0x7FFFU + ((bits >> 16) & 1U)) >> 16;
  const std::uint32_t quiet = ((bits >> 16) & 0x8000U) | 0x7FC0U;
  return {static_cast<std::uint16_t>((bits & 0x7FFFFFFFU) > 0x7F800000U ? quiet : rounded)};
}

}  // namespace aface
