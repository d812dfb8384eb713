#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>

#include "aface/config/run_config.h"
#include "aface/data/face_dataset.h"
#include "aface/ranks/communicator.h"
#include "aface/report/metric_log.h"
#include "aface/train/checkpoint.h"
#include "aface/train/progress.h"
#include "aface/train/run_results.h"
#include "aface/train/trainer.h"
#include "aface/train/validation.h"

namespace aface {

// The steps of a run with what happens between them: logging, validation, checkpoints. What is in a
// checkpoint, its place in the log included, is enough to go on as if nothing had been: the numbers that a
// resumed run logs are those of the uninterrupted one, times and speeds aside.
//
// A step that is validated gets its checkpoint after the validation, so that the score is in it. If the
// validation ends early (a signal, an unreadable image) the checkpoint is written all the same, and a resumed
// run validates first.
class RunLoop {
 public:
  // All must outlive the loop. `validates`: whether there are validations, for which rank 0 has the
  // `validator`. `ranks` null: alone; else all ranks make a loop and call it alike, and rank 0 writes.
  RunLoop(const RunConfig& config, const std::string& run_dir, const FaceDataset& dataset, Trainer& trainer,
          bool validates, const Validator* validator, Communicator* ranks = nullptr);

  // Before run(): takes up the newest undamaged checkpoint of a step up to `no_later_than`; false if there is none. Throws
  // Error that names it.
  bool resume(OtherData other_data, std::int64_t no_later_than = std::numeric_limits<std::int64_t>::max());
  // Before run(), of a run that went back: checkpoints of later steps are removed.
  void forget_later_steps() {
    if (is_first()) checkpoints_.remove_later_than(trainer_.steps_done());
  }
  bool is_finished() const { return trainer_.steps_done() >= config_.train.steps; }

  // To the end or a stop request. Throws what a step or a validation throws; of a step that diverged, the folder
  // <run_dir>/bad_step is written first. A checkpoint that cannot be
  // written is a warning, as a later one may have room; at a stop request it is an Error{kIo}.
  void run();

  const Progress& progress() const { return progress_; }
  const RunResults& results() const { return results_; }

 private:
  bool is_due(std::int64_t every) const { return every > 0 && trainer_.steps_done() % every == 0; }
  bool validation_is_due() const;
  StepResult step();
  void keep_bad_step(const Diverged& diverged) const;
  // write(all), by rank 0, of what each rank has a share of.
  void write_whole(const NamedArrays& share, const std::function<void(const NamedArrays&)>& write) const;
  void log_interval();
  void validate();
  VerificationReport run_validation();
  void save();
  void write_checkpoint(NamedArrays state);
  void save_if_there_is_room();
  bool is_first() const { return ranks_ == nullptr || ranks_->rank() == 0; }

  const RunConfig& config_;
  const std::string run_dir_;
  const FaceDataset& dataset_;
  Trainer& trainer_;
  const bool validates_;
  const Validator* validator_;
  Communicator* ranks_;
  std::optional<MetricLog> metrics_;  // on rank 0, while run() is at work
  std::int64_t bytes_at_last_log_ = 0, step_of_last_log_ = 0;
  CheckpointFolder checkpoints_;
  Progress progress_;
  RunResults results_;
  bool has_unsaved_ = true;  // something that the newest checkpoint lacks
};

}  // namespace aface
