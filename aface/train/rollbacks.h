#pragma once

#include <cstdint>
#include <limits>

#include "aface/train/diverged.h"
#include "aface/train/train_options.h"

namespace aface {

// Where a training begins: at its newest checkpoint of a step up to `no_later_than`, or at step 0.
struct Beginning {
  bool at_checkpoint = false;
  std::int64_t no_later_than = std::numeric_limits<std::int64_t>::max();
  std::int64_t rollbacks = 0;  // so many times it began again; 0: as the checkpoint says
};

// What to do about steps that are not finite: back to the last good state with a lower rate, and that not for ever. A state
// from which the training got no further than the time before is not a good one: then to the one before it.
class Rollbacks {
 public:
  explicit Rollbacks(const TrainOptions& options) : options_(options) {}

  void began_at(std::int64_t step) { began_at_ = step; }

  // `rollbacks` of the training that diverged. Throws Error{kNumeric} when it has been done train.max_rollbacks times, and
  // at once when the bad tensor came with a photo.
  Beginning after(const Diverged& diverged, std::int64_t rollbacks);

 private:
  TrainOptions options_;
  std::int64_t began_at_ = 0, furthest_ = -1;
};

}  // namespace aface
