#include "aface/sampling/weight_codes.h"

#include <algorithm>
#include <cmath>

#include "aface/core/check.h"

namespace aface {
namespace {

constexpr int kMostSteps = 65534;  // between the codes 1 and 65535

}  // namespace

WeightCodes::WeightCodes(double low, double high) {
  AFACE_CHECK(low > 0 && low <= 1 && high >= 1 && std::isfinite(high), "weights from {} to {}", low, high);
  const double below = -std::log(low), above = std::log(high);
  int steps_below = 0;
  if (below + above > 0) {
    // Whole steps on either side of 1, at least one on a side that is there at all.
    steps_below = static_cast<int>(std::lround(kMostSteps * below / (below + above)));
    steps_below = std::clamp(steps_below, below > 0 ? 1 : 0, above > 0 ? kMostSteps - 1 : kMostSteps);
    const int steps_above = kMostSteps - steps_below;
    log_step_ =
        std::max(steps_below > 0 ? below / steps_below : 0, steps_above > 0 ? above / steps_above : 0);
  }
  one_ = static_cast<Code>(1 + steps_below);
  low_ = static_cast<Code>(one_ - (log_step_ > 0 ? std::lround(below / log_step_) : 0));
  high_ = static_cast<Code>(one_ + (log_step_ > 0 ? std::lround(above / log_step_) : 0));
  // Around the code of 1, so that its weight is exactly 1.
  const int first_coarse = one_ >> 8, first_fine = one_ & 255;
  for (int i = 0; i < 256; ++i) {
    coarse_[static_cast<std::size_t>(i)] = std::exp((i - first_coarse) * 256 * log_step_);
    fine_[static_cast<std::size_t>(i)] = std::exp((i - first_fine) * log_step_);
  }
}

int WeightCodes::steps(double factor) const {
  if (factor == 1 || log_step_ == 0) return 0;
  const double steps =
      std::clamp(std::round(std::log(factor) / log_step_), -2.0 * kMostSteps, 2.0 * kMostSteps);
  return static_cast<int>(factor < 1 ? std::min(steps, -1.0) : std::max(steps, 1.0));
}

WeightCodes::Code WeightCodes::moved(Code code, int steps) const {
  return static_cast<Code>(std::clamp(code + steps, static_cast<int>(low_), static_cast<int>(high_)));
}

}  // namespace aface
