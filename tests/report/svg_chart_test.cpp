#include "aface/report/svg_chart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "aface/report/interval_chart.h"
#include "tests/support/html_page.h"

namespace aface {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Series line(std::vector<ChartPoint> points) {
  Series series;
  series.name = "run";
  series.colour = "var(--s0)";
  series.points = std::move(points);
  return series;
}

Chart chart_of(std::vector<ChartPoint> points) {
  Chart chart;
  chart.title = "Loss";
  chart.series = {line(std::move(points))};
  return chart;
}

std::vector<test::HtmlTag> paths(const std::string& figure, const std::string& kind) {
  std::vector<test::HtmlTag> found;
  for (const test::HtmlTag& tag : test::parse_page(figure)) {
    if (tag.name == "path" && tag.attributes.at("class") == kind) found.push_back(tag);
  }
  return found;
}

// The coordinates of a path made of M and L.
std::vector<ChartPoint> drawn_points(const std::string& d) {
  std::string numbers = d;
  for (char& letter : numbers) {
    if (letter == 'M' || letter == 'L') letter = ' ';
  }
  std::istringstream stream(numbers);
  std::vector<ChartPoint> points;
  for (ChartPoint point; stream >> point.x >> point.y;) points.push_back(point);
  return points;
}

TEST(ChartFigure, PointsLieInProportionToTheirValues) {
  const auto lines = paths(chart_figure(chart_of({{0, 0}, {5, 10}, {10, 5}})), "line");
  ASSERT_EQ(lines.size(), 1u);
  const std::vector<ChartPoint> points = drawn_points(lines[0].attributes.at("d"));
  ASSERT_EQ(points.size(), 3u);
  EXPECT_NEAR(points[1].x - points[0].x, points[2].x - points[1].x, 0.11);
  EXPECT_NEAR(points[2].y, (points[0].y + points[1].y) / 2, 0.11);
  EXPECT_LT(points[1].y, points[0].y);  // up is more
}

TEST(ChartFigure, LogAxesGiveEqualFactorsEqualRoom) {
  Chart chart = chart_of({{1e-4, 0.1}, {1e-3, 0.01}, {1e-2, 0.001}});
  chart.x.scale = chart.y.scale = Scale::kLog;
  const auto lines = paths(chart_figure(chart), "line");
  ASSERT_EQ(lines.size(), 1u);
  const std::vector<ChartPoint> points = drawn_points(lines[0].attributes.at("d"));
  ASSERT_EQ(points.size(), 3u);
  EXPECT_NEAR(points[1].x - points[0].x, points[2].x - points[1].x, 0.11);
  EXPECT_NEAR(points[1].y - points[0].y, points[2].y - points[1].y, 0.11);
}

TEST(ChartFigure, WhatIsNoNumberIsAGap) {
  const auto lines = paths(chart_figure(chart_of({{0, 1}, {1, 2}, {2, NAN}, {3, 1}, {4, 2}})), "line");
  ASSERT_EQ(lines.size(), 1u);
  const std::string d = lines[0].attributes.at("d");
  EXPECT_EQ(std::count(d.begin(), d.end(), 'M'), 2);
  EXPECT_THAT(d, Not(HasSubstr("nan")));
}

TEST(ChartFigure, OnALogAxisZeroIsAGapAndNotAnInfinity) {
  Chart chart = chart_of({{0, 0.5}, {1e-3, 0.5}, {1e-2, 0}, {1e-1, 0.7}});
  chart.x.scale = chart.y.scale = Scale::kLog;
  const std::string figure = chart_figure(chart);
  EXPECT_THAT(figure, Not(HasSubstr("inf")));
  EXPECT_THAT(figure, Not(HasSubstr("nan")));
  const auto lines = paths(figure, "line");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_THAT(lines[0].attributes.at("d"), HasSubstr("h0"));  // single points are dots
}

TEST(ChartFigure, NothingToShowIsNoFigure) {
  EXPECT_EQ(chart_figure(Chart()), "");
  EXPECT_EQ(chart_figure(chart_of({})), "");
  EXPECT_EQ(chart_figure(chart_of({{1, NAN}, {2, std::numeric_limits<double>::infinity()}})), "");
}

TEST(ChartFigure, OnePointAndAConstantAreShown) {
  for (const std::vector<ChartPoint>& points :
       {std::vector<ChartPoint>{{5, 3}}, std::vector<ChartPoint>{{1, 0}, {2, 0}, {3, 0}}}) {
    Chart chart = chart_of(points);
    chart.x.is_tight = true;
    const std::string figure = chart_figure(chart);
    EXPECT_EQ(paths(figure, "line").size(), 1u);
    EXPECT_THAT(figure, Not(HasSubstr("nan")));
  }
}

TEST(ChartFigure, LongSeriesAreThinnedToAFewHundredPoints) {
  std::vector<ChartPoint> points;
  for (int i = 0; i < 200000; ++i) points.push_back({double(i), std::sin(i * 0.37)});
  const auto lines = paths(chart_figure(chart_of(points)), "line");
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_LE(drawn_points(lines[0].attributes.at("d")).size(), 500u);
}

TEST(ChartFigure, TextsAreEscaped) {
  Chart chart = chart_of({{0, 1}, {1, 2}});
  chart.title = "a<b>&\"c\"";
  chart.note = "<i>";
  chart.x.label = "<x>";
  chart.series[0].name = "</li><script>";
  const std::string figure = chart_figure(chart);
  test::expect_self_contained(test::parse_page(figure));
  EXPECT_THAT(figure, HasSubstr("<title>a&lt;b&gt;&amp;&quot;c&quot;</title>"));
}

TEST(IntervalFigure, BarsReachFromLowToHighAndTheDotLiesBetween) {
  const std::string figure =
      interval_figure("Figures", "%", {{"a<b", "var(--s0)"}},
                      {{"accuracy", {{"var(--s0)", 50, 40, 60}}}, {"TAR", {{"var(--s0)", 80, 70, 90}}}});
  std::vector<double> bars, dots;
  for (const test::HtmlTag& tag : test::parse_page(figure)) {
    if (tag.name == "path" && tag.attributes.at("class") == "line") {
      double x = 0, y = 0, end = 0;
      ASSERT_EQ(std::sscanf(tag.attributes.at("d").c_str(), "M%lf %lfH%lf", &x, &y, &end), 3);
      bars.push_back(x);
      bars.push_back(end);
    }
    if (tag.name == "circle") dots.push_back(std::stod(tag.attributes.at("cx")));
  }
  ASSERT_EQ(bars.size(), 4u);
  ASSERT_EQ(dots.size(), 2u);
  EXPECT_NEAR(dots[0], (bars[0] + bars[1]) / 2, 0.11);
  EXPECT_NEAR(bars[2] - bars[0], dots[1] - dots[0], 0.21);
  EXPECT_EQ(interval_figure("Figures", "%", {}, {}), "");
}

}  // namespace
}  // namespace aface
