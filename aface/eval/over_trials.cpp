#include "aface/eval/over_trials.h"

#include <cmath>
#include <numeric>
#include <utility>

namespace aface {

OverTrials over_trials(std::vector<double> values) {
  OverTrials result;
  const auto n = static_cast<double>(values.size());
  result.mean = std::accumulate(values.begin(), values.end(), 0.0) / n;
  double squares = 0;
  for (const double value : values) squares += (value - result.mean) * (value - result.mean);
  result.std = values.size() > 1 ? std::sqrt(squares / (n - 1)) : 0;
  result.trials = std::move(values);
  return result;
}

}  // namespace aface
