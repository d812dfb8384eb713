#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>

#include "aface/core/error.h"
#include "aface/core/span.h"

namespace aface::fuzz {

// Runs a reader on an input: it may refuse it by an Error about the input, which is one line; anything else
// (another exception, a crash, our own broken promise) is a find.
template <class Reader>
void expect_error_or_nothing(const Reader& read) {
  try {
    read();
  } catch (const Error& error) {
    const std::string message = error.what();
    const bool is_about_input = error.kind() == ErrorKind::kFormat || error.kind() == ErrorKind::kData;
    if (!is_about_input || message.empty() || message.find('\n') != std::string::npos) std::abort();
  }
}

// Touches every byte, so that a view beyond its memory is seen.
inline void touch(Span<const unsigned char> bytes) {
  volatile unsigned char sum = 0;
  for (const unsigned char byte : bytes) sum = static_cast<unsigned char>(sum + byte);
}

// A file in memory, for readers that take a path.
class MemoryFile {
 public:
  MemoryFile(const unsigned char* data, std::size_t size) : descriptor_(::memfd_create("fuzz", 0)) {
    if (descriptor_ < 0 || ::write(descriptor_, data, size) != static_cast<ssize_t>(size)) std::abort();
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace aface::fuzz
