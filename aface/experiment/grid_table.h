#pragma once

#include <string>
#include <vector>

#include "aface/eval/over_seeds.h"
#include "aface/experiment/grid_run.h"

namespace aface {

// Figures of the runs of a grid, and their differences from the baselines.
struct GridTable {
  struct Row {
    std::string variant;
    int seeds = 0;                    // with results, of those of the grid
    std::vector<SeedFigure> figures;  // in the grid's order; seeds = 0 where no run has a value
  };
  struct Difference {
    std::string baseline;
    std::vector<Row> rows;  // of every other variant: variant - baseline, over the seeds that both have
  };
  std::vector<Row> rows;
  std::vector<Difference> differences;
};

// Reads the figures of the runs that have no problem. A figure that a protocol could not measure, or a number
// that other runs report but this one does not, counts as missing in that run. Throws Error{kIo|kFormat} naming a file that does not hold what the grid says,
// Error{kData} when evaluations of one figure are over different people or draws.
GridTable make_grid_table(const Grid& grid, const std::vector<GridRun>& runs);

// Markdown: mean ± standard deviation over seeds, then for each baseline differences with 95 % intervals;
// those that exclude 0 are marked. Failed runs are listed.
std::string to_markdown(const Grid& grid, const std::vector<GridRun>& runs, const GridTable& table);

// One line a variant, baseline ("" for the value itself) and figure: mean, deviation, low, high, seeds; in
// the figures' own unit (a share is in [0, 1]).
std::string to_tsv(const Grid& grid, const GridTable& table);

}  // namespace aface
