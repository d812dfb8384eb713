#include "aface/core/file.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "aface/core/error.h"

namespace aface {
namespace {

Error io_error(const std::string& path, const std::string& what, int code) {
  const char* hint = code == ENOSPC   ? "; free some space or choose another folder"
                     : code == ENOENT ? "; check the path"
                     : code == EACCES ? "; check the permissions"
                                      : "";
  return Error(ErrorKind::kIo, fmt::format("{}: {} ({}){}", path, what, std::strerror(code), hint));
}

// Closes on every way out.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }
  int close() { return ::close(std::exchange(fd_, -1)); }

 private:
  int fd_;
};

template <class Container>
Container read_whole(const std::string& path, Container content = {}) {
  Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) throw io_error(path, "cannot open", errno);
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) throw io_error(path, "cannot stat", errno);
  if (S_ISDIR(info.st_mode)) throw io_error(path, "cannot read", EISDIR);
  content.resize(static_cast<std::size_t>(info.st_size) + 1);  // one more byte: the end shows without growing
  std::size_t done = 0;
  for (;;) {
    if (done == content.size()) content.resize(content.size() + 4096);  // pipes and growing files
    const ssize_t got = ::read(file.get(), &content[done], content.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw io_error(path, "cannot read", errno);
    if (got == 0) break;
    done += static_cast<std::size_t>(got);
  }
  content.resize(done);
  return content;
}

void sync_folder_of(const std::string& path) {
  auto parent = std::filesystem::path(path).parent_path();
  if (parent.empty()) parent = ".";
  Descriptor folder(::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (folder.get() >= 0) ::fsync(folder.get());
}

// A device or a pipe (/dev/stdout) is written to; renaming a file over it would take it away from everybody.
bool is_special(const std::string& path) {
  std::error_code code;
  const auto status = std::filesystem::status(path, code);
  return !code && std::filesystem::is_other(status);
}

void write_in_place(const std::string& path, const std::function<void(int)>& write) {
  Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (file.get() < 0) throw io_error(path, "cannot open", errno);
  write(file.get());
  if (file.close() != 0) throw io_error(path, "cannot write", errno);
}

}  // namespace

std::string read_text_file(const std::string& path) { return read_whole<std::string>(path); }

std::vector<unsigned char> read_binary_file(const std::string& path, std::vector<unsigned char> reuse) {
  return read_whole<std::vector<unsigned char>>(path, std::move(reuse));
}

void write_all(int descriptor, const void* data, std::size_t size, const std::string& path) {
  const char* cursor = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t put = ::write(descriptor, cursor, size);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw io_error(path, "cannot write", errno);
    cursor += put;
    size -= static_cast<std::size_t>(put);
  }
}

void write_file_atomically(const std::string& path, const std::function<void(int)>& write, Durability durability) {
  if (is_special(path)) return write_in_place(path, write);
  const bool sync = durability == Durability::kSynced;
  const std::string temporary = fmt::format("{}.tmp-{}", path, ::getpid());
  try {
    Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (file.get() < 0) throw io_error(path, "cannot create", errno);
    write(file.get());
    if (sync && ::fsync(file.get()) != 0) throw io_error(path, "cannot write", errno);
    if (file.close() != 0) throw io_error(path, "cannot write", errno);
    if (std::rename(temporary.c_str(), path.c_str()) != 0) throw io_error(path, "cannot rename into place", errno);
  } catch (...) {
    ::unlink(temporary.c_str());
    throw;
  }
  if (sync) sync_folder_of(path);
}

void write_file_atomically(const std::string& path, const std::string& text) {
  write_file_atomically(path, [&](int fd) { write_all(fd, text.data(), text.size(), path); });
}

void make_folder(const std::string& path) {
  std::error_code code;
  std::filesystem::create_directories(path, code);
  if (code) throw io_error(path, "cannot make folder", code.value());
}

bool file_exists(const std::string& path) {
  std::error_code code;
  return std::filesystem::is_regular_file(path, code);
}

bool folder_exists(const std::string& path) {
  std::error_code code;
  return std::filesystem::is_directory(path, code);
}

}  // namespace aface
