// The charts of what a run logs. Names of metrics: train/progress.cpp, and report() of heads, samplers and
// selectors.
#include <fmt/core.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <set>

#include "aface/report/number_text.h"
#include "aface/report/sections.h"
#include "aface/report/svg_chart.h"

namespace aface {
namespace {

// One metric of all runs in one chart.
struct MetricChart {
  const char* title;
  std::vector<std::string> metrics;  // the first that a run has logged
  const char* unit = "";
  double factor = 1;  // 100 for shares
  const char* note = "";
};

const std::vector<MetricChart> kTraining = {
    {"Loss", {"loss"}},
    {"Learning rate", {"learning_rate"}},
    {"Training accuracy", {"accuracy"}, "%", 100, "Over the active classes of each step, without margin."},
    {"Validation accuracy", {"validation/accuracy"}, "%", 100},
    {"Cosine to the own prototype", {"own_cosine"}},
    {"Gradient norm of the backbone", {"gradient_norm"}, "", 1, "Before clipping."},
    {"Throughput", {"images_per_s"}, "images/s"},
    {"Time spent waiting for images", {"stall_share"}, "%", 100},
};
const std::vector<MetricChart> kMargins = {
    {"Mean margin", {"head/margin_mean", "head/margin"}},
    {"Margins at the lower bound", {"margin/share_at_min"}, "% of identities", 100},
    {"Margins at the upper bound", {"margin/share_at_max"}, "% of identities", 100},
};
const std::vector<MetricChart> kMining = {
    {"Active classes in a step", {"active_classes"}},
    {"Softmax mass of wrong classes caught",
     {"softmax_mass_wrong"},
     "%",
     100,
     "Of the mass that all wrong classes would have, how much the active ones hold."},
    {"Softmax mass caught, own class included", {"softmax_mass"}, "%", 100},
    {"Mean length of the candidate queues", {"mining/queue_mean_length"}},
    {"Steps since the stalest prototype was active", {"mining/stalest_age"}},
    {"Classes that have never been active", {"mining/never_active_share"}, "%", 100},
};
const std::vector<MetricChart> kSampling = {
    {"Effective number of images",
     {"sampler/effective_samples"},
     "",
     1,
     "(sum of weights)² / sum of squared weights: how many equally weighted images would be as varied."},
    {"Weights at the lower bound", {"sampler/weight_at_min"}, "% of images", 100},
    {"Weights at the upper bound", {"sampler/weight_at_max"}, "% of images", 100},
    {"Images taken for noise", {"sampler/noise_samples"}},
};

std::vector<ChartPoint> scaled(const std::vector<ChartPoint>& points, double factor) {
  std::vector<ChartPoint> result = points;
  for (ChartPoint& point : result) point.y *= factor;
  return result;
}

Axis step_axis() {
  Axis axis;
  axis.label = "step";
  axis.is_tight = true;
  return axis;
}

std::string shared_chart(const std::vector<ReportInput>& inputs, const MetricChart& spec) {
  Chart chart;
  chart.title = spec.title;
  chart.note = spec.note;
  chart.x = step_axis();
  chart.y.label = spec.unit;
  for (const ReportInput& input : inputs) {
    if (!input.run) continue;
    for (const std::string& metric : spec.metrics) {
      const std::vector<ChartPoint>* points = input.run->metrics.find(metric);
      if (points == nullptr) continue;
      Series series;
      series.name = input.label;
      series.note = plain_text(points->back().y * spec.factor);
      series.colour = input.colour;
      series.mark = input.is_dashed ? Mark::kDashedLine : Mark::kLine;
      series.points = scaled(*points, spec.factor);
      chart.series.push_back(std::move(series));
      break;
    }
  }
  return chart_figure(chart);
}

std::string shared_charts(const std::vector<ReportInput>& inputs, const std::vector<MetricChart>& specs) {
  std::string figures;
  for (const MetricChart& spec : specs) figures += shared_chart(inputs, spec);
  return figures;
}

// Numbers of identities by their number of images are logged as "<prefix><band>", band "3_9" or "100_up".
std::vector<std::string> bands_of(const RunMetrics& metrics, const std::string& prefix) {
  std::vector<std::string> bands;
  for (const auto& [name, points] : metrics.series) {
    const bool is_band =
        name.rfind(prefix, 0) == 0 && name.size() > prefix.size() && std::isdigit(name[prefix.size()]);
    if (is_band) bands.push_back(name.substr(prefix.size()));
  }
  std::sort(bands.begin(), bands.end(), [](const std::string& a, const std::string& b) {
    return std::atoi(a.c_str()) < std::atoi(b.c_str());
  });
  return bands;
}

std::string band_name(std::string band) {
  const std::size_t gap = band.find('_');
  if (gap == std::string::npos) return band;
  return band.substr(gap) == "_up" ? band.substr(0, gap) + " or more" : band.replace(gap, 1, "–");
}

// One metric by class size, a chart for each run, all on the same scale.
struct BandChart {
  const char* title;
  const char* prefix;
  const char* dashed_prefix = nullptr;                        // a second metric to compare with
  double lowest = std::numeric_limits<double>::infinity();    // the axis reaches at least from here ...
  double highest = -std::numeric_limits<double>::infinity();  // ... to here
  bool ends_there = false;                                    // and no further
  const char* note = "";                                      // of the dashed lines, where there may be some
};

AxisRange range_of(const std::vector<ReportInput>& inputs, const BandChart& spec) {
  AxisRange range{spec.lowest, spec.highest};
  if (spec.ends_there) return range;
  for (const ReportInput& input : inputs) {
    if (!input.run) continue;
    for (const std::string& band : bands_of(input.run->metrics, spec.prefix)) {
      for (const ChartPoint& point : *input.run->metrics.find(spec.prefix + band)) {
        if (!std::isfinite(point.y)) continue;
        range = {std::min(range.low, point.y), std::max(range.high, point.y)};
      }
    }
  }
  return range.low <= range.high ? round_outwards(range, Scale::kLinear) : AxisRange{0, 1};
}

std::string band_charts(const std::vector<ReportInput>& inputs, const BandChart& spec) {
  const AxisRange range = range_of(inputs, spec);
  std::string figures;
  for (const ReportInput& input : inputs) {
    if (!input.run) continue;
    const RunMetrics& metrics = input.run->metrics;
    Chart chart;
    chart.title = fmt::format("{}: {}", input.label, spec.title);
    chart.x = step_axis();
    chart.y.low = range.low;
    chart.y.high = range.high;
    int place = 0;
    for (const std::string& band : bands_of(metrics, spec.prefix)) {
      const std::string colour = fmt::format("var(--b{})", std::min(place++, 4));
      const std::vector<ChartPoint>& points = *metrics.find(spec.prefix + band);
      chart.series.push_back({band_name(band), plain_text(points.back().y), colour, Mark::kLine, points});
      const std::vector<ChartPoint>* rest =
          spec.dashed_prefix ? metrics.find(spec.dashed_prefix + band) : nullptr;
      if (rest != nullptr) chart.series.push_back({"", "", colour, Mark::kDashedLine, *rest});
      if (rest != nullptr || spec.dashed_prefix == nullptr) chart.note = spec.note;
    }
    figures += chart_figure(chart);
  }
  return figures;
}

std::string margin_scatters(const std::vector<ReportInput>& inputs) {
  std::string figures;
  for (const ReportInput& input : inputs) {
    if (!input.run || input.run->margins.empty()) continue;
    Chart chart;
    chart.title = input.label + ": margin against images, at the end";
    chart.note = "One dot an identity.";
    chart.x.label = "images of the identity";
    chart.x.scale = Scale::kLog;
    chart.x.low = 1;
    Series series;
    series.colour = input.colour;
    series.mark = Mark::kDots;
    for (const LearntMargin& margin : input.run->margins) {
      series.points.push_back({static_cast<double>(margin.images), margin.margin});
    }
    chart.series.push_back(std::move(series));
    figures += chart_figure(chart);
  }
  return figures;
}

}  // namespace

std::string training_section(const std::vector<ReportInput>& inputs) {
  return section("training", "Training", "<p>The number in a legend is the last one logged.</p>",
                 chart_grid(shared_charts(inputs, kTraining)));
}

std::string margin_section(const std::vector<ReportInput>& inputs) {
  BandChart means{"mean margin by number of images", "margin/margin_mean_"};
  BandChart rest{"1 − p of the own class, by number of images", "margin/one_minus_p_",
                 "margin/equilibrium_drawn_"};
  rest.lowest = 0;
  rest.highest = 1;
  rest.ends_there = true;
  rest.note =
      "Dashed: where the learnt margins of the group would be at rest; above 1 they run to the upper bound.";
  return section("margins", "Margins", "",
                 chart_grid(band_charts(inputs, means) + margin_scatters(inputs) +
                            shared_charts(inputs, kMargins) + band_charts(inputs, rest)));
}

std::string mining_section(const std::vector<ReportInput>& inputs) {
  return section("classes", "Active classes", "", chart_grid(shared_charts(inputs, kMining)));
}

std::string sampling_section(const std::vector<ReportInput>& inputs) {
  BandChart weights{"mean weight by number of images", "sampler/weight_band_"};
  weights.lowest = 0;
  weights.note = "Against the weight at the start, which is 1.";
  return section("sampling", "Sampling weights", "",
                 chart_grid(shared_charts(inputs, kSampling) + band_charts(inputs, weights)));
}

std::string other_metrics_section(const std::vector<ReportInput>& inputs) {
  std::set<std::string> shown;
  for (const auto* specs : {&kTraining, &kMargins, &kMining, &kSampling}) {
    for (const MetricChart& spec : *specs) shown.insert(spec.metrics.begin(), spec.metrics.end());
  }
  std::set<std::string> others;
  for (const ReportInput& input : inputs) {
    if (!input.run) continue;
    for (const auto& [name, points] : input.run->metrics.series) {
      const bool is_by_band = name.rfind("margin/", 0) == 0 || name.rfind("sampler/weight_band_", 0) == 0;
      if (shown.count(name) == 0 && !is_by_band) others.insert(name);
    }
  }
  constexpr std::size_t kMostCharts = 40;
  std::string figures;
  std::size_t charts = 0;
  for (const std::string& name : others) {
    if (charts++ == kMostCharts) break;
    figures += shared_chart(inputs, {name.c_str(), {name}});
  }
  const std::string grid = chart_grid(figures);
  return grid.empty() ? ""
                      : section("other", "Everything else logged", "",
                                "<details><summary>Show</summary>" + grid + "</details>");
}

}  // namespace aface
