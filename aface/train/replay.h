#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aface/train/bad_step.h"

namespace aface {

// What became of a step that a training gave up (bad_step.h) when it was done again.
struct Replay {
  BadStep recorded;
  std::optional<std::string> trouble;  // what was wrong this time; nothing: all was finite
  bool same_tensor = false;            // the same tensor was the first
  StepResult result;                   // when all was finite
};

// Does the step of `folder` again: same weights, chips and active identities, so the photos themselves are not looked at.
// `overrides` are "section.key=value" over the run's configuration: what if? Throws Error as load_config() and
// Trainer::restore() do, and for a folder that holds no such step. Nothing is written but the faces of a synthetic set,
// where the run directory that the folder lies in has lost them.
Replay replay_bad_step(const std::string& folder, const std::vector<std::string>& overrides);

}  // namespace aface
