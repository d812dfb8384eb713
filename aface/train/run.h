#pragma once

#include <string>

#include "aface/config/run_config.h"
#include "aface/ranks/launch_environment.h"

namespace aface {

struct RunOptions {
  std::string run_dir;
  bool resume = false;         // go on from the newest checkpoint; from the start when there is none
  bool allow_changes = false;  // resume although options that affect results, or the data, differ from the run's
  LaunchFlags launch;          // which of several ranks this is, unless the environment says so
  std::string command_line;    // for the record, as is the next
  std::string program_version;
};

// Trains to the end, or until SIGINT/SIGTERM (the step is finished and a checkpoint written first). Leaves in run_dir:
//   config.toml            the resolved configuration
//   metrics.jsonl, events.out.tfevents.*   numbers of every log interval
//   checkpoints/           for --resume (checkpoint.h)
//   model.safetensors      the network with what its use depends on
//   margins.tsv            identity, images, margin; richest first (adaptive margins only)
//   noise_suspects.tsv     samples that look mislabelled, worst first (adaptive sampling only)
//   summary.json           counts, speed, validation, margins of the richest and poorest
// On several ranks (see launch_environment.h) rank 0 alone writes these; to resume, all must see them. What goes wrong on
// one ends all.
// Returns 0, or 128 + signal. Throws Error, Error{kUsage} for a run directory that another process is using, or that
// holds a run without `resume`, or one of other options without `allow_changes`.
int run_training(const RunConfig& config, const RunOptions& options);

}  // namespace aface
