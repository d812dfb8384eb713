#pragma once

#include <vector>

namespace aface {

// A number that every trial of a protocol gives.
struct OverTrials {
  double mean = 0;
  double std = 0;                                       // N - 1
  std::vector<double> trials;                           // the numbers themselves
  double mean_minus_std() const { return mean - std; }  // what BLUFR reports
};

// One number or more. A NaN among them makes mean and deviation NaN.
OverTrials over_trials(std::vector<double> values);

}  // namespace aface
