#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "aface/core/named_arrays.h"

namespace aface {

struct Checkpoint {
  std::string path;
  std::int64_t step = 0;  // optimiser steps done
  NamedArrays state;
};

// The folder <run_dir>/checkpoints with files step_NNNNNNNN.safetensors, each written under a temporary name and
// renamed; after a write the oldest beyond `keep` are removed.
class CheckpointFolder {
 public:
  CheckpointFolder(const std::string& run_dir, std::int64_t keep);

  // Throws Error{kIo} when the file cannot be written; older checkpoints are then untouched.
  std::string write(std::int64_t step, NamedArrays state) const;

  // The newest readable checkpoint. An unreadable one is reported as a warning and the one before it is taken; when
  // all are unreadable, throws the newest one's error. Nothing when there is none.
  std::optional<Checkpoint> newest() const;

 private:
  std::vector<std::string> names_newest_first() const;

  std::string folder_;
  std::int64_t keep_;
};

}  // namespace aface
