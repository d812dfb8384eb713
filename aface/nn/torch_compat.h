#pragma once

#include <ATen/core/Tensor.h>
#include <torch/version.h>

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 1)
#define AFACE_TORCH_HAS_STD_VARIANT
#include <variant>
#else
#include <c10/util/variant.h>
#endif

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

// The value of type T in one of LibTorch's variants (1.13 has its own), or null.
template <class T, class Variant>
const T* if_holds(const Variant& variant) {
#ifdef AFACE_TORCH_HAS_STD_VARIANT
  return std::get_if<T>(&variant);
#else
  return c10::get_if<T>(&variant);
#endif
}

// Threads of torch's own loops, and of its products where OpenBLAS makes them; 0 means all cores. With the same number
// runs give the same bits.
void set_torch_threads(int threads);

}  // namespace aface
