#pragma once

namespace aface {

// Settings of the process that must stand before the first large allocation and the first tensor operation.
// Variables that the user has set are left alone.
void set_up_process();

}  // namespace aface
