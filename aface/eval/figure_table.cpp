#include "aface/eval/figure_table.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "aface/eval/identity_bootstrap.h"

namespace aface {
namespace {

std::string number(double value, bool is_share) {
  return is_share ? fmt::format("{:.2f}", 100 * value) : fmt::format("{:.4f}", value);
}

}  // namespace

std::string interval_text(const Figure& figure, double unit, int digits) {
  if (figure.replicates.empty()) return "";
  const Interval interval = interval_of(figure);
  if (std::isnan(interval.low)) return "[none: most draws have no value]";
  return fmt::format("[{:.{}f}, {:.{}f}]", unit * interval.low, digits, unit * interval.high, digits);
}

const Figure* find_figure(const std::vector<Figure>& figures, const std::string& name) {
  const auto found =
      std::find_if(figures.begin(), figures.end(), [&](const Figure& figure) { return figure.name == name; });
  return found == figures.end() ? nullptr : &*found;
}

std::string figure_table(const std::vector<Figure>& figures) {
  std::string text;
  for (const Figure& figure : figures) {
    if (!figure.unmeasurable.empty()) {
      text += fmt::format("{:<30}cannot be measured: {}\n", figure.name, figure.unmeasurable);
      continue;
    }
    const bool is_share = figure.name.rfind("threshold", 0) != 0;
    text += fmt::format("{:<30}{:>9}", figure.name + (is_share ? " %" : ""), number(figure.value, is_share));
    const std::string interval = is_share ? interval_text(figure, 100, 2) : interval_text(figure, 1, 4);
    if (!interval.empty()) text += "  " + interval;
    text += "\n";
  }
  return text;
}

}  // namespace aface
