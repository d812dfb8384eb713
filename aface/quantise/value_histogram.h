#pragma once

#include <cstdint>
#include <vector>

#include "aface/core/span.h"

namespace aface {

// How often values of which size were seen, for values of an extent that is not known beforehand: when a
// value lies outside, the bins become twice as wide. Zeros are not counted; whoever asks codes them exactly.
class ValueHistogram {
 public:
  ValueHistogram();

  // Throws Error{kNumeric} for a value that is not finite, or 1e30 and more in size.
  void add(Span<const float> values);

  bool is_empty() const { return !(least_ < 0) && !(most_ > 0); }  // nothing but zeros
  double least() const { return least_; }                          // of the values and 0
  double most() const { return most_; }

  // Bin b counts the values in [edge(b), edge(b + 1)).
  const std::vector<double>& counts() const { return counts_; }
  double edge(std::size_t bin) const;

 private:
  void widen(double size);

  double limit_;  // bins span [-limit_, limit_)
  double least_ = 0, most_ = 0;
  std::vector<double> counts_;
};

}  // namespace aface
