#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "aface/report/append_file.h"

namespace aface {

// A number of a run by name, "loss" or "head/margin_mean".
using NamedValues = std::vector<std::pair<std::string, double>>;

// A TensorBoard event file: records of TensorFlow's framing
//   u64 length, u32 masked crc32c(length), bytes, u32 masked crc32c(bytes)      (little-endian)
// whose bytes are the protocol buffer tensorflow.Event. The first says "brain.Event:2"; the second, a session
// start with a step, makes TensorBoard forget what earlier files of the folder hold from that step on.
class EventFile {
 public:
  // Times are seconds since 1970. Throws Error{kIo} when the file cannot be opened.
  EventFile(const std::string& path, std::int64_t first_step, double wall_time);
  // One Summary with a simple_value for each number, stored as float32.
  void write(std::int64_t step, const NamedValues& values, double wall_time);

 private:
  void append_event(std::string_view event);

  AppendFile file_;
};

}  // namespace aface
