#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "aface/experiment/grid.h"

namespace aface {

struct GridRunOptions {
  std::string program;  // path of adaptiveface
  std::string out;      // folder for everything
  int jobs = 1;         // trainings side by side
  int threads = 1;      // of each
  // Called with a line for people as each part starts, ends or fails; from several threads, one at a time.
  std::function<void(const std::string& line)> on_progress;
};

// What became of one training and the steps after it.
struct GridRun {
  std::string variant;
  std::int64_t seed = 0;
  std::string folder;   // OUT/VARIANT/seedN
  std::string problem;  // empty: all done
  double seconds = 0;   // spent now; 0 when all was there
};

// Where the run of this variant and seed lies below `out`.
std::string run_folder_of(const std::string& out, const GridVariant& variant, std::int64_t seed);

// Runs what is not done yet: seed by seed, so that all variants have the first seed before one has the
// second. A training that was broken off is resumed. Commands that were done stand in done.json of each
// folder: a step whose command has changed is done again, with all that come after it; a training whose
// command has changed is a problem that names the folder. What goes wrong in one run is its problem, not the
// others'; their output is in log.txt of its folder. Throws Error when a step before the trainings fails, and
// Stopped after the children have stopped.
std::vector<GridRun> run_grid(const Grid& grid, const GridRunOptions& options);

}  // namespace aface
