#include "aface/core/mapped_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "aface/core/error.h"

namespace aface {

MappedFile::MappedFile(const std::string& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const auto fail = [&](const char* what) {
    const int reason = errno;
    if (descriptor >= 0) ::close(descriptor);
    throw Error(ErrorKind::kIo,
                fmt::format("{}: cannot {} ({}); check the path", path, what, std::strerror(reason)));
  };
  if (descriptor < 0) fail("open");
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) fail("read the size");
  size_ = static_cast<std::size_t>(status.st_size);
  if (size_ > 0) {
    void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
    if (mapped == MAP_FAILED) fail("map");
    data_ = static_cast<const unsigned char*>(mapped);
  }
  ::close(descriptor);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) ::munmap(const_cast<unsigned char*>(data_), size_);
}

}  // namespace aface
