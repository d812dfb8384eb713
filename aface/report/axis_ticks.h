#pragma once

#include <string>
#include <vector>

namespace aface {

enum class Scale { kLinear, kLog };

struct Tick {
  double value = 0;
  std::string label;  // plain text, "0.25", "20k", "10⁻⁴"
};

// Where an axis begins and ends.
struct AxisRange {
  double low = 0;
  double high = 1;
};

// Distance of about `count` ticks over `span`: 1, 2 or 5 times a power of ten. 1 when there is no positive
// span.
double tick_step(double span, int count);

// The range widened to whole tick steps; one without extent is widened first. On a log scale to 1, 2 or 5
// times a power of ten; low must be positive there.
AxisRange round_outwards(AxisRange range, Scale scale, int count = 5);

// Ticks at round numbers within the range, rising. Linear: multiples of tick_step. Log: powers of ten, every
// second or third of them when there would be more than nine; within less than two decades also 2 and 5 times
// a power.
std::vector<Tick> axis_ticks(AxisRange range, Scale scale, int count = 5);

}  // namespace aface
