#pragma once

#include <cmath>
#include <vector>

namespace aface {

// Counts against expected counts, as standard deviations above what chance gives: for fair draws about normal(0, 1)
// (Wilson and Hilferty 1931). Cells with expectation 0 must be empty.
inline double chi_square_deviation(const std::vector<double>& counts, const std::vector<double>& expected) {
  double chi = 0;
  double freedom = -1;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (expected[i] == 0) {
      if (counts[i] != 0) return INFINITY;
      continue;
    }
    chi += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i];
    freedom += 1;
  }
  const double spread = 2 / (9 * freedom);
  return (std::cbrt(chi / freedom) - (1 - spread)) / std::sqrt(spread);
}

}  // namespace aface
