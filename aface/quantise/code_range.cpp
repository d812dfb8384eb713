#include "aface/quantise/code_range.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace aface {
namespace {

constexpr double kSteps = 255;
constexpr int kCandidates = 64;  // for each end
constexpr int kRounds = 2;

// Of a range: the squared error of coding every value that was seen, each taken for the middle of its bin.
// (One twelfth of a squared step for each would be simpler, but most values of a long-tailed distribution lie
// within half a step of 0 and lose only themselves.)
class SquaredError {
 public:
  explicit SquaredError(const ValueHistogram& histogram) {
    for (std::size_t bin = 0; bin < histogram.counts().size(); ++bin) {
      if (histogram.counts()[bin] == 0) continue;
      values_.push_back((histogram.edge(bin) + histogram.edge(bin + 1)) / 2);
      counts_.push_back(histogram.counts()[bin]);
    }
  }

  double operator()(const CodeRange& range) const {
    const double step = (range.high - range.low) / kSteps, steps_per_unit = 1 / step;
    double sum = 0;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      const double inside = std::clamp(values_[i], range.low, range.high);
      const double error = std::nearbyint(inside * steps_per_unit) * step - values_[i];
      sum += counts_[i] * error * error;
    }
    return sum;
  }

 private:
  std::vector<double> values_, counts_;
};

}  // namespace

CodeRange choose_range(const ValueHistogram& histogram, RangeRule rule) {
  const CodeRange all{histogram.least(), histogram.most()};
  if (rule == RangeRule::kAll || histogram.is_empty()) return all;
  const SquaredError error_of(histogram);
  CodeRange best = all;
  double least = error_of(all);
  const auto try_range = [&](const CodeRange& range) {
    const double error = error_of(range);
    if (error >= least) return;
    least = error;
    best = range;
  };
  // Both ends alike, then one after the other.
  for (int i = 1; i < kCandidates; ++i) {
    const double share = static_cast<double>(i) / kCandidates;
    try_range({share * all.low, share * all.high});
  }
  for (int round = 0; round < kRounds; ++round) {
    for (int i = 1; i <= kCandidates; ++i) try_range({all.low * i / kCandidates, best.high});
    for (int i = 1; i <= kCandidates; ++i) try_range({best.low, all.high * i / kCandidates});
  }
  return best;
}

}  // namespace aface
