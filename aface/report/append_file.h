#pragma once

#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace aface {

// A log file that grows by whole records. What is appended reaches the system at once, so that a crash of the
// program loses nothing. A record that cannot be written (full disk) is dropped, the file cut back to its
// last whole record, and a warning logged the first time; later records are tried again. One thread at a
// time.
class AppendFile {
 public:
  enum class Start { kEmpty, kAtEnd };

  // Throws Error{kIo} when the file cannot be opened for writing.
  AppendFile(const std::string& path, Start start);
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;
  ~AppendFile();

  // To the disk itself.
  void sync() { ::fsync(descriptor_); }

  // Whether the record was written.
  bool append(std::string_view record);
  std::int64_t dropped() const { return dropped_; }  // records lost so far

 private:
  std::string path_;
  int descriptor_ = -1;
  std::int64_t good_bytes_ = 0;  // up to the end of the last whole record
  std::int64_t dropped_ = 0;
};

}  // namespace aface
