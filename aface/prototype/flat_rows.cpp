#include "aface/prototype/flat_rows.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "aface/core/available_memory.h"
#include "aface/core/check.h"
#include "aface/core/error.h"
#include "aface/core/file.h"

namespace aface {
namespace {

// A file of `size` bytes whose name is gone already.
int make_nameless_file(const std::string& folder, std::size_t size) {
  make_folder(folder);
  std::string path = folder + "/rows-XXXXXX";
  const int descriptor = ::mkostemp(path.data(), O_CLOEXEC);
  int reason = descriptor < 0 ? errno : 0;
  if (reason == 0) {
    ::unlink(path.c_str());
    // Without this a full disk would show as a fatal signal at some later write.
    reason = ::posix_fallocate(descriptor, 0, static_cast<off_t>(size));
  }
  if (reason != 0) {
    if (descriptor >= 0) ::close(descriptor);
    throw Error(ErrorKind::kIo, fmt::format("{}: cannot make a file of {} ({}); free some space or choose another folder",
                                            folder, bytes_text(static_cast<double>(size)), std::strerror(reason)));
  }
  return descriptor;
}

}  // namespace

FlatRows::FlatRows(std::int64_t rows, std::int64_t dim, const std::string& folder) : rows_(rows), dim_(dim) {
  AFACE_CHECK(rows > 0 && dim > 0, "{} rows of {} values", rows, dim);
  const int descriptor = folder.empty() ? -1 : make_nameless_file(folder, bytes());
  const int flags = folder.empty() ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* mapped = ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, flags, descriptor, 0);
  const int reason = errno;
  if (descriptor >= 0) ::close(descriptor);  // the mapping keeps the file
  if (mapped == MAP_FAILED) {
    throw Error(ErrorKind::kUsage, fmt::format("cannot map {} for {} rows of {} values ({}); use fewer or shorter rows",
                                               bytes_text(static_cast<double>(bytes())), rows, dim, std::strerror(reason)));
  }
  // Rows are visited in any order: with small pages most visits would miss the address cache.
  if (folder.empty()) ::madvise(mapped, bytes(), MADV_HUGEPAGE);
  data_ = static_cast<float*>(mapped);
}

FlatRows::~FlatRows() { ::munmap(data_, bytes()); }

}  // namespace aface
