#pragma once

#include "aface/quantise/value_histogram.h"

namespace aface {

// The values that the codes of eight bits stand for; those outside are coded as its ends. Holds 0.
struct CodeRange {
  double low = 0, high = 0;
};

enum class RangeRule {
  kAll,           // every value that was seen
  kLeastSquares,  // the least squared error: rounding to steps inside against what is cut off outside
};

CodeRange choose_range(const ValueHistogram& histogram, RangeRule rule);

}  // namespace aface
