#pragma once

#include <vector>

#include "aface/eval/figure.h"

namespace aface {

// One figure of runs that differ in their seed only.
struct SeedFigure {
  double mean = 0;       // over seeds
  double deviation = 0;  // standard deviation over seeds, n - 1 in the denominator; NaN for one seed
  // 95 %, for other seeds and other people of the same kind; {NaN, NaN} where nothing varies that could give
  // one
  Interval interval;
  int seeds = 0;
};

// Mean of a figure over seeds. Figures with values under draws of people (identity_bootstrap.h; the same
// draws in all of them): percentile interval of draws that take people and seeds anew. Seeds are drawn from
// deviations widened by sqrt(n / (n - 1)), without which n drawn out of n would show too small a variance.
// Figures without such values: Student's interval of the seeds. With one seed the interval is of people only.
//
// Throws Error{kData} when the figures have different numbers of draws. A value that is NaN makes all of it
// NaN.
SeedFigure over_seeds(const std::vector<Figure>& of_seed);

// The same of b - a, seed by seed and draw by draw: what a seed or a draw of people does to both drops out.
SeedFigure difference_over_seeds(const std::vector<Figure>& a_of_seed, const std::vector<Figure>& b_of_seed);

}  // namespace aface
