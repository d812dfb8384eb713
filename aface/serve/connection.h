#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace aface {

// One client's socket with bounds on time and bytes. Closed by its owner.
class Connection {
 public:
  using Clock = std::chrono::steady_clock;

  explicit Connection(int socket) : socket_(socket) {}

  // Until a request begins: false when `seconds` went by, the client left, or `is_stopping` became true.
  template <class IsStopping>
  bool wait_for_request(double seconds, const IsStopping& is_stopping) const {
    constexpr double kLook = 0.1;
    for (const auto end = after(seconds); Clock::now() < end && !is_stopping();) {
      if (wait_readable(after(kLook))) return has_bytes();
    }
    return false;
  }
  // A request has begun: it must be read by then, and be no longer than that.
  void start_request(double seconds, std::size_t bytes);
  // Its answer begins.
  void start_reply(double seconds);

  // As recv(2) and send(2), but -1 when time or bytes are used up.
  long read(char* out, std::size_t size);
  long write(const char* data, std::size_t size);
  bool is_readable() const { return wait_readable(deadline_); }
  bool is_writable() const { return wait_writable(); }

  bool is_late() const { return late_; }
  bool has_answered() const { return written_ > 0; }
  // Reads away what the client still sends, so that it gets the answer before the connection goes.
  void linger(double seconds) const;
  int socket() const { return socket_; }

 private:
  static Clock::time_point after(double seconds) {
    return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }
  bool wait_readable(Clock::time_point end) const;
  bool wait_writable() const;
  bool has_bytes() const;

  int socket_;
  Clock::time_point deadline_{};
  std::size_t bytes_left_ = 0;
  std::size_t written_ = 0;
  bool late_ = false;
};

}  // namespace aface
