#pragma once

#include <exception>

namespace aface {

// SIGINT and SIGTERM become a flag that loops ask for, so that work in hand is finished or undone and state is
// saved. A second signal ends the process at once. The handler is the only process-wide state of the project.
void install_stop_handler();

// The signal received, or 0.
int stop_signal();
inline bool stop_requested() { return stop_signal() != 0; }

// Thrown by throw_if_stopped(): unwinds to main, removing temporary files on the way; exit code 128 + signal.
class Stopped : public std::exception {
 public:
  explicit Stopped(int signal) : signal_(signal) {}
  int signal() const { return signal_; }
  const char* what() const noexcept override { return "stopped by a signal"; }

 private:
  int signal_;
};

// For loops that leave nothing behind when they stop: call once per item or block.
inline void throw_if_stopped() {
  if (stop_requested()) throw Stopped(stop_signal());
}

}  // namespace aface
