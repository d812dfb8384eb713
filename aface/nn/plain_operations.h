#pragma once

namespace aface {

// While it lives, this thread's networks use LibTorch's operations everywhere: what our own steps
// (norm_act.h, depthwise.h) are compared with.
class PlainOperationsGuard {
 public:
  PlainOperationsGuard();
  ~PlainOperationsGuard();
  PlainOperationsGuard(const PlainOperationsGuard&) = delete;
  PlainOperationsGuard& operator=(const PlainOperationsGuard&) = delete;

 private:
  bool before_;
};

// Whether one lives on this thread.
bool are_plain_operations_wanted();

}  // namespace aface
