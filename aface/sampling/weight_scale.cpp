#include "aface/sampling/weight_scale.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "aface/core/check.h"
#include "aface/core/error.h"

namespace aface {
namespace {

constexpr double kMostUnits = std::numeric_limits<std::uint32_t>::max();
constexpr double kLeastUnits = 16;

}  // namespace

WeightScale::WeightScale(double smallest, double largest) : units_per_weight_(kMostUnits / largest), largest_(largest) {
  AFACE_CHECK(smallest > 0 && smallest <= largest && std::isfinite(largest), "weights from {} to {}", smallest, largest);
  if (smallest * units_per_weight_ < kLeastUnits) {
    throw Error(ErrorKind::kUsage,
                fmt::format("sampler: weights spread too far (expected largest / smallest up to {:.3g}, got {:.3g}); use "
                            "a smaller power, bring min_weight and max_weight closer, or turn off sampler.keep_shares, which "
                            "squares their ratio",
                            kMostUnits / kLeastUnits, largest / smallest));
  }
}

std::uint32_t WeightScale::units(double weight) const {
  return static_cast<std::uint32_t>(
      std::clamp(std::round(std::min(weight, largest_) * units_per_weight_), 1.0, kMostUnits));
}

}  // namespace aface
