#include "aface/eval/blufr_rule.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

#include "aface/eval/far_targets.h"

namespace aface {
namespace {

double margin() { return std::sqrt(std::numeric_limits<double>::epsilon()); }

}  // namespace

std::int64_t accepted_impostors(double far, std::int64_t impostors) {
  return std::llround(far * static_cast<double>(impostors));
}

double blufr_threshold(double far, std::int64_t impostors,
                       const std::function<float(std::int64_t)>& kth_impostor,
                       const std::vector<float>& genuine) {
  const std::int64_t k = accepted_impostors(far, impostors);
  if (k == 0) {
    const float highest = kth_impostor(1);
    const std::int64_t above =
        std::lower_bound(genuine.begin(), genuine.end(), highest, std::greater<float>()) -
        genuine.begin();  // genuine scores that are strictly higher
    if (above == 0) return highest + margin();
    return (static_cast<double>(highest) + genuine[static_cast<std::size_t>(above - 1)]) / 2;
  }
  if (k == impostors) return std::min<double>(kth_impostor(impostors), genuine.back()) - margin();
  return kth_impostor(k);
}

std::int64_t count_at_or_above(const std::vector<float>& falling, double threshold) {
  return std::partition_point(falling.begin(), falling.end(),
                              [&](float score) { return score >= threshold; }) -
         falling.begin();
}

std::vector<double> blufr_far_grid(int lowest_exponent) {
  std::vector<double> grid = decade_grid(lowest_exponent);
  grid.insert(grid.begin(), 0);
  grid.push_back(1);
  return grid;
}

std::vector<std::int32_t> blufr_ranks() {
  return {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100};
}

}  // namespace aface
