#include "tests/support/run_program.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <stdexcept>

extern char** environ;

namespace aface::test {
namespace {

using Clock = std::chrono::steady_clock;

struct Pipe {
  int read_end = -1;
  int write_end = -1;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
  return {ends[0], ends[1]};
}

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& extra) {
  std::vector<std::string> result;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string text = *entry;
    if (extra.count(text.substr(0, text.find('='))) == 0) result.push_back(text);
  }
  for (const auto& [name, value] : extra) result.push_back(name + "=" + value);
  return result;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (auto& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// Appends what is there to read; false at the end of the stream.
bool drain(int descriptor, std::string& text) {
  std::array<char, 4096> buffer{};
  const ssize_t got = ::read(descriptor, buffer.data(), buffer.size());
  if (got < 0) return errno == EINTR;
  text.append(buffer.data(), static_cast<std::size_t>(got));
  return got > 0;
}

}  // namespace

RunResult run_program(const std::string& program, const std::vector<std::string>& arguments,
                      const RunOptions& options) {
  std::vector<std::string> words = {program};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> environment = merged_environment(options.environment);
  const std::vector<char*> argv = pointers(words);
  const std::vector<char*> envp = pointers(environment);

  const Pipe out = make_pipe();
  const Pipe err = make_pipe();
  const Pipe failure = make_pipe();  // closed by a successful exec, else carries errno
  const pid_t child = ::fork();
  if (child < 0) throw std::runtime_error("cannot fork");
  if (child == 0) {
    const int nothing = ::open("/dev/null", O_RDONLY);
    ::dup2(nothing, STDIN_FILENO);
    ::dup2(out.write_end, STDOUT_FILENO);
    ::dup2(err.write_end, STDERR_FILENO);
    if (options.folder.empty() || ::chdir(options.folder.c_str()) == 0)
      ::execvpe(program.c_str(), argv.data(), envp.data());
    const int code = errno;
    [[maybe_unused]] const auto put = ::write(failure.write_end, &code, sizeof code);
    ::_exit(127);
  }
  for (const Pipe& pipe : {out, err, failure}) ::close(pipe.write_end);

  RunResult result;
  const auto deadline = Clock::now() + std::chrono::duration<double>(options.timeout_seconds);
  bool signal_sent = options.signal == 0, killed = false;
  std::array<pollfd, 2> waits = {pollfd{out.read_end, POLLIN, 0}, pollfd{err.read_end, POLLIN, 0}};
  while (waits[0].fd >= 0 || waits[1].fd >= 0) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) {
      ::kill(child, SIGKILL);
      result.timed_out = true;
      break;
    }
    if (::poll(waits.data(), waits.size(), options.kill_when ? 0 : static_cast<int>(left)) < 0 && errno != EINTR) break;
    if (options.kill_when) {
      if (!killed && options.kill_when()) {
        ::kill(child, SIGKILL);
        killed = true;
      }
      ::usleep(50);
    }
    if (waits[0].revents != 0 && !drain(out.read_end, result.out)) waits[0].fd = -1;
    if (waits[1].revents != 0 && !drain(err.read_end, result.err)) waits[1].fd = -1;
    if (!signal_sent && result.err.find(options.signal_after) != std::string::npos) {
      ::kill(child, options.signal);
      signal_sent = true;
    }
  }

  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  int start_error = 0;
  const bool failed = ::read(failure.read_end, &start_error, sizeof start_error) == sizeof start_error;
  for (const Pipe& pipe : {out, err, failure}) ::close(pipe.read_end);
  if (failed) throw std::runtime_error("cannot start " + program + ": " + std::strerror(start_error));
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

}  // namespace aface::test
