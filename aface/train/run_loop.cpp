#include "aface/train/run_loop.h"

#include <fmt/core.h>

#include <exception>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "aface/config/config_writer.h"
#include "aface/core/log.h"
#include "aface/core/stop_request.h"
#include "aface/train/bad_step.h"
#include "aface/train/data_identity.h"
#include "aface/train/whole_state.h"

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

void require_same_path(const std::string& path, Communicator& ranks) {
  const auto first = ranks.gather({reinterpret_cast<const unsigned char*>(path.data()), path.size()})[0];
  const std::string of_first(first.begin(), first.end());
  if (path == of_first) return;
  throw Error(
      ErrorKind::kIo,
      fmt::format("rank 0 resumes from '{}', but this rank finds '{}'; all ranks must see the same run "
                  "directory",
                  of_first, path));
}

}  // namespace

RunLoop::RunLoop(const RunConfig& config, const std::string& run_dir, const FaceDataset& dataset,
                 Trainer& trainer, bool validates, const Validator* validator, Communicator* ranks)
    : config_(config),
      run_dir_(run_dir),
      dataset_(dataset),
      trainer_(trainer),
      validates_(validates),
      validator_(validator),
      ranks_(ranks),
      checkpoints_(run_dir, {config.train.keep_checkpoints, config.train.keep_best}),
      progress_(config.train.steps) {}

bool RunLoop::resume(OtherData other_data, std::int64_t no_later_than) {
  const std::optional<Checkpoint> newest = checkpoints_.newest(no_later_than);
  if (ranks_ != nullptr) require_same_path(newest ? newest->path : "", *ranks_);
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
  if (is_first()) checkpoints_.remove_superfluous(newest->step, results_.scores);
  log_info("train", "resumed from {} at step {}", newest->path, trainer_.steps_done());
  return true;
}

bool RunLoop::validation_is_due() const {
  return validates_ && trainer_.steps_done() > 0 && is_due(config_.validation.every_steps) &&
         !is_finished() && !has_score(results_.scores, trainer_.steps_done());
}

void RunLoop::run() {
  if (is_first())
    metrics_.emplace(run_dir_, trainer_.steps_done() > 0 ? trainer_.steps_done() : MetricLog::kFreshRun);
  if (ranks_ != nullptr) bytes_at_last_log_ = ranks_->bytes_sent();
  step_of_last_log_ = trainer_.steps_done();
  if (validation_is_due()) {  // the process that wrote the checkpoint did not come to it
    validate();
    save_if_there_is_room();
  }
  // A signal to one rank stops all of them, after the step in which they have learnt of it.
  bool stop = ranks_ == nullptr && stop_requested();
  while (!is_finished() && !stop) {
    const StepResult done = step();
    stop = ranks_ == nullptr ? stop_requested() : done.stop_requested;
    if (is_due(config_.train.log_every) || is_finished()) log_interval();
    const bool validated = validation_is_due();
    if (validated) validate();
    if (validated || is_due(config_.train.checkpoint_every)) save_if_there_is_room();
  }
  if (!is_finished()) return save();
  if (validates_) validate();
  save_if_there_is_room();  // what the run was for, its results, may still find some
}

StepResult RunLoop::step() {
  StepResult result;
  try {
    result = trainer_.step();
  } catch (const Diverged& diverged) {
    keep_bad_step(diverged);
    throw;
  }
  progress_.add(result);
  has_unsaved_ = true;
  return result;
}

void RunLoop::keep_bad_step(const Diverged& diverged) const {
  try {
    write_whole(trainer_.save_bad_step(), [&](const NamedArrays& state) {
      write_bad_step(run_dir_, config_, dataset_, state, trainer_.rollbacks(), diverged);
    });
    if (is_first()) {
      log_warning("train", "step {} kept in {}; adaptiveface replay does it again", diverged.step(),
                  bad_step_folder(run_dir_));
    }
  } catch (const Error& error) {  // the reason why the run ends is the more important one
    if (ranks_ != nullptr && ranks_->has_failed()) throw;
    if (is_first()) log_warning("train", "step {} could not be kept: {}", diverged.step(), error.what());
  }
}

void RunLoop::log_interval() {
  std::map<std::string, double> numbers = progress_.close_interval(trainer_.stall_seconds());
  log_info("train", "{}", progress_.line(trainer_.steps_done(), numbers));
  if (ranks_ != nullptr) {
    numbers["ranks/bytes_per_step"] = static_cast<double>(ranks_->bytes_sent() - bytes_at_last_log_) /
                                      static_cast<double>(trainer_.steps_done() - step_of_last_log_);
  }
  numbers.merge(trainer_.report_interval());
  if (metrics_) metrics_->write(trainer_.steps_done(), NamedValues(numbers.begin(), numbers.end()));
  results_.last_interval = numbers;
  if (ranks_ != nullptr) bytes_at_last_log_ = ranks_->bytes_sent();
  step_of_last_log_ = trainer_.steps_done();
}

// Rank 0 alone scores. The others wait to learn what came of it.
VerificationReport RunLoop::run_validation() {
  if (ranks_ == nullptr) return validator_->run(trainer_.backbone());
  VerificationReport report;
  std::exception_ptr trouble;
  std::vector<double> told = {0, 0};  // accuracy, whether it failed
  if (validator_ != nullptr) {
    try {
      report = validator_->run(trainer_.backbone());
      told[0] = report.accuracy_mean;
    } catch (...) {
      trouble = std::current_exception();
      told[1] = 1;
    }
  }
  ranks_->sum(told);
  if (trouble) std::rethrow_exception(trouble);
  if (told[1] > 0) throw Error(ErrorKind::kData, "rank 0 could not validate");
  report.accuracy_mean = told[0];
  return report;
}

void RunLoop::validate() {
  const std::int64_t step = trainer_.steps_done();
  trainer_.check_state();
  try {
    results_.validation = run_validation();
  } catch (...) {
    if (ranks_ == nullptr || !ranks_->has_failed()) save_if_there_is_room();
    throw;
  }
  const double accuracy = results_.validation->accuracy_mean;
  log_info("validation", "step {} accuracy {:.2f}% +- {:.2f} on {} pairs", step, 100 * accuracy,
           100 * results_.validation->accuracy_std_error, results_.validation->pairs);
  if (has_score(results_.scores, step))
    return;  // the end of a run that was killed before its results were written
  if (metrics_) metrics_->write(step, {{"validation/accuracy", accuracy}});
  results_.scores.push_back({step, accuracy});
  has_unsaved_ = true;
}

void RunLoop::save() {
  if (!has_unsaved_) return;
  trainer_.check_state();  // what a run may go back to is good
  if (metrics_) metrics_->sync();  // a checkpoint must not outlive a power cut that the log before it did not
  write_whole(trainer_.save(), [this](const NamedArrays& state) { write_checkpoint(state); });
  has_unsaved_ = false;
}

void RunLoop::write_whole(const NamedArrays& share, const std::function<void(const NamedArrays&)>& write) const {
  if (ranks_ == nullptr) return write(share);
  WholeState all(share, *ranks_);
  if (is_first()) {
    write(all.whole());
    all.close(true);
  } else if (!all.serve()) {
    throw Error(ErrorKind::kIo, "rank 0 could not write it");
  }
}

void RunLoop::write_checkpoint(NamedArrays state) {
  progress_.save(state);
  put_identity_names(dataset_, state);
  state.metadata[kConfig] = to_toml(config_);
  state.metadata[kLastInterval] = nlohmann::json(results_.last_interval).dump();
  checkpoints_.write(trainer_.steps_done(), std::move(state), results_.scores);
}

void RunLoop::save_if_there_is_room() {
  try {
    save();
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kIo || (ranks_ != nullptr && ranks_->has_failed())) throw;
    if (!is_first()) return;
    log_warning("train",
                "no checkpoint of step {}: {}; the earlier ones are as they were, and the run goes on",
                trainer_.steps_done(), error.what());
  }
}

}  // namespace aface
