#pragma once

#include <cstdint>

namespace aface {

// Rebuilds at the first step of a run and then at every multiple of `every` steps, wherever the run was cut: a
// checkpoint at such a step resumes with the rebuild that the uncut run makes too.
class RebuildRhythm {
 public:
  explicit RebuildRhythm(std::int64_t every) : every_(every) {}

  bool is_due(std::int64_t step) const { return last_ < 0 || step / every_ != last_ / every_; }
  void done(std::int64_t step) { last_ = step; }
  std::int64_t last() const { return last_; }  // step of the latest rebuild, or -1
  void set_last(std::int64_t step) { last_ = step; }

 private:
  std::int64_t every_;
  std::int64_t last_ = -1;
};

}  // namespace aface
