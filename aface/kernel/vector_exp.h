#pragma once

#include <cstdint>
#include <cstring>

namespace aface {

// e^x for float32, relative error below 2e-7 where the result is a normal number; smaller x give the smallest normal
// number, larger x the largest finite power. Without branches or calls, so that loops over it become vector code.
inline float vector_exp(float x) {
  // e^x = 2^n e^r with n = round(x / ln 2) and |r| <= ln 2 / 2. ln 2 in two parts, the first short enough that n times
  // it is exact (Cody and Waite). The polynomial is e^r's Taylor series.
  constexpr float kLowest = -87.0F, kHighest = 88.0F;
  constexpr float kPerLn2 = 1.44269504F, kLn2High = 0.693359375F, kLn2Low = -2.12194440e-4F;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  x = x < kLowest ? kLowest : x;
  x = x > kHighest ? kHighest : x;
  const float shifted = x * kPerLn2 + kRound;
  const float n = shifted - kRound;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  float series = 1.0F / 5040;
  series = series * r + 1.0F / 720;
  series = series * r + 1.0F / 120;
  series = series * r + 1.0F / 24;
  series = series * r + 1.0F / 6;
  series = series * r + 0.5F;
  series = series * r + 1.0F;
  series = series * r + 1.0F;
  std::int32_t bits = 0, power = 0;
  std::memcpy(&bits, &series, sizeof(bits));
  std::memcpy(&power, &shifted, sizeof(power));
  bits += power << 23;  // the bits of kRound above the integer are shifted out
  std::memcpy(&series, &bits, sizeof(bits));
  return series;
}

}  // namespace aface
