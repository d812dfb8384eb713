#include "aface/train/run_folder.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "aface/core/error.h"
#include "aface/core/file.h"
#include "aface/core/log.h"

namespace aface {
namespace {

// "<name>.tmp-<process>", as write_file_atomically() and the folder of built-in faces have it.
bool is_unfinished(const std::string& name) {
  constexpr char kMark[] = ".tmp-";
  const std::size_t mark = name.rfind(kMark);
  if (mark == std::string::npos || mark == 0) return false;
  const std::string process = name.substr(mark + sizeof(kMark) - 1);
  return !process.empty() && process.find_first_not_of("0123456789") == std::string::npos;
}

}  // namespace

RunFolder::RunFolder(const std::string& path) : path_(path) {
  make_folder(path);
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Some network file systems cannot lock a folder; then nobody is kept out.
  if (descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(descriptor_);
    throw Error(ErrorKind::kUsage,
                fmt::format("{}: another process is training in this folder; wait for it or name another "
                            "--run-dir",
                            path));
  }
}

RunFolder::~RunFolder() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void RunFolder::remove_unfinished() const {
  std::vector<std::filesystem::path> found;
  for (const std::string& folder : {path_, path_ + "/checkpoints"}) {
    if (!folder_exists(folder)) continue;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (is_unfinished(entry.path().filename().string())) found.push_back(entry.path());
    }
  }
  for (const std::filesystem::path& path : found) {
    std::error_code ignored;  // what stays does no harm
    std::filesystem::remove_all(path, ignored);
    log_info("train", "removed {}, which an interrupted process left unfinished", path.string());
  }
}

}  // namespace aface
