#include "aface/report/append_file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/log.h"

namespace aface {

AppendFile::AppendFile(const std::string& path, Start start) : path_(path) {
  const int flags = O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (start == Start::kEmpty ? O_TRUNC : 0);
  descriptor_ = ::open(path.c_str(), flags, 0644);
  if (descriptor_ < 0) {
    throw Error(ErrorKind::kIo, fmt::format("{}: cannot open for writing ({}); check the run directory", path,
                                            std::strerror(errno)));
  }
  good_bytes_ = ::lseek(descriptor_, 0, SEEK_END);
}

AppendFile::~AppendFile() { ::close(descriptor_); }

bool AppendFile::append(std::string_view record) {
  try {
    write_all(descriptor_, record.data(), record.size(), path_);
    good_bytes_ += static_cast<std::int64_t>(record.size());
    return true;
  } catch (const Error& error) {
    if (dropped_++ == 0) {
      log_warning("report", "{}; the run goes on without the records that do not fit", error.what());
    }
    // A device or pipe cannot be cut; it has no broken end either.
    [[maybe_unused]] const int ignored = ::ftruncate(descriptor_, good_bytes_);
    return false;
  }
}

}  // namespace aface
