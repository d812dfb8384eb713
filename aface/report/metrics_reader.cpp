#include "aface/report/metrics_reader.h"

#include <fmt/core.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <string_view>

#include "aface/core/error.h"
#include "aface/core/file.h"

namespace aface {
namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

// Whether the line was one of ours.
bool add_line(std::string_view line, RunMetrics& metrics) {
  const auto json = nlohmann::json::parse(line.begin(), line.end(), nullptr, false);
  if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) return false;
  const auto step = json["step"].get<std::int64_t>();
  for (const auto& [name, value] : json.items()) {
    if (name == "step" || name == "time" || !(value.is_number() || value.is_null())) continue;
    metrics.series[name].push_back(
        {static_cast<double>(step), value.is_null() ? kNone : value.get<double>()});
  }
  metrics.last_step = step;
  return true;
}

}  // namespace

const std::vector<ChartPoint>* RunMetrics::find(const std::string& name) const {
  const auto found = series.find(name);
  return found == series.end() ? nullptr : &found->second;
}

double RunMetrics::last(const std::string& name) const {
  const std::vector<ChartPoint>* points = find(name);
  return points == nullptr ? kNone : points->back().y;
}

RunMetrics read_metrics(const std::string& path) {
  const std::string text = read_text_file(path);
  RunMetrics metrics;
  int number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    const bool is_whole = end != std::string::npos;
    const std::string_view line =
        std::string_view(text).substr(begin, is_whole ? end - begin : std::string::npos);
    ++number;
    if (!add_line(line, metrics)) {
      if (is_whole) {
        throw Error(
            ErrorKind::kFormat,
            fmt::format("{}:{}: not a line of metrics (expected a JSON object with a whole number \"step\"); "
                        "name the folder of a run of adaptiveface train",
                        path, number));
      }
      metrics.is_cut_short = true;
    }
    begin = is_whole ? end + 1 : text.size();
  }
  return metrics;
}

}  // namespace aface
