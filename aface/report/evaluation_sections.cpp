#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "aface/report/interval_chart.h"
#include "aface/report/number_text.h"
#include "aface/report/sections.h"
#include "aface/report/svg_chart.h"

namespace aface {
namespace {

// A line for each evaluation that has the curve.
template <class Curve>
std::vector<Series> curves_of(const std::vector<ReportInput>& inputs, const Curve& curve) {
  std::vector<Series> lines;
  for (const ReportInput& input : inputs) {
    if (!input.evaluation) continue;
    Series line;
    line.name = input.label;
    line.colour = input.colour;
    line.mark = input.is_dashed ? Mark::kDashedLine : Mark::kLine;
    line.points = curve(*input.evaluation);
    if (!line.points.empty()) lines.push_back(std::move(line));
  }
  return lines;
}

std::vector<ChartPoint> as_percent(std::vector<ChartPoint> points) {
  for (ChartPoint& point : points) point.y *= 100;
  return points;
}

std::string roc_chart(const std::vector<ReportInput>& inputs) {
  Chart chart;
  chart.title = "ROC";
  chart.x = {"FAR", Scale::kLog, {}, 1.0, false};
  chart.y.label = "TAR, %";
  chart.y.high = 100;
  chart.series =
      curves_of(inputs, [](const EvaluationRecord& evaluation) { return as_percent(evaluation.roc); });
  return chart_figure(chart);
}

std::string det_chart(const std::vector<ReportInput>& inputs) {
  Chart chart;
  chart.title = "DET";
  chart.note = "Both kinds of error; nearer to the lower left corner is better.";
  chart.x = {"FAR", Scale::kLog, {}, 1.0, false};
  chart.y = {"FNR", Scale::kLog, {}, 1.0, false};
  chart.series = curves_of(inputs, [](const EvaluationRecord& evaluation) {
    std::vector<ChartPoint> points = evaluation.roc;
    for (ChartPoint& point : points) point.y = 1 - point.y;
    return points;
  });
  return chart_figure(chart);
}

std::string cmc_chart(const std::vector<ReportInput>& inputs) {
  Chart chart;
  chart.title = "CMC";
  chart.note = "Share of probes whose mate is among the first so many of the gallery.";
  chart.x = {"rank", Scale::kLog, 1.0, {}, false};
  chart.y.label = "%";
  chart.y.high = 100;
  chart.series =
      curves_of(inputs, [](const EvaluationRecord& evaluation) { return as_percent(evaluation.cmc); });
  return chart_figure(chart);
}

std::string open_set_chart(const std::vector<ReportInput>& inputs) {
  Chart chart;
  chart.title = "Open-set identification";
  chart.note = "Detected and identified at rank 1, against the share of strangers who are taken for someone.";
  chart.x = {"FPIR", Scale::kLog, {}, 1.0, false};
  chart.y.label = "DIR, %";
  chart.y.high = 100;
  chart.series =
      curves_of(inputs, [](const EvaluationRecord& evaluation) { return as_percent(evaluation.open_set); });
  return chart_figure(chart);
}

// The outline of the bins [first, last), in percent of all scores of the kind.
std::vector<ChartPoint> stairs(const std::vector<double>& counts, const HistogramRecord& histogram,
                               std::size_t first, std::size_t last) {
  const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
  const double width = (histogram.high - histogram.low) / static_cast<double>(counts.size());
  std::vector<ChartPoint> points;
  for (std::size_t bin = first; bin < last; ++bin) {
    const double left = histogram.low + width * static_cast<double>(bin);
    const double share = total > 0 ? 100 * counts[bin] / total : 0;
    points.push_back({left, share});
    points.push_back({left + width, share});
  }
  return points;
}

// The measured threshold with the lowest FAR or FPIR: "threshold_at_far/0.001".
const FigureRecord* strictest_threshold(const EvaluationRecord& evaluation) {
  const FigureRecord* best = nullptr;
  const auto target_of = [&](const FigureRecord& figure) {
    return std::atof(figure.name.c_str() + figure.name.rfind('/') + 1);
  };
  for (const FigureRecord& figure : evaluation.figures) {
    if (figure.name.rfind("threshold_at_", 0) != 0 || std::isnan(figure.value)) continue;
    if (best == nullptr || target_of(figure) < target_of(*best)) best = &figure;
  }
  return best;
}

std::string histogram_charts(const ReportInput& input) {
  const HistogramRecord& histogram = input.evaluation->histogram;
  std::size_t first = histogram.genuine.size(), last = 0;
  for (std::size_t bin = 0; bin < histogram.genuine.size(); ++bin) {
    if (histogram.genuine[bin] + histogram.impostor[bin] <= 0) continue;
    first = std::min(first, bin);
    last = bin + 1;
  }
  if (first >= last) return "";
  Chart chart;
  chart.title = input.label + ": scores";
  chart.x.label = "score";
  chart.y.label = "% in a bin";
  chart.series.push_back(
      {"impostor", "", "var(--s1)", Mark::kArea, stairs(histogram.impostor, histogram, first, last)});
  chart.series.push_back(
      {"genuine", "", "var(--s0)", Mark::kArea, stairs(histogram.genuine, histogram, first, last)});

  double highest = 0, lowest = 100;
  for (const Series& series : chart.series) {
    for (const ChartPoint& point : series.points) {
      highest = std::max(highest, point.y);
      if (point.y > 0) lowest = std::min(lowest, point.y);
    }
  }
  if (const FigureRecord* threshold = strictest_threshold(*input.evaluation)) {
    chart.series.push_back({readable_name(threshold->name),
                            score_text(threshold->value),
                            "var(--ink)",
                            Mark::kDashedLine,
                            {{threshold->value, lowest}, {threshold->value, highest}}});
  }
  chart.y.low = 0;
  std::string figures = chart_figure(chart);
  chart.title += ", logarithmic";
  chart.note = "The tails, where the errors are.";
  chart.y.low.reset();
  chart.y.scale = Scale::kLog;
  return figures + chart_figure(chart);
}

}  // namespace

std::string figure_section(const std::vector<ReportInput>& inputs) {
  std::vector<IntervalGroup> groups;
  std::vector<std::pair<std::string, std::string>> legend;
  for (const ReportInput& input : inputs) {
    if (!input.evaluation) continue;
    bool is_shown = false;
    for (const FigureRecord& figure : input.evaluation->figures) {
      if (!is_share(figure.name) || std::isnan(figure.value) || std::isnan(figure.low) ||
          std::isnan(figure.high))
        continue;
      const std::string name = readable_name(figure.name);
      auto group =
          std::find_if(groups.begin(), groups.end(), [&](const auto& other) { return other.name == name; });
      if (group == groups.end()) group = groups.insert(groups.end(), {name, {}});
      group->marks.push_back({input.colour, 100 * figure.value, 100 * figure.low, 100 * figure.high});
      is_shown = true;
    }
    if (is_shown) legend.emplace_back(input.label, input.colour);
  }
  return section("figures", "Figures with 95 % intervals",
                 "<p>Intervals are by identity: other people could have been in the test. Two intervals that "
                 "overlap do not "
                 "show that nothing differs; <code>evaluate compare</code> does the paired comparison.</p>",
                 chart_grid(interval_figure("Figures", "%", legend, groups)));
}

std::string curve_section(const std::vector<ReportInput>& inputs) {
  return section(
      "curves", "Curves", "",
      chart_grid(roc_chart(inputs) + det_chart(inputs) + cmc_chart(inputs) + open_set_chart(inputs)));
}

std::string histogram_section(const std::vector<ReportInput>& inputs) {
  std::string figures;
  for (const ReportInput& input : inputs) {
    if (input.evaluation) figures += histogram_charts(input);
  }
  return section("scores", "Scores of genuine and impostor pairs",
                 "<p>Each kind of pair adds up to 100 %.</p>",
                 figures.empty() ? "" : "<div class=\"charts two\">" + figures + "</div>");
}

}  // namespace aface
