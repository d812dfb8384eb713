#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aface/report/axis_ticks.h"
#include "aface/report/thinning.h"

namespace aface {

enum class Mark {
  kLine,
  kDashedLine,
  kDots,
  kArea  // filled down to the foot of the chart, with a line on top
};

struct Series {
  std::string name;    // in the legend; empty: none
  std::string note;    // behind the name, "2.791"
  std::string colour;  // any CSS colour, "var(--s0)"
  Mark mark = Mark::kLine;
  std::vector<ChartPoint>
      points;  // lines ordered by x; on log axes, points that are not positive are left out
};

struct Axis {
  std::string label;
  Scale scale = Scale::kLinear;
  std::optional<double> low, high;  // where the axis must begin and end; else round numbers around the points
  bool is_tight = false;            // end at the last point instead, as for steps
};

struct Chart {
  std::string title;
  std::string note;  // one sentence below the title; may be empty
  Axis x, y;
  std::vector<Series> series;
};

// <figure> with title, legend and inline SVG, or "" when no series has a point to show. Texts are escaped
// here. Lines are thinned to a few hundred points and scatters to one dot per 2 x 2 pixels. Colours and fonts
// come from the page's style sheet (page_style.h).
std::string chart_figure(const Chart& chart);

// The same as a picture file of its own, with title and legend inside. Colours must not be variables; "" where
// chart_figure() is "".
std::string chart_svg(const Chart& chart);

}  // namespace aface
