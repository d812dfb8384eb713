#pragma once

#include <string>
#include <vector>

#include "aface/eval/figure.h"

namespace aface {

// "[0.9712, 0.9803]" in the unit given, the reason where there is no interval, "" where people were not
// drawn.
std::string interval_text(const Figure& figure, double unit, int digits);

// The figure of this name, or nullptr.
const Figure* find_figure(const std::vector<Figure>& figures, const std::string& name);

// One line a figure: name, value (shares in percent, thresholds as cosine) and, where people were drawn, the
// 95 % interval; of a figure that cannot be measured the reason instead.
std::string figure_table(const std::vector<Figure>& figures);

}  // namespace aface
