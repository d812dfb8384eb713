#include "aface/experiment/grid_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <map>
#include <sstream>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/report/metrics_reader.h"
#include "aface/report/svg_chart.h"

namespace aface {
namespace {

// Told apart by people who see fewer colours too (Okabe and Ito).
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#6b7480", "#000000"};

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

double number_of(const std::string& text) {
  char* end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  return text.empty() || *end != '\0' ? kNone : value;
}

// Values at the same x are averaged.
class Mean {
 public:
  void add(double x, double y) {
    if (std::isnan(x) || std::isnan(y)) return;
    Sum& sum = sums_[x];
    sum.total += y;
    ++sum.count;
  }
  std::vector<ChartPoint> points() const {
    std::vector<ChartPoint> points;
    for (const auto& [x, sum] : sums_) points.push_back({x, sum.total / sum.count});
    return points;
  }

 private:
  struct Sum {
    double total = 0, count = 0;
  };
  std::map<double, Sum> sums_;
};

std::vector<std::string> columns_of(const std::string& line) {
  std::vector<std::string> columns;
  std::istringstream stream(line);
  for (std::string column; std::getline(stream, column, '\t');) columns.push_back(column);
  return columns;
}

void add_table(const std::string& path, const GridChart& chart, Mean& mean) {
  std::istringstream lines(read_text_file(path));
  std::string line;
  std::getline(lines, line);
  const std::vector<std::string> names = columns_of(line);
  const auto x = static_cast<std::size_t>(std::find(names.begin(), names.end(), chart.x) - names.begin());
  const auto y = static_cast<std::size_t>(std::find(names.begin(), names.end(), chart.y) - names.begin());
  if (x == names.size() || y == names.size()) {
    throw Error(ErrorKind::kFormat, fmt::format("{}:1: no column '{}'; there are: {}", path,
                                                x == names.size() ? chart.x : chart.y, fmt::join(names, ", ")));
  }
  while (std::getline(lines, line)) {
    const std::vector<std::string> row = columns_of(line);
    if (std::max(x, y) < row.size()) mean.add(chart.x_unit * number_of(row[x]), chart.y_unit * number_of(row[y]));
  }
}

void add_log(const std::string& path, const GridChart& chart, Mean& mean) {
  if (chart.x != "step") {
    throw Error(ErrorKind::kUsage, fmt::format("chart '{}': what a run logs stands by 'step', not by '{}'", chart.title, chart.x));
  }
  const RunMetrics metrics = read_metrics(path);
  const std::vector<ChartPoint>* points = metrics.find(chart.y);
  if (points == nullptr) {
    throw Error(ErrorKind::kFormat, fmt::format("{}: '{}' was never logged; mend the chart '{}' of the grid", path, chart.y, chart.title));
  }
  for (const ChartPoint& point : *points) mean.add(chart.x_unit * point.x, chart.y_unit * point.y);
}

bool is_shown(const GridChart& chart, const std::string& variant) {
  return chart.variants.empty() ||
         std::find(chart.variants.begin(), chart.variants.end(), variant) != chart.variants.end();
}

std::vector<Series> series_of_files(const Grid& grid, const GridChart& chart, const std::vector<GridRun>& runs) {
  std::vector<Series> result;
  for (const GridVariant& variant : grid.variants) {
    if (!is_shown(chart, variant.name)) continue;
    Mean mean;
    for (const GridRun& run : runs) {
      if (run.variant != variant.name || !run.problem.empty()) continue;
      const std::string path = run.folder + "/" + chart.file;
      if (chart.file == "metrics.jsonl") {
        add_log(path, chart, mean);
      } else {
        add_table(path, chart, mean);
      }
    }
    Series series;
    series.name = variant.name;
    series.points = mean.points();
    result.push_back(std::move(series));
  }
  return result;
}

// Its name without what `over` added.
std::string line_name(const GridVariant& variant, const std::string& over) {
  const auto choice = variant.choices.find(over);
  if (choice == variant.choices.end()) return variant.name;
  const std::string part = fmt::format("-{}={}", over.substr(over.rfind('.') + 1), choice->second);
  std::string name = variant.name;
  name.erase(name.find(part), part.size());
  return name;
}

std::vector<Series> series_of_figure(const Grid& grid, const GridChart& chart, const GridTable& table) {
  const auto figure = static_cast<std::size_t>(
      std::find_if(grid.figures.begin(), grid.figures.end(),
                   [&](const GridFigure& other) { return other.label == chart.figure; }) -
      grid.figures.begin());
  std::vector<Series> result;
  std::vector<double> all_x;
  for (std::size_t v = 0; v < grid.variants.size(); ++v) {
    const GridVariant& variant = grid.variants[v];
    const SeedFigure& value = table.rows[v].figures[figure];
    if (!is_shown(chart, variant.name) || value.seeds == 0) continue;
    const std::string name = line_name(variant, chart.over);
    auto series = std::find_if(result.begin(), result.end(), [&](const Series& other) { return other.name == name; });
    if (series == result.end()) {
      result.emplace_back();
      series = result.end() - 1;
      series->name = name;
    }
    const auto choice = variant.choices.find(chart.over);
    const double x = choice == variant.choices.end() ? kNone : chart.x_unit * number_of(choice->second);
    if (!std::isnan(x)) all_x.push_back(x);
    series->points.push_back({x, grid.figures[figure].unit * value.mean});
  }
  if (all_x.empty()) return {};
  const auto [low, high] = std::minmax_element(all_x.begin(), all_x.end());
  for (Series& series : result) {
    if (std::isnan(series.points[0].x)) {  // the same at every x
      const double level = series.points[0].y;
      series.points = {{*low, level}, {*high, level}};
      series.mark = Mark::kDashedLine;
    }
    std::sort(series.points.begin(), series.points.end(), [](const ChartPoint& a, const ChartPoint& b) { return a.x < b.x; });
  }
  return result;
}

}  // namespace

std::string grid_chart_svg(const Grid& grid, const GridChart& chart, const std::vector<GridRun>& runs,
                           const GridTable& table) {
  Chart picture;
  picture.title = chart.title;
  picture.x.label = chart.x_label;
  picture.y.label = chart.y_label;
  picture.x.scale = chart.is_x_log ? Scale::kLog : Scale::kLinear;
  picture.x.is_tight = true;
  picture.series = chart.over.empty() ? series_of_files(grid, chart, runs) : series_of_figure(grid, chart, table);
  for (std::size_t i = 0; i < picture.series.size(); ++i) picture.series[i].colour = kColours[i % std::size(kColours)];
  return chart_svg(picture);
}

}  // namespace aface
