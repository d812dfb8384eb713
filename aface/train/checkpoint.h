#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "aface/core/named_arrays.h"

namespace aface {

// What a validation found; more is better.
struct ScoredStep {
  std::int64_t step = 0;
  double score = 0;
};

// The earliest of the highest; nothing when there are none.
std::optional<ScoredStep> best_of(const std::vector<ScoredStep>& scores);

struct Checkpoint {
  std::string path;
  std::int64_t step = 0;  // optimiser steps done
  std::vector<ScoredStep> scores;  // of the run so far, this step's own included if it has one
  NamedArrays state;
};

// Throws Error{kIo|kFormat} when the file is damaged (its checksum says so) or no checkpoint.
Checkpoint read_checkpoint(const std::string& path);

// Which checkpoints stay: the newest ones, and of the steps that were validated those that scored best.
struct KeepRule {
  std::int64_t newest = 2;
  std::int64_t best = 1;
};

// The folder <run_dir>/checkpoints with files step_NNNNNNNN.safetensors, each written under a temporary name, synced,
// and renamed, with a checksum inside; after a write those beyond the rule are removed.
class CheckpointFolder {
 public:
  CheckpointFolder(const std::string& run_dir, KeepRule keep);

  // `scores` of the run so far. Throws Error{kIo} when the file cannot be written; the other checkpoints are then
  // untouched.
  std::string write(std::int64_t step, NamedArrays state, const std::vector<ScoredStep>& scores) const;

  // The newest undamaged checkpoint of a step up to `no_later_than`. A damaged one is reported as a warning and the one
  // before it is taken; when all are damaged, throws the newest one's error. Nothing when there is none.
  std::optional<Checkpoint> newest(std::int64_t no_later_than = std::numeric_limits<std::int64_t>::max()) const;

  // For a run that goes on from an earlier step: later ones are not on its way.
  void remove_later_than(std::int64_t step) const;

  // Removes those beyond the rule, of the steps up to `newest`, which is there: what write() does, for a run whose last
  // process did not come to it.
  void remove_superfluous(std::int64_t newest, const std::vector<ScoredStep>& scores) const;

  // Damaged or not; empty when there is none.
  std::string newest_path() const;
  std::string path_of(std::int64_t step) const;
  const std::string& path() const { return folder_; }

 private:
  std::vector<std::int64_t> steps_newest_first() const;

  std::string folder_;
  KeepRule keep_;
};

}  // namespace aface
