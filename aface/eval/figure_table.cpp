#include "aface/eval/figure_table.h"

#include <fmt/core.h>

#include <cmath>

#include "aface/eval/identity_bootstrap.h"

namespace aface {
namespace {

std::string number(double value, bool is_share) {
  return is_share ? fmt::format("{:.2f}", 100 * value) : fmt::format("{:.4f}", value);
}

}  // namespace

std::string figure_table(const std::vector<Figure>& figures) {
  std::string text;
  for (const Figure& figure : figures) {
    if (!figure.unmeasurable.empty()) {
      text += fmt::format("{:<30}cannot be measured: {}\n", figure.name, figure.unmeasurable);
      continue;
    }
    const bool is_share = figure.name.rfind("threshold", 0) != 0;
    text += fmt::format("{:<30}{:>9}", figure.name + (is_share ? " %" : ""), number(figure.value, is_share));
    if (!figure.replicates.empty()) {
      const Interval interval = interval_of(figure);
      text += std::isnan(interval.low) ? "  [no interval: too few draws hold enough impostors]"
                                       : fmt::format("  [{}, {}]", number(interval.low, is_share),
                                                     number(interval.high, is_share));
    }
    text += "\n";
  }
  return text;
}

}  // namespace aface
