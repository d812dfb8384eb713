#include "aface/eval/roc.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "aface/core/error.h"

namespace aface {
namespace {

void require_finite(const std::vector<float>& scores) {
  for (const float score : scores) {
    if (!std::isfinite(score)) {
      throw Error(ErrorKind::kData, "TAR at FAR: a score is not finite; look for zero or NaN embeddings");
    }
  }
}

// The smallest score that is larger than `bound`; infinity if there is none.
float next_score(const std::vector<float>& scores, float bound) {
  float next = std::numeric_limits<float>::infinity();
  for (const float score : scores) {
    if (score > bound) next = std::min(next, score);
  }
  return next;
}

}  // namespace

// The small term takes back the rounding of targets like 0.001 that have no exact double.
std::uint64_t allowed_accepts(double target, std::uint64_t non_mated) {
  return static_cast<std::uint64_t>(std::floor(target * static_cast<double>(non_mated) * (1 + 1e-12)));
}

std::vector<TarAtFar> tar_at_far(std::vector<float> mated, std::vector<float> non_mated,
                                 const std::vector<double>& targets) {
  if (mated.empty() || non_mated.empty()) {
    throw Error(
        ErrorKind::kData,
        fmt::format(
            "TAR at FAR: {} mated and {} non-mated scores (expected some of each); check the pair list",
            mated.size(), non_mated.size()));
  }
  require_finite(mated);
  require_finite(non_mated);

  std::vector<TarAtFar> points;
  for (const double target : targets) {
    if (!(target >= 0 && target <= 1)) {
      throw Error(ErrorKind::kData, fmt::format("TAR at FAR: target {} (expected 0 to 1)", target));
    }
    const std::size_t allowed = allowed_accepts(target, non_mated.size());
    float bound = -std::numeric_limits<float>::infinity();  // the highest score that must be refused
    if (allowed < non_mated.size()) {
      const auto first_refused = non_mated.begin() + static_cast<std::ptrdiff_t>(allowed);
      std::nth_element(non_mated.begin(), first_refused, non_mated.end(), std::greater<float>());
      bound = *first_refused;
    }
    float threshold = std::min(next_score(mated, bound), next_score(non_mated, bound));
    if (std::isinf(threshold)) threshold = std::nextafter(bound, std::numeric_limits<float>::infinity());

    TarAtFar point;
    point.far = target;
    point.threshold = threshold;
    const auto accepted =
        std::count_if(mated.begin(), mated.end(), [&](float score) { return score >= threshold; });
    point.tar = static_cast<double>(accepted) / static_cast<double>(mated.size());
    points.push_back(point);
  }
  return points;
}

}  // namespace aface
