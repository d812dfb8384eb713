#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>

namespace aface {

// Counts and times of requests, as Prometheus reads them. Any number of threads.
class Metrics {
 public:
  // An answer of this status; addresses that are not served share one name.
  void count(const std::string& endpoint, int status);
  // The work of one request, without reading it and sending the answer.
  void time(const std::string& endpoint, double seconds);
  void add_faces(std::int64_t faces);

  // The text format, version 0.0.4, of all of it and of `gauges` (name -> value now).
  std::string text(const std::map<std::string, double>& gauges) const;

 private:
  // Upper bounds of the buckets, in seconds.
  static constexpr std::array<double, 12> kBounds = {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                     0.1,   0.25,   0.5,   1,    2.5,   10};
  struct Times {
    std::array<std::int64_t, kBounds.size() + 1> counts{};
    double sum = 0;
  };

  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, std::int64_t> answers_;
  std::map<std::string, Times> times_;
  std::int64_t faces_ = 0;
};

}  // namespace aface
