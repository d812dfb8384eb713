#include "tests/support/forked_ranks.h"

#include <arpa/inet.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <stdexcept>

namespace aface::test {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void run_child(const std::function<std::string(int, int)>& body, int rank, int port, int pipe) {
  std::string said;
  int code = 0;
  try {
    said = body(rank, port);
  } catch (const std::exception& error) {
    said = std::string("error: ") + error.what();
    code = 1;
  }
  std::size_t at = 0;
  while (at < said.size()) {
    const ssize_t put = ::write(pipe, said.data() + at, said.size() - at);
    if (put <= 0) break;
    at += static_cast<std::size_t>(put);
  }
  ::_exit(code);  // no destructors of the parent's
}

}  // namespace

int free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (socket < 0 || ::bind(socket, reinterpret_cast<sockaddr*>(&address), length) != 0 ||
      ::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
    throw std::runtime_error("no free port");
  }
  ::close(socket);
  return ntohs(address.sin_port);
}

std::vector<RankResult> run_ranks(int count, const std::function<std::string(int rank, int port)>& body,
                                  const RankOptions& options) {
  const int port = free_port();
  std::vector<int> processes, pipes;
  for (int rank = 0; rank < count; ++rank) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) throw std::runtime_error("cannot make a pipe");
    const pid_t child = ::fork();
    if (child < 0) throw std::runtime_error("cannot fork");
    if (child == 0) {
      ::close(ends[0]);
      run_child(body, rank, port, ends[1]);
    }
    ::close(ends[1]);
    processes.push_back(child);
    pipes.push_back(ends[0]);
  }
  const auto start = Clock::now();
  const auto elapsed = [&] { return std::chrono::duration<double>(Clock::now() - start).count(); };
  if (options.meanwhile) options.meanwhile(processes);

  std::vector<RankResult> results(static_cast<std::size_t>(count));
  std::vector<pollfd> waits;
  for (const int pipe : pipes) waits.push_back({pipe, POLLIN, 0});
  for (std::size_t open = waits.size(); open > 0;) {
    if (elapsed() > options.timeout_seconds) {
      for (const int process : processes) ::kill(process, SIGKILL);
    }
    if (::poll(waits.data(), waits.size(), 200) < 0 && errno != EINTR) break;
    for (std::size_t i = 0; i < waits.size(); ++i) {
      if (waits[i].fd < 0 || waits[i].revents == 0) continue;
      std::array<char, 4096> buffer{};
      const ssize_t got = ::read(waits[i].fd, buffer.data(), buffer.size());
      if (got > 0) {
        results[i].said.append(buffer.data(), static_cast<std::size_t>(got));
        continue;
      }
      results[i].seconds = elapsed();
      waits[i].fd = -1;
      --open;
    }
  }
  for (std::size_t i = 0; i < results.size(); ++i) {
    int status = 0;
    while (::waitpid(processes[i], &status, 0) < 0 && errno == EINTR) {
    }
    results[i].exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    ::close(pipes[i]);
  }
  return results;
}

}  // namespace aface::test
