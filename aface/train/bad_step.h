#pragma once

#include <string>

#include "aface/config/run_config.h"
#include "aface/core/named_arrays.h"
#include "aface/data/face_dataset.h"
#include "aface/train/diverged.h"
#include "aface/train/trainer.h"

namespace aface {

// The folder <run_dir>/bad_step of the last step that was given up:
//   step.json           step, learning rate, the first bad tensor, returns so far, and the photos of the batch
//   state.safetensors   everything before that step, the chips and active identities included
//   config.toml         the run's configuration
// step.json is written last: it says that the rest is there.
std::string bad_step_folder(const std::string& run_dir);

// Throws Error{kIo} when it cannot be written.
// `state` of Trainer::save_bad_step(), the whole.
void write_bad_step(const std::string& run_dir, const RunConfig& config, const FaceDataset& dataset,
                    const NamedArrays& state, std::int64_t rollbacks, const Diverged& diverged);

// What a folder says of its step. Throw Error{kIo|kFormat} naming the file.
struct BadStep {
  std::int64_t step = 0;
  std::string first_bad_tensor;
};
BadStep read_bad_step(const std::string& folder);
NamedArrays read_bad_step_state(const std::string& folder);
std::string bad_step_config(const std::string& folder);  // path of its config.toml

}  // namespace aface
