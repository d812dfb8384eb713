#include "aface/train/run.h"

#include <ATen/Parallel.h>
#include <fmt/core.h>

#include <algorithm>
#include <csignal>
#include <optional>
#include <variant>

#include "aface/config/config_reader.h"
#include "aface/config/config_writer.h"
#include "aface/config/validate.h"
#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/core/parallel.h"
#include "aface/core/stop_request.h"
#include "aface/io/safetensors.h"
#include "aface/nn/torch_compat.h"
#include "aface/train/checkpoint.h"
#include "aface/train/rollbacks.h"
#include "aface/train/run_folder.h"
#include "aface/train/run_loop.h"
#include "aface/train/run_results.h"
#include "aface/train/trainer.h"
#include "aface/train/training_data.h"
#include "aface/train/validation.h"
#include "aface/train/warm_start.h"

namespace aface {
namespace {

std::string config_path(const std::string& run_dir) { return run_dir + "/config.toml"; }

// The options of the run that a folder holds, and where they stand; nothing when it holds none. Without config.toml those
// of its newest checkpoint.
struct SavedConfig {
  std::string place;
  RunConfig config;
};
std::optional<SavedConfig> saved_config(const std::string& run_dir) {
  if (const std::string path = config_path(run_dir); file_exists(path)) return SavedConfig{path, load_config({path}, {})};
  const std::string path = CheckpointFolder(run_dir, KeepRule()).newest_path();
  if (path.empty()) return std::nullopt;
  const auto metadata = read_safetensors_metadata(path);
  const auto config = metadata.find("config");
  if (config == metadata.end()) throw Error(ErrorKind::kFormat, fmt::format("{}: does not hold the run's options", path));
  return SavedConfig{path, parse_config(config->second, path)};
}

// A folder that holds a run is refused unless it is resumed by a configuration that gives the same results.
void check_run_dir(const RunConfig& config, const RunOptions& options) {
  const std::string& dir = options.run_dir;
  if (!options.resume) {
    if (!file_exists(config_path(dir)) && CheckpointFolder(dir, KeepRule()).newest_path().empty()) return;
    throw Error(ErrorKind::kUsage,
                fmt::format("{}: holds a run already; add --resume to go on with it, or name another --run-dir", dir));
  }
  if (options.allow_changes) return;
  const std::optional<SavedConfig> saved = saved_config(dir);
  if (!saved) return;
  std::string changes;
  for (const std::string& change : result_differences(saved->config, config)) {
    changes += (changes.empty() ? "" : "; ") + change;
  }
  if (!changes.empty()) {
    throw Error(ErrorKind::kUsage, fmt::format("{}: the run was started with other options ({}); resume with the same "
                                               "ones, or add --allow-changes", saved->place, changes));
  }
}

bool is_first(const Communicator* ranks) { return ranks == nullptr || ranks->rank() == 0; }

// What rank 0 says, on all of them.
bool agreed(bool of_first, Communicator* ranks) {
  if (ranks == nullptr) return of_first;
  double value = is_first(ranks) && of_first ? 1 : 0;
  ranks->sum(Span<double>(&value, 1));
  return value > 0;
}

void start_anew(const RunConfig& config, const FaceDataset& dataset, Trainer& trainer) {
  if (config.start.from.empty()) return;
  const WarmStart start = warm_start(config, dataset, trainer);
  log_info("train", "started from {}: {} prototypes carried over by name, {} at the mean of their embeddings, {} at random; "
                    "{} identities of the file are not in this run",
           config.start.from, start.carried, start.from_means, start.random, start.left_behind);
}

// What is the same however often a run begins again.
struct RunParts {
  const RunConfig& config;
  const RunOptions& options;
  const TrainingData& data;
  const Validator* validator;  // on rank 0
  Communicator* ranks;         // null: alone
};

// From `beginning` to the end or to a signal: the exit code. Or, when it diverged, to where it begins again.
std::variant<int, Beginning> train_from(const Beginning& beginning, const RunParts& run, Rollbacks& rollbacks) {
  const RunConfig& config = run.config;
  const std::string& run_dir = run.options.run_dir;
  Communicator* const ranks = run.ranks;
  RunConfig here = config;
  if (ranks != nullptr) here.train.threads = at::get_num_threads();  // of this host's cores, not all
  Trainer trainer(here, run.data.dataset, run_dir, ranks);
  RunLoop loop(config, run_dir, run.data.dataset, trainer, !run.data.validation.pairs.empty(), run.validator, ranks);
  const OtherData other_data = run.options.allow_changes ? OtherData::kAllow : OtherData::kRefuse;
  const bool resumed = beginning.at_checkpoint && loop.resume(other_data, beginning.no_later_than);
  if (!resumed) start_anew(config, run.data.dataset, trainer);
  if (beginning.rollbacks > 0) {
    loop.forget_later_steps();
    trainer.lower_rate(beginning.rollbacks);
  } else {
    log_info("train", "{} with {} parameters, {} head, {} sampler, {} classes, {} threads", config.backbone.kind,
             count_parameters(trainer.backbone()), config.head.kind, config.sampler.kind, config.mining.kind,
             at::get_num_threads());
  }
  if (loop.is_finished() && agreed(has_run_results(run_dir), ranks)) {
    log_info("train", "{}: this run is finished; nothing to do", run_dir);
    return 0;
  }
  // Not before all parts have been made and restored: a start that fails must not change what the folder says it holds.
  if (is_first(ranks)) write_file_atomically(config_path(run_dir), to_toml(config));

  rollbacks.began_at(trainer.steps_done());
  try {
    loop.run();
  } catch (const Diverged& diverged) {
    const Beginning again = rollbacks.after(diverged, trainer.rollbacks());
    if (is_first(ranks)) {
      log_warning("train", "{}; going back to the last good state, with {:g} times the learning rate ({} of {} returns)",
                  diverged.what(), config.train.rollback_rate, again.rollbacks, config.train.max_rollbacks);
    }
    return again;
  }
  if (!loop.is_finished()) {
    const int signal = stop_requested() ? stop_signal() : SIGTERM;  // another rank's
    log_info("train", "stopped by signal {} after step {}; go on with --resume", signal, trainer.steps_done());
    return 128 + signal;
  }
  const at::Tensor margins = trainer.all_margins();
  const std::vector<NoiseSuspect> suspects =
      trainer.sampler().noise_suspects(static_cast<std::size_t>(config.sampler.fewest_suspects));
  if (is_first(ranks)) {
    write_run_results(config, run.options, run.data.dataset, trainer, margins, suspects, loop.progress(), loop.results(), ranks);
  }
  return 0;
}

// Faces that are drawn into the run directory are drawn by rank 0.
TrainingData open_data(const RunConfig& config, const std::string& run_dir, int threads, Communicator* ranks) {
  if (!is_first(ranks)) ranks->barrier("the training data");
  TrainingData data = open_training_data(config, run_dir, threads);
  if (ranks != nullptr && is_first(ranks)) ranks->barrier("the training data");
  return data;
}

int train(const RunConfig& config, const RunOptions& options, Communicator* ranks) {
  const bool first = is_first(ranks);
  if (ranks != nullptr && !config.start.from.empty()) {
    throw Error(ErrorKind::kUsage, "start.from does not work on several ranks: take the first steps on one (train.steps), and "
                                   "go on on several with --resume --allow-changes");
  }
  if (first) check_run_dir(config, options);
  const int threads = config.train.threads > 0 ? static_cast<int>(config.train.threads)
                                               : std::max(1, hardware_threads() / (ranks ? ranks->local_size() : 1));
  set_torch_threads(threads);
  std::optional<RunFolder> folder;
  if (first) folder.emplace(options.run_dir);
  if (first && options.resume) folder->remove_unfinished();

  const TrainingData data = open_data(config, options.run_dir, threads, ranks);
  EmbedOptions embed;
  embed.workers = static_cast<int>(config.data.workers);
  std::optional<Validator> validator;
  if (!data.validation.pairs.empty() && first) validator.emplace(data.validation, embed);

  const RunParts run{config, options, data, validator ? &*validator : nullptr, ranks};
  Rollbacks rollbacks(config.train);
  Beginning beginning;
  beginning.at_checkpoint = options.resume;
  for (;;) {
    const std::variant<int, Beginning> outcome = train_from(beginning, run, rollbacks);
    if (const int* code = std::get_if<int>(&outcome)) return *code;
    beginning = std::get<Beginning>(outcome);
  }
}

[[noreturn]] void end_all(Communicator& ranks, ErrorKind kind, const std::string& message) {
  const std::string named = fmt::format("rank {}: {}", ranks.rank(), message);
  ranks.report_failure(named);
  throw Error(kind, named);
}

}  // namespace

int run_training(const RunConfig& config, const RunOptions& options) {
  validate(config);
  const LaunchEnvironment launch = find_launch_environment(options.launch);
  if (launch.world_size == 1) return train(config, options, nullptr);
  if (launch.rank > 0) set_log_level(LogLevel::kWarning);
  CommunicatorOptions communication;
  communication.cuda = config.train.device != "cpu";
  Communicator ranks(launch, communication);
  log_info("train", "{} ranks by {}, which met at {}:{}; {} of them on this host", ranks.size(), launch.launcher,
           launch.master_host, launch.master_port, ranks.local_size());
  try {
    return train(config, options, &ranks);
  } catch (const Stopped&) {
    ranks.report_failure(fmt::format("rank {} was stopped by a signal", ranks.rank()));
    throw;
  } catch (const Error& error) {
    end_all(ranks, error.kind(), error.what());
  } catch (const std::exception& error) {
    const std::string text = error.what();
    end_all(ranks, ErrorKind::kInternal, text.substr(0, text.find('\n')));
  }
}

}  // namespace aface
