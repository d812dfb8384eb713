#pragma once

#include <ATen/core/Tensor.h>

namespace aface {

// Where LibTorch 1.13 and 2.x differ, and nothing else.

// While it lives, autocast to bfloat16 on the device's kind is on (or off, inside a region where it is on). The
// weights' casts are kept until the outermost guard ends, so a guard must not outlive one forward pass.
// Belongs to the thread that made it.
class AutocastGuard {
 public:
  AutocastGuard(at::Device device, bool enabled);
  ~AutocastGuard();
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  at::DeviceType type_;
  bool was_enabled_;
  at::ScalarType previous_type_;
};

bool is_autocast_on(at::DeviceType type);

// Threads of torch's own loops; 0 means all cores.
void set_torch_threads(int threads);

}  // namespace aface
