#pragma once

#include <string>
#include <vector>

#include "aface/experiment/grid_run.h"
#include "aface/experiment/grid_table.h"

namespace aface {

// The picture of a chart of `grid`, as the text of an .svg file; "" when no run has anything to show. Takes the runs
// that have no problem. `table` is theirs. Throws Error{kIo|kFormat} naming a file that is not there or does not hold
// what the chart says.
std::string grid_chart_svg(const Grid& grid, const GridChart& chart, const std::vector<GridRun>& runs,
                           const GridTable& table);

}  // namespace aface
