#include "aface/train/learning_rate.h"

#include <algorithm>
#include <cmath>

#include "aface/core/check.h"

namespace aface {

double learning_rate_share(const OptimizerOptions& options, std::int64_t step, std::int64_t total_steps) {
  if (step < options.warmup_steps) {
    return static_cast<double>(step + 1) / static_cast<double>(options.warmup_steps);
  }
  const double length = static_cast<double>(std::max<std::int64_t>(1, total_steps - options.warmup_steps));
  const double progress = std::min(1.0, static_cast<double>(step - options.warmup_steps) / length);
  if (options.schedule == "constant") return 1.0;
  if (options.schedule == "cosine") {
    const double wave = 0.5 * (1.0 + std::cos(3.14159265358979323846 * progress));
    return options.final_share + (1.0 - options.final_share) * wave;
  }
  if (options.schedule == "polynomial") {
    return options.final_share + (1.0 - options.final_share) * std::pow(1.0 - progress, options.power);
  }
  AFACE_CHECK(options.schedule == "step", "schedule '{}'", options.schedule);
  const double share_of_run = static_cast<double>(step) / static_cast<double>(total_steps);
  const auto passed = std::count_if(options.milestones.begin(), options.milestones.end(),
                                    [&](double milestone) { return share_of_run >= milestone; });
  return std::pow(options.gamma, static_cast<double>(passed));
}

}  // namespace aface
