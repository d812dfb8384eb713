#include "aface/serve/connection.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace aface {
namespace {

bool wait_for(int socket, short event, Connection::Clock::time_point end) {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(end - Connection::Clock::now()).count();
    pollfd wait{socket, event, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(std::clamp<long long>(left, 0, 1 << 30)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

}  // namespace

void Connection::start_request(double seconds, std::size_t bytes) {
  deadline_ = after(seconds);
  bytes_left_ = bytes;
  written_ = 0;
  late_ = false;
}

void Connection::start_reply(double seconds) { deadline_ = after(seconds); }

long Connection::read(char* out, std::size_t size) {
  size = std::min(size, bytes_left_);
  if (size == 0) return -1;
  if (!wait_readable(deadline_)) {
    late_ = true;
    return -1;
  }
  for (;;) {
    const ssize_t got = ::recv(socket_, out, size, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got > 0) bytes_left_ -= static_cast<std::size_t>(got);
    return static_cast<long>(got);
  }
}

long Connection::write(const char* data, std::size_t size) {
  if (!wait_writable()) return -1;
  for (;;) {
    const ssize_t put = ::send(socket_, data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (!wait_writable()) return -1;
      continue;
    }
    if (put > 0) written_ += static_cast<std::size_t>(put);
    return static_cast<long>(put);
  }
}

void Connection::linger(double seconds) const {
  ::shutdown(socket_, SHUT_WR);
  std::array<char, 4096> rest;
  for (const auto end = after(seconds); Clock::now() < end && wait_readable(end);) {
    if (::recv(socket_, rest.data(), rest.size(), 0) <= 0) return;
  }
}

bool Connection::wait_readable(Clock::time_point end) const { return wait_for(socket_, POLLIN, end); }
bool Connection::wait_writable() const { return wait_for(socket_, POLLOUT, deadline_); }

bool Connection::has_bytes() const {
  char byte = 0;
  return ::recv(socket_, &byte, 1, MSG_PEEK) > 0;
}

}  // namespace aface
