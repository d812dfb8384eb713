#include "aface/report/svg_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "aface/report/html.h"

namespace aface {
namespace {

// Drawn at the size at which a phone shows it, so that its letters stay readable there.
constexpr double kWidth = 380, kHeight = 250;
constexpr double kTop = 8, kRight = 14, kBottom = 42;
constexpr double kLetter = 6.6;  // width of a digit at the font size of the ticks
constexpr std::size_t kBuckets = 120;
constexpr double kDotCell = 2;
constexpr double kRim = 4;  // marks on the border of the plot are shown whole

bool fits(double value, Scale scale) {
  return std::isfinite(value) && (scale == Scale::kLinear || value > 0);
}

// Limits of the values on one axis; low > high when there is none.
AxisRange extent(const Chart& chart, double ChartPoint::*coordinate) {
  AxisRange range{std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
  const Scale scale = coordinate == &ChartPoint::x ? chart.x.scale : chart.y.scale;
  for (const Series& series : chart.series) {
    for (const ChartPoint& point : series.points) {
      if (!fits(point.x, chart.x.scale) || !fits(point.y, chart.y.scale)) continue;
      if (!fits(point.*coordinate, scale)) continue;
      range = {std::min(range.low, point.*coordinate), std::max(range.high, point.*coordinate)};
    }
  }
  return range;
}

AxisRange axis_range(const Axis& axis, AxisRange values) {
  values = {axis.low.value_or(values.low), axis.high.value_or(values.high)};
  const bool is_point = !(values.high > values.low);
  if (is_point) values.high = values.low;
  AxisRange range = axis.is_tight && !is_point ? values : round_outwards(values, axis.scale);
  if (!is_point) range = {axis.low.value_or(range.low), axis.high.value_or(range.high)};
  return range;
}

// From values to pixels.
struct Mapping {
  AxisRange range;
  Scale scale = Scale::kLinear;
  double begin_px = 0, end_px = 0;

  double operator()(double value) const {
    const bool is_log = scale == Scale::kLog;
    const double share = is_log ? std::log(value / range.low) / std::log(range.high / range.low)
                                : (value - range.low) / (range.high - range.low);
    return begin_px + share * (end_px - begin_px);
  }
};

std::string px(double value) { return fmt::format("{:.1f}", value); }

// The points in pixels; those that the axes cannot show become gaps.
std::vector<ChartPoint> in_pixels(const Series& series, const Mapping& x, const Mapping& y) {
  std::vector<ChartPoint> points;
  for (const ChartPoint& point : series.points) {
    if (!fits(point.x, x.scale)) continue;
    const bool is_gap = !fits(point.y, y.scale);
    if (is_gap && series.mark == Mark::kArea) {  // an empty bin lies on the foot
      points.push_back({x(point.x), y.begin_px});
    } else {
      points.push_back({x(point.x), is_gap ? std::nan("") : y(point.y)});
    }
  }
  return points;
}

std::string line_path(const std::vector<ChartPoint>& points) {
  std::string path;
  bool is_down = false;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const ChartPoint& point = points[i];
    if (std::isnan(point.y)) {
      is_down = false;
      continue;
    }
    const bool is_alone = !is_down && (i + 1 == points.size() || std::isnan(points[i + 1].y));
    path += fmt::format("{}{} {}", is_down ? "L" : "M", px(point.x), px(point.y));
    if (is_alone) path += "h0";  // round ends make it a dot
    is_down = true;
  }
  return path;
}

std::string dots_path(const std::vector<ChartPoint>& points) {
  std::string path;
  for (const ChartPoint& point : points) path += fmt::format("M{} {}h0", px(point.x), px(point.y));
  return path;
}

std::string draw(const Series& series, const Mapping& x, const Mapping& y) {
  const std::string style = fmt::format("style=\"--c:{}\"", escape_html(series.colour));
  std::vector<ChartPoint> points = in_pixels(series, x, y);
  if (series.mark == Mark::kDots) {
    return fmt::format("<path class=\"dots\" {} d=\"{}\"/>", style,
                       dots_path(thin_scatter(points, kDotCell)));
  }
  points = thin_line(points, kBuckets);
  const std::string line = line_path(points);
  if (line.empty()) return "";
  std::string svg;
  if (series.mark == Mark::kArea) {
    svg += fmt::format("<path class=\"area\" {} d=\"{}L{} {}L{} {}Z\"/>", style, line, px(points.back().x),
                       px(y.begin_px), px(points.front().x), px(y.begin_px));
  }
  return svg + fmt::format("<path class=\"line{}\" {} d=\"{}\"/>",
                           series.mark == Mark::kDashedLine ? " dashed" : "", style, line);
}

std::string x_axis(const Axis& axis, const std::vector<Tick>& ticks, const Mapping& x) {
  const double foot = kHeight - kBottom;
  std::string svg;
  for (const Tick& tick : ticks) {
    const double at = x(tick.value);
    svg += fmt::format("<path class=\"grid\" d=\"M{} {}V{}\"/>", px(at), px(kTop), px(foot));
    // A centred label at the right end would leave the picture.
    const double room = kLetter * static_cast<double>(tick.label.size()) / 2;
    const char* anchor = at + room > kWidth ? "end" : "middle";
    svg += fmt::format("<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"{}\">{}</text>",
                       px(at + room > kWidth ? kWidth : at), px(foot + 16), anchor, escape_html(tick.label));
  }
  return svg + fmt::format("<text class=\"axis\" x=\"{}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
                           px((x.begin_px + x.end_px) / 2), px(kHeight - 6), escape_html(axis.label));
}

std::string y_axis(const std::vector<Tick>& ticks, const Mapping& y, double left) {
  std::string svg;
  for (const Tick& tick : ticks) {
    const double at = y(tick.value);
    svg += fmt::format("<path class=\"grid\" d=\"M{} {}H{}\"/>", px(left), px(at), px(kWidth - kRight));
    svg += fmt::format("<text class=\"tick\" x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>", px(left - 6),
                       px(at + 4), escape_html(tick.label));
  }
  return svg;
}

std::string legend(const Chart& chart) {
  std::string items;
  for (const Series& series : chart.series) {
    if (series.name.empty()) continue;
    items += fmt::format("<li><i class=\"{}\" style=\"--c:{}\"></i>{}{}</li>",
                         series.mark == Mark::kDashedLine ? "key dashed" : "key", escape_html(series.colour),
                         escape_html(series.name),
                         series.note.empty() ? "" : fmt::format(" <b>{}</b>", escape_html(series.note)));
  }
  return items.empty() ? "" : "<ul class=\"legend\">" + items + "</ul>";
}

// Characters, not bytes: superscripts have three of these.
double letters(const std::string& text) {
  return static_cast<double>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

}  // namespace

namespace {

// What is inside the picture, kWidth x kHeight, or "" when no series has a point to show.
std::string plot(const Chart& chart) {
  const AxisRange x_values = extent(chart, &ChartPoint::x), y_values = extent(chart, &ChartPoint::y);
  if (x_values.low > x_values.high || y_values.low > y_values.high) return "";
  const AxisRange x_range = axis_range(chart.x, x_values), y_range = axis_range(chart.y, y_values);
  const std::vector<Tick> x_ticks = axis_ticks(x_range, chart.x.scale, 6);
  const std::vector<Tick> y_ticks = axis_ticks(y_range, chart.y.scale, 5);

  double widest = 2;
  for (const Tick& tick : y_ticks) widest = std::max(widest, letters(tick.label));
  const double left = 12 + kLetter * widest;
  const Mapping x{x_range, chart.x.scale, left, kWidth - kRight};
  const Mapping y{y_range, chart.y.scale, kHeight - kBottom, kTop};

  std::string marks;
  for (const Series& series : chart.series) marks += draw(series, x, y);
  const double foot = kHeight - kBottom, right = kWidth - kRight;
  std::string svg = y_axis(y_ticks, y, left) + x_axis(chart.x, x_ticks, x);
  svg += fmt::format("<path class=\"foot\" d=\"M{} {}H{}\"/>", px(left), px(foot), px(right));
  // An inner picture, as its border cuts off what the axes leave out.
  const std::string box = fmt::format("{} {} {} {}", px(left - kRim), px(kTop - kRim),
                                      px(right - left + 2 * kRim), px(foot - kTop + 2 * kRim));
  return svg + fmt::format("<svg x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" viewBox=\"{}\">{}</svg>",
                           px(left - kRim), px(kTop - kRim), px(right - left + 2 * kRim),
                           px(foot - kTop + 2 * kRim), box, marks);
}

// The page's styles that a picture needs (page_style.h), without variables, which few programs but browsers know.
constexpr const char* kPictureStyle =
    "text{font:12px system-ui,Arial,sans-serif;fill:#59636e}.title{font-size:15px;font-weight:600;fill:#1b2026}"
    ".grid{stroke:#dde2e8;fill:none}.foot{stroke:#59636e;fill:none}"
    ".line{stroke:currentColor;stroke-width:2;fill:none;stroke-linejoin:round;stroke-linecap:round}"
    ".dashed{stroke-dasharray:5 4;stroke-linecap:butt}.area{fill:currentColor;fill-opacity:.22}"
    ".dots{stroke:currentColor;stroke-width:3;stroke-opacity:.55;stroke-linecap:round;fill:none}";

std::string with_plain_colours(std::string svg) {
  const std::string variable = "style=\"--c:", plain = "style=\"color:";
  for (std::size_t at = 0; (at = svg.find(variable, at)) != std::string::npos; at += plain.size()) {
    svg.replace(at, variable.size(), plain);
  }
  return svg;
}

}  // namespace

std::string chart_figure(const Chart& chart) {
  const std::string inside = plot(chart);
  if (inside.empty()) return "";
  const std::string title = escape_html(chart.title);
  const std::string unit = chart.y.label.empty() ? "" : " <span>" + escape_html(chart.y.label) + "</span>";
  const std::string note = chart.note.empty() ? "" : "<p>" + escape_html(chart.note) + "</p>";
  return "<figure><figcaption><h3>" + title + unit + "</h3>" + note + legend(chart) + "</figcaption>" +
         fmt::format("<svg viewBox=\"0 0 {} {}\" role=\"img\"><title>{}</title>{}</svg></figure>\n", kWidth, kHeight,
                     title, inside);
}

std::string chart_svg(const Chart& chart) {
  const std::string inside = plot(chart);
  if (inside.empty()) return "";
  constexpr double kLine = 18;
  double y = kLine;
  std::string head;
  const auto add_line = [&](const char* kind, double x, const std::string& text) {
    head += fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\">{}</text>", kind, px(x), px(y), escape_html(text));
  };
  add_line("title", 8, chart.title);
  if (!chart.note.empty()) add_line("note", 8, (y += kLine, chart.note));
  if (!chart.y.label.empty()) add_line("note", 8, (y += kLine, chart.y.label));
  for (const Series& series : chart.series) {
    if (series.name.empty()) continue;
    y += kLine;
    head += fmt::format("<path class=\"line{}\" style=\"color:{}\" d=\"M8 {}H28\"/>",
                        series.mark == Mark::kDashedLine ? " dashed" : "", escape_html(series.colour), px(y - 4));
    add_line("key", 34, series.note.empty() ? series.name : series.name + " " + series.note);
  }
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" viewBox=\"0 0 {0} {1}\" role=\"img\">"
      "<title>{2}</title><style>{3}</style><rect width=\"{0}\" height=\"{1}\" fill=\"#fff\"/>{4}"
      "<g transform=\"translate(0 {5})\">{6}</g></svg>\n",
      kWidth, px(kHeight + y + 8), escape_html(chart.title), kPictureStyle, head, px(y + 8), with_plain_colours(inside));
}

}  // namespace aface
