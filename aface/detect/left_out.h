#pragma once

#include <string>
#include <vector>

#include "aface/core/error.h"

namespace aface {

// Which photos without a chip are passed over; another one is the error of the whole task.
struct LeaveOutRule {
  bool bad = false;      // those that are missing or cannot be decoded (Error{kIo|kFormat})
  bool faceless = true;  // those without a face, or with too many (Error{kData})

  bool covers(const Error& error) const {
    return error.kind() == ErrorKind::kData
               ? faceless
               : bad && (error.kind() == ErrorKind::kIo || error.kind() == ErrorKind::kFormat);
  }
};

struct LeftOutPhoto {
  std::string name;
  std::string reason;  // one line
};

// What an error says, without the place of the photo that its message begins with.
std::string reason_of(const Error& error, const std::string& place);

// A table photo, reason. Atomic. Throws Error{kIo}.
void write_left_out(const std::string& path, const std::vector<LeftOutPhoto>& photos);

}  // namespace aface
