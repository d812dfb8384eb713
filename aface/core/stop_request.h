#pragma once

namespace aface {

// SIGINT and SIGTERM become a flag that loops ask for, so that a step is finished and state is saved. A second
// signal ends the process at once. The handler is the only process-wide state of the project.
void install_stop_handler();

// The signal received, or 0.
int stop_signal();
inline bool stop_requested() { return stop_signal() != 0; }

}  // namespace aface
