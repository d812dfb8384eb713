#pragma once

#include <cstdint>

namespace aface {

// Turns positive real weights into the integers of a WeightTree: the largest becomes 2^32 - 1, the others keep their
// ratio to it, rounded to whole units.
class WeightScale {
 public:
  // Throws Error{kUsage} when the smallest weight would be under 16 units (rounding would bend it by more than 3 %).
  WeightScale(double smallest, double largest);

  std::uint32_t units(double weight) const;  // at least 1

 private:
  double units_per_weight_;
  double largest_;
};

}  // namespace aface
