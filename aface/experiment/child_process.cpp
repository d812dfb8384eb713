#include "aface/experiment/child_process.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "aface/core/error.h"
#include "aface/core/stop_request.h"

extern char** environ;

namespace aface {
namespace {

// What the child's first three files are.
class FileActions {
 public:
  explicit FileActions(const std::string& log) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, 0, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, 1, log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::posix_spawn_file_actions_adddup2(&actions_, 1, 2);
  }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&actions_); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_{};
};

// A group of its own: a Ctrl-C reaches the child through us only, once.
class Attributes {
 public:
  Attributes() {
    ::posix_spawnattr_init(&attributes_);
    ::posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETPGROUP);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
  }
  ~Attributes() { ::posix_spawnattr_destroy(&attributes_); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  const posix_spawnattr_t* get() const { return &attributes_; }

 private:
  posix_spawnattr_t attributes_{};
};

}  // namespace

int run_child(const std::vector<std::string>& words, const std::string& log) {
  std::vector<std::string> copies = words;
  std::vector<char*> arguments;
  for (std::string& word : copies) arguments.push_back(word.data());
  arguments.push_back(nullptr);

  pid_t child = 0;
  const FileActions files(log);
  const Attributes attributes;
  const int problem =
      ::posix_spawn(&child, words[0].c_str(), files.get(), attributes.get(), arguments.data(), environ);
  if (problem != 0) {
    throw Error(ErrorKind::kIo, fmt::format("{}: cannot be started with its output in {}: {}", words[0], log,
                                            std::strerror(problem)));
  }

  bool was_told = false;
  for (;;) {
    int status = 0;
    const pid_t ended = ::waitpid(child, &status, WNOHANG);
    if (ended == child) return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    if (ended < 0 && errno != EINTR) {
      throw Error(ErrorKind::kIo,
                  fmt::format("{}: cannot be waited for: {}", words[0], std::strerror(errno)));
    }
    if (stop_requested() && !was_told) {
      ::kill(child, stop_signal());
      was_told = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace aface
