#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/error.h"
#include "aface/data/photo_input.h"
#include "aface/detect/left_out.h"

namespace aface {

// The photos of a command that give no row: listed, the first few with a warning.
class UnusedPhotos {
 public:
  // `area` opens the lines of the log.
  UnusedPhotos(std::string area, LeaveOutRule rule) : area_(std::move(area)), rule_(rule) {}

  // Throws the error itself where the rule does not cover it.
  void add(const PhotoInput& input, std::int64_t photo, const Error& error);
  // The number of all, where some went without a warning of their own.
  void tell_number() const;

  const std::vector<LeftOutPhoto>& list() const { return list_; }

 private:
  std::string area_;
  LeaveOutRule rule_;
  std::vector<LeftOutPhoto> list_;
};

}  // namespace aface
