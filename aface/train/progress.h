#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

#include "aface/core/named_arrays.h"
#include "aface/train/trainer.h"

namespace aface {

// Means over one log interval, and the line that a person watches.
class Progress {
 public:
  explicit Progress(std::int64_t total_steps);

  void add(const StepResult& result);

  // The interval's numbers by name: loss, accuracy, own_cosine, learning_rate, gradient_norm, active_classes,
  // images_per_s, stall_share, softmax_mass and softmax_mass_wrong when they were measured, and of a fast head
  // filter_skipped (share of the wrong classes' probability that got no gradient) and filter_in_full (samples a step
  // that were computed in full). Starts the next interval.
  std::map<std::string, double> close_interval(double stall_seconds);

  // "step 120/3000 loss 7.31 ... 412 img/s eta 3m12s"
  std::string line(std::int64_t steps_done, const std::map<std::string, double>& numbers) const;

  // The sums of an interval that is not closed yet, under "progress.interval", so that a resumed run logs what an
  // uninterrupted one does; times and speeds are of this process alone. restore() throws Error{kFormat}.
  void save(NamedArrays& state) const;
  void restore(const NamedArrays& state, std::int64_t steps_done);

  std::int64_t images() const { return images_total_; }
  double seconds() const;  // since construction
  double mean_active_classes() const { return steps_total_ > 0 ? active_total_ / steps_total_ : 0; }

 private:
  using Clock = std::chrono::steady_clock;

  std::int64_t first_step_ = 0;  // of this process
  const std::int64_t total_steps_;
  const Clock::time_point start_ = Clock::now();

  struct Interval {
    Clock::time_point start = Clock::now();
    std::int64_t images = 0;  // since the start
    std::int64_t steps = 0, mass_count = 0;
    double loss = 0, accuracy = 0, own_cosine = 0, gradient_norm = 0, active = 0;
    SoftmaxMass mass;
    std::int64_t filtered_steps = 0;
    double skipped = 0, wrong = 0, in_full = 0;  // see FilterReport
  };
  Interval interval_;
  double learning_rate_ = 0;
  double stall_seconds_ = 0;
  std::int64_t images_total_ = 0;
  double steps_total_ = 0, active_total_ = 0;
};

// "2h03m", "3m12s", "8s"
std::string duration_text(double seconds);

}  // namespace aface
