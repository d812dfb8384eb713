#include "aface/train/replay.h"

#include <fmt/core.h>

#include <filesystem>

#include "aface/config/config_reader.h"
#include "aface/config/validate.h"
#include "aface/core/parallel.h"
#include "aface/nn/torch_compat.h"
#include "aface/train/training_data.h"

namespace aface {

Replay replay_bad_step(const std::string& folder, const std::vector<std::string>& overrides) {
  Replay replay;
  replay.recorded = read_bad_step(folder);
  const NamedArrays state = read_bad_step_state(folder);
  const RunConfig config = load_config({bad_step_config(folder)}, overrides);
  validate(config);
  const int threads = config.train.threads > 0 ? static_cast<int>(config.train.threads) : hardware_threads();
  set_torch_threads(threads);
  const std::string run_dir = std::filesystem::canonical(folder).parent_path().string();
  const TrainingData data = open_training_data(config, run_dir, threads);
  Trainer trainer(config, data.dataset, std::filesystem::temp_directory_path().string());
  StepInput input;
  try {
    input = trainer.restore_bad_step(state);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: the step cannot be done again: {}", folder, error.what()));
  }
  try {
    replay.result = trainer.step(std::move(input));
  } catch (const Diverged& diverged) {
    replay.trouble = diverged.what();
    replay.same_tensor = diverged.tensor().name == replay.recorded.first_bad_tensor;
  }
  return replay;
}

}  // namespace aface
