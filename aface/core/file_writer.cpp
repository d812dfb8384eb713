#include "aface/core/file_writer.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "aface/core/error.h"
#include "aface/core/file.h"

namespace aface {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 20;

}  // namespace

FileWriter::FileWriter(std::string path)
    : path_(std::move(path)), temporary_(fmt::format("{}.tmp-{}", path_, ::getpid())) {
  buffer_.reserve(kBufferBytes);
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) {
    throw Error(ErrorKind::kIo,
                fmt::format("{}: cannot create ({}); check the folder", path_, std::strerror(errno)));
  }
}

FileWriter::~FileWriter() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!is_committed_) ::unlink(temporary_.c_str());
}

void FileWriter::write(const void* data, std::size_t size) {
  offset_ += size;
  if (buffer_.size() + size > kBufferBytes) flush();
  if (size >= kBufferBytes) return write_all(descriptor_, data, size, path_);
  const auto* bytes = static_cast<const unsigned char*>(data);
  buffer_.insert(buffer_.end(), bytes, bytes + size);
}

void FileWriter::flush() {
  write_all(descriptor_, buffer_.data(), buffer_.size(), path_);
  buffer_.clear();
}

void FileWriter::commit() {
  const auto fail = [this](const char* what) {
    throw Error(ErrorKind::kIo, fmt::format("{}: cannot {} ({})", path_, what, std::strerror(errno)));
  };
  flush();
  if (::fsync(descriptor_) != 0) fail("write");
  if (::close(std::exchange(descriptor_, -1)) != 0) fail("write");
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) fail("rename into place");
  is_committed_ = true;
}

}  // namespace aface
