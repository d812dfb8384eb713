#pragma once

#include <cstddef>
#include <string>

namespace aface {

// A whole file mapped for reading; pages are loaded as they are touched and can be dropped by the system. The
// file must not shrink while it is mapped.
class MappedFile {
 public:
  // Throws Error{kIo}.
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const unsigned char* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  const unsigned char* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace aface
