#include "aface/train/run_loop.h"

#include <fmt/core.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "aface/config/config_writer.h"
#include "aface/core/log.h"
#include "aface/core/stop_request.h"
#include "aface/train/bad_step.h"
#include "aface/train/data_identity.h"

namespace aface {
namespace {

constexpr char kConfig[] = "config";
constexpr char kLastInterval[] = "last_interval";

bool has_score(const std::vector<ScoredStep>& scores, std::int64_t step) {
  for (const ScoredStep& scored : scores) {
    if (scored.step == step) return true;
  }
  return false;
}

std::map<std::string, double> numbers_of(const std::string& text) {
  std::map<std::string, double> numbers;
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object())
    throw Error(ErrorKind::kFormat, fmt::format("metadata '{}' is no JSON object", kLastInterval));
  for (const auto& [name, value] : json.items()) {
    if (value.is_number()) numbers[name] = value.get<double>();
  }
  return numbers;
}

}  // namespace

RunLoop::RunLoop(const RunConfig& config, const std::string& run_dir, const FaceDataset& dataset,
                 Trainer& trainer, const Validator* validator)
    : config_(config),
      run_dir_(run_dir),
      dataset_(dataset),
      trainer_(trainer),
      validator_(validator),
      checkpoints_(run_dir, {config.train.keep_checkpoints, config.train.keep_best}),
      progress_(config.train.steps) {}

bool RunLoop::resume(OtherData other_data, std::int64_t no_later_than) {
  const std::optional<Checkpoint> newest = checkpoints_.newest(no_later_than);
  if (!newest) {
    log_info("train", "no checkpoint yet, starting at step 0");
    return false;
  }
  try {
    trainer_.restore(newest->state, other_data);
    progress_.restore(newest->state, newest->step);
    results_.scores = newest->scores;
    results_.last_interval = numbers_of(newest->state.text(kLastInterval));
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: cannot resume from it: {}", newest->path, error.what()));
  }
  has_unsaved_ = false;
  checkpoints_.remove_superfluous(newest->step, results_.scores);
  log_info("train", "resumed from {} at step {}", newest->path, trainer_.steps_done());
  return true;
}

bool RunLoop::validation_is_due() const {
  return validator_ != nullptr && trainer_.steps_done() > 0 && is_due(config_.validation.every_steps) &&
         !is_finished() && !has_score(results_.scores, trainer_.steps_done());
}

void RunLoop::run() {
  MetricLog metrics(run_dir_, trainer_.steps_done() > 0 ? trainer_.steps_done() : MetricLog::kFreshRun);
  if (validation_is_due()) {  // the process that wrote the checkpoint did not come to it
    validate(metrics);
    save_if_there_is_room(metrics);
  }
  while (!is_finished() && !stop_requested()) {
    step();
    if (is_due(config_.train.log_every) || is_finished()) log_interval(metrics);
    const bool validated = validation_is_due();
    if (validated) validate(metrics);
    if (validated || is_due(config_.train.checkpoint_every)) save_if_there_is_room(metrics);
  }
  if (!is_finished()) return save(metrics);
  if (validator_ != nullptr) validate(metrics);
  save_if_there_is_room(metrics);  // what the run was for, its results, may still find some
}

void RunLoop::step() {
  try {
    progress_.add(trainer_.step());
  } catch (const Diverged& diverged) {
    keep_bad_step(diverged);
    throw;
  }
  has_unsaved_ = true;
}

void RunLoop::keep_bad_step(const Diverged& diverged) const {
  try {
    write_bad_step(run_dir_, config_, dataset_, trainer_, diverged);
    log_warning("train", "step {} kept in {}; adaptiveface replay does it again", diverged.step(), bad_step_folder(run_dir_));
  } catch (const Error& error) {  // the reason why the run ends is the more important one
    log_warning("train", "step {} could not be kept: {}", diverged.step(), error.what());
  }
}

void RunLoop::log_interval(MetricLog& metrics) {
  std::map<std::string, double> numbers = progress_.close_interval(trainer_.stall_seconds());
  log_info("train", "{}", progress_.line(trainer_.steps_done(), numbers));
  numbers.merge(trainer_.report_interval());
  metrics.write(trainer_.steps_done(), NamedValues(numbers.begin(), numbers.end()));
  results_.last_interval = numbers;
}

void RunLoop::validate(MetricLog& metrics) {
  const std::int64_t step = trainer_.steps_done();
  trainer_.check_state();
  try {
    results_.validation = validator_->run(trainer_.backbone());
  } catch (...) {
    save_if_there_is_room(metrics);
    throw;
  }
  const double accuracy = results_.validation->accuracy_mean;
  log_info("validation", "step {} accuracy {:.2f}% +- {:.2f} on {} pairs", step, 100 * accuracy,
           100 * results_.validation->accuracy_std_error, results_.validation->pairs);
  if (has_score(results_.scores, step))
    return;  // the end of a run that was killed before its results were written
  metrics.write(step, {{"validation/accuracy", accuracy}});
  results_.scores.push_back({step, accuracy});
  has_unsaved_ = true;
}

void RunLoop::save(MetricLog& metrics) {
  if (!has_unsaved_) return;
  trainer_.check_state();  // what a run may go back to is good
  metrics.sync();  // a checkpoint must not outlive a power cut that the log before it did not
  NamedArrays state = trainer_.save();
  progress_.save(state);
  put_identity_names(dataset_, state);
  state.metadata[kConfig] = to_toml(config_);
  state.metadata[kLastInterval] = nlohmann::json(results_.last_interval).dump();
  checkpoints_.write(trainer_.steps_done(), std::move(state), results_.scores);
  has_unsaved_ = false;
}

void RunLoop::save_if_there_is_room(MetricLog& metrics) {
  try {
    save(metrics);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kIo) throw;
    log_warning("train",
                "no checkpoint of step {}: {}; the earlier ones are as they were, and the run goes on",
                trainer_.steps_done(), error.what());
  }
}

}  // namespace aface
