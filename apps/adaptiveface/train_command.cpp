#include <fmt/format.h>

#include <memory>
#include <string>

#include "aface/core/file.h"
#include "aface/train/run.h"
#include "apps/adaptiveface/command.h"
#include "apps/adaptiveface/config_flags.h"
#include "apps/adaptiveface/version.h"

namespace aface {
namespace {

struct TrainFlags {
  RunOptions run;
  std::int64_t threads = -1;
  std::int64_t seed = -1;
  std::string device;
};

// As the user typed it, for the record of the run.
std::string command_line() {
  std::string text = read_text_file("/proc/self/cmdline");
  while (!text.empty() && text.back() == '\0') text.pop_back();
  for (char& c : text) {
    if (c == '\0') c = ' ';
  }
  return text;
}

// Without --config a resumed run takes the configuration that it was started with. The flags of train win over --set.
RunConfig resolve(ConfigFlags config, const TrainFlags& flags) {
  const std::string saved = flags.run.run_dir + "/config.toml";
  if (config.files.empty() && flags.run.resume && file_exists(saved)) config.files = {saved};
  if (flags.threads >= 0) config.overrides.push_back(fmt::format("train.threads={}", flags.threads));
  if (flags.seed >= 0) config.overrides.push_back(fmt::format("train.seed={}", flags.seed));
  if (!flags.device.empty()) config.overrides.push_back("train.device=" + flags.device);
  return config.load();
}

std::function<int()> setup(CLI::App& app) {
  const std::shared_ptr<ConfigFlags> config = add_config_flags(app);
  const auto flags = std::make_shared<TrainFlags>();
  app.add_option("--run-dir", flags->run.run_dir, "folder for everything that the run leaves behind")->required();
  app.add_flag("--resume", flags->run.resume,
               "go on from the newest checkpoint of the run directory; start anew when there is none");
  app.add_flag("--allow-changes", flags->run.allow_changes,
               "resume although options that affect results, or the data, differ from the run's");
  app.add_option("--threads", flags->threads, "compute threads; 0: all cores (train.threads)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--seed", flags->seed, "of weights, sampling and augmentation (train.seed)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--device", flags->device, "cpu or cuda (train.device)")->check(CLI::IsMember({"cpu", "cuda"}));
  app.add_option("--rank", flags->run.launch.rank, "which of several processes that train together this is, from 0")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--world-size", flags->run.launch.world_size, "how many there are")->check(CLI::PositiveNumber);
  app.add_option("--master", flags->run.launch.master, "host:port where rank 0 is, and all meet");
  app.footer(
      "Several ranks: start one process each with --rank, --world-size and --master, or all by torchrun --no-python, srun\n"
      "or mpirun, whose variables are read. train.batch_size is that of all ranks together.\n"
      "SIGINT or SIGTERM finishes the step, writes a checkpoint and exits with 128 + signal; --resume goes on.\n"
      "The run directory then holds config.toml, metrics.jsonl, TensorBoard events, checkpoints/ and, at the end,\n"
      "model.safetensors, margins.tsv, noise_suspects.tsv and summary.json.");
  return [config, flags] {
    RunOptions run = flags->run;
    run.command_line = command_line();
    run.program_version = version_text();
    return run_training(resolve(*config, *flags), run);
  };
}

}  // namespace

Command train_command() {
  return {"train", "train a network on a folder of face chips, a list, or built-in synthetic faces", setup};
}

}  // namespace aface
