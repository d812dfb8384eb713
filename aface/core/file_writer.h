#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace aface {

// A large file that is written piece by piece under "<path>.tmp-<pid>" and takes its name when it is whole,
// as write_file_atomically() does for content that is there at once. Without commit() nothing stays behind.
// All functions throw Error{kIo} naming the path (a full disk included); nothing may be written after one
// has.
class FileWriter {
 public:
  explicit FileWriter(std::string path);
  ~FileWriter();  // removes what was not committed
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void write(const void* data, std::size_t size);
  void write(const std::string& text) { write(text.data(), text.size()); }
  // Bytes written so far, which is where the next ones will stand.
  std::uint64_t offset() const { return offset_; }
  // Syncs the file and gives it its name.
  void commit();

  const std::string& path() const { return path_; }

 private:
  void flush();

  std::string path_, temporary_;
  std::vector<unsigned char> buffer_;
  std::uint64_t offset_ = 0;
  int descriptor_ = -1;
  bool is_committed_ = false;
};

}  // namespace aface
