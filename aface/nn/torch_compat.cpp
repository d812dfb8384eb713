#include "aface/nn/torch_compat.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <dlfcn.h>
#include <torch/version.h>

#include "aface/core/parallel.h"

namespace aface {
namespace {

#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
bool autocast_state(at::DeviceType type) { return at::autocast::is_autocast_enabled(type); }
void turn_autocast(at::DeviceType type, bool on) { at::autocast::set_autocast_enabled(type, on); }
at::ScalarType autocast_type(at::DeviceType type) { return at::autocast::get_autocast_dtype(type); }
void set_autocast_type(at::DeviceType type, at::ScalarType to) { at::autocast::set_autocast_dtype(type, to); }
#else
bool autocast_state(at::DeviceType type) {
  return type == at::kCPU ? at::autocast::is_cpu_enabled() : at::autocast::is_enabled();
}
void turn_autocast(at::DeviceType type, bool on) {
  type == at::kCPU ? at::autocast::set_cpu_enabled(on) : at::autocast::set_enabled(on);
}
at::ScalarType autocast_type(at::DeviceType type) {
  return type == at::kCPU ? at::autocast::get_autocast_cpu_dtype() : at::autocast::get_autocast_gpu_dtype();
}
void set_autocast_type(at::DeviceType type, at::ScalarType to) {
  type == at::kCPU ? at::autocast::set_autocast_cpu_dtype(to) : at::autocast::set_autocast_gpu_dtype(to);
}
#endif

}  // namespace

bool is_autocast_on(at::DeviceType type) { return autocast_state(type); }

AutocastGuard::AutocastGuard(at::Device device, bool enabled)
    : type_(device.type()), was_enabled_(autocast_state(type_)), previous_type_(autocast_type(type_)) {
  at::autocast::increment_nesting();
  turn_autocast(type_, enabled);
  set_autocast_type(type_, at::kBFloat16);
}

AutocastGuard::~AutocastGuard() {
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
  turn_autocast(type_, was_enabled_);
  set_autocast_type(type_, previous_type_);
}

// LibTorch leaves OpenBLAS at its own threads, all cores, whose number changes the last bits of products.
void set_torch_threads(int threads) {
  const int count = threads > 0 ? threads : hardware_threads();
  at::set_num_threads(count);
  using SetThreads = void (*)(int);
  const auto of_blas = reinterpret_cast<SetThreads>(dlsym(RTLD_DEFAULT, "openblas_set_num_threads"));
  if (of_blas != nullptr) of_blas(count);
}

}  // namespace aface
