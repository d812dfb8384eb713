#include "aface/quantise/code_range.h"

#include <cstddef>
#include <limits>
#include <vector>

namespace aface {
namespace {

constexpr double kSteps = 255;
constexpr int kCandidates = 128;  // for each end

// Sums over the bins before each, for the squared error of cutting values off at any place.
class Sums {
 public:
  explicit Sums(const ValueHistogram& histogram) : before_(1) {
    const std::vector<double>& counts = histogram.counts();
    for (std::size_t bin = 0; bin < counts.size(); ++bin) {
      const double value = (histogram.edge(bin) + histogram.edge(bin + 1)) / 2;
      const Sum& last = before_.back();
      before_.push_back({last.count + counts[bin], last.values + counts[bin] * value,
                         last.squares + counts[bin] * value * value});
    }
    first_edge_ = histogram.edge(0);
    bin_width_ = histogram.edge(1) - first_edge_;
  }

  double error(const CodeRange& range) const {
    const Sum &all = before_.back(), &low = before_[bin_at(range.low)], &high = before_[bin_at(range.high)];
    const double step = (range.high - range.low) / kSteps;
    return step * step / 12 * (high.count - low.count) + distance(low, range.low) +
           distance({all.count - high.count, all.values - high.values, all.squares - high.squares},
                    range.high);
  }

 private:
  struct Sum {
    double count = 0, values = 0, squares = 0;
  };

  std::size_t bin_at(double value) const {
    return static_cast<std::size_t>((value - first_edge_) / bin_width_ + 0.5);
  }
  // Sum of (value - end)^2.
  static double distance(const Sum& sum, double end) {
    return sum.squares - 2 * end * sum.values + end * end * sum.count;
  }

  std::vector<Sum> before_;
  double first_edge_ = 0, bin_width_ = 1;
};

}  // namespace

CodeRange choose_range(const ValueHistogram& histogram, RangeRule rule) {
  const CodeRange all{histogram.least(), histogram.most()};
  if (rule == RangeRule::kAll || histogram.is_empty()) return all;
  const Sums sums(histogram);
  CodeRange best = all;
  double least = std::numeric_limits<double>::infinity();
  for (int i = 1; i <= kCandidates; ++i) {
    for (int k = 1; k <= kCandidates; ++k) {
      const CodeRange range{all.low * i / kCandidates, all.high * k / kCandidates};
      const double error = sums.error(range);
      if (error > least) continue;  // of equal ones the widest
      least = error;
      best = range;
    }
  }
  return best;
}

}  // namespace aface
