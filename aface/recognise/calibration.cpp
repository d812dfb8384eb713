#include "aface/recognise/calibration.h"

#include <cmath>

#include "aface/eval/far_targets.h"

namespace aface {

Calibration calibration_of(const std::string& measured_on, std::int64_t genuine, std::int64_t impostor,
                           const std::vector<TarAtFar>& measured) {
  Calibration calibration{measured_on, genuine, impostor, {}};
  for (const TarAtFar& row : measured) {
    const bool is_measured = unmeasurable_far(row.far, static_cast<std::uint64_t>(impostor)).empty();
    if (is_measured && std::isfinite(row.threshold))
      calibration.thresholds.push_back({row.far, row.threshold, row.tar});
  }
  return calibration;
}

}  // namespace aface
