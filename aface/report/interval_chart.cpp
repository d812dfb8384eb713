#include "aface/report/interval_chart.h"

#include <fmt/core.h>

#include <algorithm>
#include <limits>

#include "aface/report/axis_ticks.h"
#include "aface/report/html.h"

namespace aface {
namespace {

constexpr double kWidth = 380, kLeft = 12, kRight = 16;
constexpr double kNameHeight = 20, kMarkHeight = 12, kGap = 8, kFoot = 24;

AxisRange range_of(const std::vector<IntervalGroup>& groups, Baseline baseline) {
  AxisRange range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  for (const IntervalGroup& group : groups) {
    for (const IntervalMark& mark : group.marks) {
      range = {std::min({range.low, mark.low, mark.value}), std::max({range.high, mark.high, mark.value})};
    }
  }
  if (baseline == Baseline::kZero) range = {std::min(range.low, 0.0), std::max(range.high, 0.0)};
  return round_outwards(range, Scale::kLinear, 6);
}

}  // namespace

std::string interval_figure(const std::string& title, const std::string& unit,
                            const std::vector<std::pair<std::string, std::string>>& legend,
                            const std::vector<IntervalGroup>& groups, Baseline baseline) {
  if (groups.empty()) return "";
  const AxisRange range = range_of(groups, baseline);
  const auto x = [&](double value) {
    return kLeft + (value - range.low) / (range.high - range.low) * (kWidth - kRight - kLeft);
  };
  double y = 4;
  std::string marks;
  for (const IntervalGroup& group : groups) {
    y += kNameHeight;
    marks += fmt::format("<text class=\"name\" x=\"{}\" y=\"{:.1f}\">{}</text>", 2, y - 6,
                         escape_html(group.name));
    for (const IntervalMark& mark : group.marks) {
      const double middle = y + kMarkHeight / 2;
      const std::string style = fmt::format("style=\"--c:{}\"", escape_html(mark.colour));
      marks += fmt::format("<path class=\"line\" {} d=\"M{:.1f} {:.1f}H{:.1f}\"/>", style, x(mark.low),
                           middle, x(mark.high));
      marks += fmt::format("<circle class=\"dot\" {} cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\"/>", style,
                           x(mark.value), middle);
      y += kMarkHeight;
    }
    y += kGap;
  }
  std::string axis;
  for (const Tick& tick : axis_ticks(range, Scale::kLinear, 6)) {
    axis += fmt::format(
        "<path class=\"grid\" d=\"M{0:.1f} 4V{1:.1f}\"/>"
        "<text class=\"tick\" x=\"{0:.1f}\" y=\"{2:.1f}\" text-anchor=\"middle\">{3}</text>",
        x(tick.value), y, y + 16, escape_html(tick.label));
  }
  if (baseline == Baseline::kZero)
    axis += fmt::format("<path class=\"foot\" d=\"M{:.1f} 4V{:.1f}\"/>", x(0), y);
  std::string keys;
  for (const auto& [name, colour] : legend) {
    keys += fmt::format("<li><i class=\"key\" style=\"--c:{}\"></i>{}</li>", escape_html(colour),
                        escape_html(name));
  }
  if (!keys.empty()) keys = "<ul class=\"legend\">" + keys + "</ul>";
  return fmt::format(
      "<figure><figcaption><h3>{0} <span>{1}</span></h3>{2}</figcaption>"
      "<svg viewBox=\"0 0 {3} {4}\" role=\"img\"><title>{0}</title>{5}{6}</svg></figure>\n",
      escape_html(title), escape_html(unit), keys, kWidth, y + kFoot, axis, marks);
}

}  // namespace aface
