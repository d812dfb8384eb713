#include "aface/eval/far_targets.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "aface/core/error.h"
#include "aface/eval/roc.h"

namespace aface {
namespace {

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (auto place = static_cast<std::ptrdiff_t>(text.size()) - 3; place > 0; place -= 3) {
    text.insert(static_cast<std::size_t>(place), ",");
  }
  return text;
}

}  // namespace

std::vector<double> checked_targets(std::vector<double> targets) {
  for (const double target : targets) {
    if (!(target > 0 && target <= 1)) {
      throw Error(ErrorKind::kUsage, fmt::format("FAR target {} (expected above 0 and at most 1)", target));
    }
  }
  const auto print_alike = [](double a, double b) {
    return fmt::format("{:g}", a) == fmt::format("{:g}", b);
  };
  std::sort(targets.begin(), targets.end(), std::greater<>());
  targets.erase(std::unique(targets.begin(), targets.end(), print_alike), targets.end());
  return targets;
}

std::string unmeasurable_far(double far, std::uint64_t impostors, const std::string& what) {
  if (allowed_accepts(far, impostors) > 0) return "";
  if (!(far > 0)) return fmt::format("no number of {} is enough for FAR {}", what, far);
  const auto needed = static_cast<std::uint64_t>(std::ceil(1 / far * (1 - 1e-12)));
  return fmt::format("needs {} {}, has {}", with_commas(needed), what, with_commas(impostors));
}

std::string far_figure_name(const std::string& figure, double far) {
  return fmt::format("{}/{}", figure, far);
}

std::vector<double> decade_grid(int lowest_exponent) {
  std::vector<double> grid;
  double unit =
      std::pow(10.0, -lowest_exponent);  // dividing by 10^8 gives the nearest double to 3e-8, multiplying not
  for (int exponent = lowest_exponent; exponent < 0; ++exponent, unit /= 10) {
    for (int digit = 1; digit <= 9; ++digit) grid.push_back(digit / unit);
  }
  return grid;
}

std::vector<double> measurable_grid(std::uint64_t impostors) {
  std::vector<double> grid = decade_grid(-12);
  const auto first = std::find_if(grid.begin(), grid.end(),
                                  [&](double far) { return unmeasurable_far(far, impostors).empty(); });
  grid.erase(grid.begin(), first);
  grid.push_back(1);
  return grid;
}

}  // namespace aface
