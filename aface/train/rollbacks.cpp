#include "aface/train/rollbacks.h"

#include <fmt/core.h>

#include <algorithm>

namespace aface {

Beginning Rollbacks::after(const Diverged& diverged, std::int64_t rollbacks) {
  if (diverged.tensor().is_photo || options_.max_rollbacks == 0) throw diverged;
  if (rollbacks >= options_.max_rollbacks) {
    throw Error(ErrorKind::kNumeric, fmt::format("{}; given up after going back {} times (train.max_rollbacks)",
                                                 diverged.what(), rollbacks));
  }
  const bool got_further = diverged.step() > furthest_;
  furthest_ = std::max(furthest_, diverged.step());
  Beginning beginning;
  beginning.at_checkpoint = true;
  beginning.no_later_than = got_further ? diverged.step() : began_at_ - 1;
  beginning.rollbacks = rollbacks + 1;
  return beginning;
}

}  // namespace aface
