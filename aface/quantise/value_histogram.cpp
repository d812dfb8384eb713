#include "aface/quantise/value_histogram.h"

#include <fmt/core.h>

#include <algorithm>
#include <cmath>

#include "aface/core/error.h"

namespace aface {
namespace {

// The largest value lies in the outer half of its side, so that a step of eight bits over all of the values
// has eight bins at least.
constexpr std::size_t kBins = 8192;
constexpr double kFirstLimit = 1.0 / (1 << 20), kLargest = 1e30;

}  // namespace

ValueHistogram::ValueHistogram() : limit_(kFirstLimit), counts_(kBins) {}

double ValueHistogram::edge(std::size_t bin) const {
  return limit_ * (2.0 * static_cast<double>(bin) / static_cast<double>(kBins) - 1);
}

void ValueHistogram::widen(double size) {
  while (limit_ <= size) {
    limit_ *= 2;
    std::vector<double> wider(kBins);
    for (std::size_t bin = 0; bin < kBins; ++bin) wider[kBins / 4 + bin / 2] += counts_[bin];
    counts_ = std::move(wider);
  }
}

void ValueHistogram::add(Span<const float> values) {
  float least = 0, most = 0;
  for (const float value : values) {
    if (!(std::abs(value) < kLargest)) {
      throw Error(ErrorKind::kNumeric,
                  fmt::format("a value of {} among the activations (expected less than {:g} in size)", value,
                              kLargest));
    }
    least = std::min(least, value);
    most = std::max(most, value);
  }
  least_ = std::min(least_, static_cast<double>(least));
  most_ = std::max(most_, static_cast<double>(most));
  widen(std::max(most_, -least_));
  const double bins_per_unit = static_cast<double>(kBins) / 2 / limit_;
  for (const float value : values) {
    if (value != 0) counts_[static_cast<std::size_t>((value + limit_) * bins_per_unit)] += 1;
  }
}

}  // namespace aface
