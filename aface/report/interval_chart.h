#pragma once

#include <string>
#include <vector>

namespace aface {

// A value with its 95 % interval.
struct IntervalMark {
  std::string colour;  // any CSS colour
  double value = 0, low = 0, high = 0;
};

// What is compared on one line of the chart.
struct IntervalGroup {
  std::string name;
  std::vector<IntervalMark> marks;
};

enum class Baseline { kNone, kZero };  // kZero: 0 is on the axis, and has a line

// <figure> with a dot and a bar for each mark, one below the other on a common axis; "" without groups.
// `legend` is (name, colour), and may be empty.
std::string interval_figure(const std::string& title, const std::string& unit,
                            const std::vector<std::pair<std::string, std::string>>& legend,
                            const std::vector<IntervalGroup>& groups, Baseline baseline = Baseline::kNone);

}  // namespace aface
