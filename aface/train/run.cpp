#include "aface/train/run.h"

#include <fmt/core.h>

#include <optional>

#include "aface/config/config_reader.h"
#include "aface/config/config_writer.h"
#include "aface/config/validate.h"
#include "aface/core/file.h"
#include "aface/core/log.h"
#include "aface/core/parallel.h"
#include "aface/core/stop_request.h"
#include "aface/nn/torch_compat.h"
#include "aface/report/metric_log.h"
#include "aface/train/checkpoint.h"
#include "aface/train/progress.h"
#include "aface/train/run_results.h"
#include "aface/train/trainer.h"
#include "aface/train/training_data.h"
#include "aface/train/validation.h"

namespace aface {
namespace {

std::string config_path(const std::string& run_dir) { return run_dir + "/config.toml"; }

// A folder that holds a run is refused unless it is resumed by a configuration that gives the same results.
void check_run_dir(const RunConfig& config, const RunOptions& options) {
  const std::string saved = config_path(options.run_dir);
  if (!file_exists(saved)) return;
  if (!options.resume) {
    throw Error(ErrorKind::kUsage,
                fmt::format("{}: holds a run already; add --resume to go on with it, or name another --run-dir",
                            options.run_dir));
  }
  std::string changes;
  for (const std::string& change : result_differences(load_config({saved}, {}), config)) {
    changes += (changes.empty() ? "" : "; ") + change;
  }
  if (!changes.empty() && !options.allow_changes) {
    throw Error(ErrorKind::kUsage,
                fmt::format("{}: the run was started with other options ({}); resume with the same ones, or add "
                            "--allow-changes",
                            saved, changes));
  }
}

void resume_newest(const CheckpointFolder& checkpoints, Trainer& trainer) {
  const std::optional<Checkpoint> newest = checkpoints.newest();
  if (!newest) {
    log_info("train", "no checkpoint yet, starting at step 0");
    return;
  }
  try {
    trainer.restore(newest->state);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: cannot resume from it: {}", newest->path, error.what()));
  }
  log_info("train", "resumed from {} at step {}", newest->path, trainer.steps_done());
}

}  // namespace

int run_training(const RunConfig& config, const RunOptions& options) {
  validate(config);
  check_run_dir(config, options);
  const int threads =
      config.train.threads > 0 ? static_cast<int>(config.train.threads) : hardware_threads();
  set_torch_threads(threads);

  const TrainingData data = open_training_data(config, options.run_dir, threads);
  EmbedOptions embed;
  embed.workers = static_cast<int>(config.data.workers);
  std::optional<Validator> validator;
  if (!data.validation.pairs.empty()) validator.emplace(data.validation, embed);

  Trainer trainer(config, data.dataset, options.run_dir);
  log_info("train", "{} with {} parameters, {} head, {} sampler, {} classes, {} threads", config.backbone.kind,
           count_parameters(trainer.backbone()), config.head.kind, config.sampler.kind, config.mining.kind, threads);
  const CheckpointFolder checkpoints(options.run_dir, config.train.keep_checkpoints);
  if (options.resume) resume_newest(checkpoints, trainer);
  const auto finished = [&] { return trainer.steps_done() >= config.train.steps; };
  if (finished() && has_run_results(options.run_dir)) {
    log_info("train", "{}: this run is finished; nothing to do", options.run_dir);
    return 0;
  }
  // Not before all parts have been made and restored: a start that fails must not change what the folder says it holds.
  make_folder(options.run_dir);
  write_file_atomically(config_path(options.run_dir), to_toml(config));

  MetricLog metrics(options.run_dir, trainer.steps_done() > 0 ? trainer.steps_done() : MetricLog::kFreshRun);
  Progress progress(trainer.steps_done(), config.train.steps);
  RunResults results;
  const auto due = [&](std::int64_t every) { return every > 0 && trainer.steps_done() % every == 0; };

  std::int64_t saved_at = -1;
  const auto save = [&] {
    if (saved_at == trainer.steps_done()) return;
    checkpoints.write(trainer.steps_done(), trainer.save());
    saved_at = trainer.steps_done();
  };
  const auto validate_now = [&] {
    results.validation = validator->run(trainer.backbone());
    log_info("validation", "step {} accuracy {:.2f}% +- {:.2f} on {} pairs", trainer.steps_done(),
             100 * results.validation->accuracy_mean, 100 * results.validation->accuracy_std_error,
             results.validation->pairs);
    metrics.write(trainer.steps_done(), {{"validation/accuracy", results.validation->accuracy_mean}});
  };

  while (!finished() && !stop_requested()) {
    progress.add(trainer.step());
    if (due(config.train.log_every) || finished()) {
      std::map<std::string, double> numbers = progress.close_interval(trainer.stall_seconds());
      log_info("train", "{}", progress.line(trainer.steps_done(), numbers));
      numbers.merge(trainer.report_interval());
      metrics.write(trainer.steps_done(), NamedValues(numbers.begin(), numbers.end()));
      results.last_interval = numbers;
    }
    const bool validation_due = validator && due(config.validation.every_steps) && !finished();
    if (due(config.train.checkpoint_every) || validation_due) save();  // a signal may end the validation
    if (validation_due) validate_now();
  }
  save();
  if (!finished()) {
    log_info("train", "stopped by signal {} after step {}; go on with --resume", stop_signal(), trainer.steps_done());
    return 128 + stop_signal();
  }
  if (validator) validate_now();
  write_run_results(config, options, data.dataset, trainer, progress, results);
  return 0;
}

}  // namespace aface
