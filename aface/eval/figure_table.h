#pragma once

#include <string>
#include <vector>

#include "aface/eval/figure.h"

namespace aface {

// One line a figure: name, value (shares in percent, thresholds as cosine) and, where people were drawn, the
// 95 % interval; of a figure that cannot be measured the reason instead.
std::string figure_table(const std::vector<Figure>& figures);

}  // namespace aface
