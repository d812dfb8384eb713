#pragma once

#include <array>
#include <cstdint>

namespace aface {

// Relative weights in [low, high] as 16 bits on a logarithmic scale: a code more is a fixed factor more,
// which is under 1.0005 even where high / low = 1e12, and 1.00007 at 80. Multiplying a weight is adding
// codes, so bounds are met exactly, nothing gets stuck on rounding, and the same changes give the same code
// in whatever order the factors come.
class WeightCodes {
 public:
  using Code = std::uint16_t;
  static constexpr Code kNothing = 0;  // weight zero; every other code stands for a positive weight

  // 0 < low <= 1 <= high, finite.
  WeightCodes(double low, double high);

  Code low() const { return low_; }
  Code one() const { return one_; }  // of weight 1, exactly
  Code high() const { return high_; }

  double weight(Code code) const { return code == kNothing ? 0 : coarse_[code >> 8] * fine_[code & 255]; }
  // Codes that `factor` moves a weight by, to the nearest; at least one unless the factor is 1.
  int steps(double factor) const;
  Code moved(Code code, int steps) const;  // within low() .. high()

 private:
  double log_step_ = 0;  // natural logarithm of a code's factor; 0 when low = high
  Code low_ = 1;
  Code one_ = 1;
  Code high_ = 1;
  // weight = coarse * fine: two tables that stay in the first cache, where one of 65536 entries would not.
  std::array<double, 256> coarse_{};
  std::array<double, 256> fine_{};
};

}  // namespace aface
