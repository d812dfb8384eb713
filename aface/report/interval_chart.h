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

// <figure> with a dot and a bar for each mark, one below the other on a common axis; "" without groups. `legend` is
// (name, colour).
std::string interval_figure(const std::string& title, const std::string& unit,
                            const std::vector<std::pair<std::string, std::string>>& legend,
                            const std::vector<IntervalGroup>& groups);

}  // namespace aface
