#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "aface/report/thinning.h"

namespace aface {

// The numbers of a run over its steps, from metrics.jsonl (metric_log.h).
struct RunMetrics {
  std::map<std::string, std::vector<ChartPoint>> series;  // name -> (step, value), in file order; null is NaN
  std::int64_t last_step = 0;
  bool is_cut_short =
      false;  // the last line was incomplete, as while a run writes it or after a crash; left out

  // nullptr when it was never logged.
  const std::vector<ChartPoint>* find(const std::string& name) const;
  // NaN when it was never logged.
  double last(const std::string& name) const;
};

// Throws Error{kIo}, or Error{kFormat} with file and line for a whole line that is no JSON object with a
// step.
RunMetrics read_metrics(const std::string& path);

}  // namespace aface
