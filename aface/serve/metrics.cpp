#include "aface/serve/metrics.h"

#include <fmt/core.h>

#include <algorithm>

namespace aface {

void Metrics::count(const std::string& endpoint, int status) {
  const std::lock_guard<std::mutex> lock(mutex_);
  ++answers_[{endpoint, status}];
}

void Metrics::time(const std::string& endpoint, double seconds) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Times& times = times_[endpoint];
  const auto bucket = std::lower_bound(kBounds.begin(), kBounds.end(), seconds) - kBounds.begin();
  ++times.counts[static_cast<std::size_t>(bucket)];
  times.sum += seconds;
}

void Metrics::add_faces(std::int64_t faces) {
  const std::lock_guard<std::mutex> lock(mutex_);
  faces_ += faces;
}

std::string Metrics::text(const std::map<std::string, double>& gauges) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::string text =
      "# HELP aface_requests_total Requests by address and status of the answer.\n# TYPE "
      "aface_requests_total counter\n";
  for (const auto& [key, count] : answers_) {
    text +=
        fmt::format("aface_requests_total{{endpoint=\"{}\",code=\"{}\"}} {}\n", key.first, key.second, count);
  }
  text +=
      "# HELP aface_work_seconds Time from a request that was read to its answer.\n# TYPE aface_work_seconds "
      "histogram\n";
  for (const auto& [endpoint, times] : times_) {
    std::int64_t below = 0;
    for (std::size_t i = 0; i < kBounds.size(); ++i) {
      below += times.counts[i];
      text += fmt::format("aface_work_seconds_bucket{{endpoint=\"{}\",le=\"{}\"}} {}\n", endpoint, kBounds[i],
                          below);
    }
    below += times.counts.back();
    text += fmt::format("aface_work_seconds_bucket{{endpoint=\"{}\",le=\"+Inf\"}} {}\n", endpoint, below);
    text += fmt::format("aface_work_seconds_sum{{endpoint=\"{}\"}} {:.6f}\n", endpoint, times.sum);
    text += fmt::format("aface_work_seconds_count{{endpoint=\"{}\"}} {}\n", endpoint, below);
  }
  text += fmt::format(
      "# HELP aface_faces_total Faces that were embedded.\n# TYPE aface_faces_total "
      "counter\naface_faces_total {}\n",
      faces_);
  for (const auto& [name, value] : gauges) text += fmt::format("# TYPE {} gauge\n{} {}\n", name, name, value);
  return text;
}

}  // namespace aface
