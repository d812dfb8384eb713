#include "aface/nn/torch_compat.h"

#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <torch/optim/sgd.h>
#include <torch/version.h>

#include <memory>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>

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

// The key of an optimiser's state is the parameter's address: as a stream prints it in 1.13, a pointer
// in 2.x.
template <class Map>
typename Map::key_type state_key(const Map&, const at::Tensor& parameter) {
  if constexpr (std::is_same_v<typename Map::key_type, std::string>) {
    std::ostringstream text;
    text << static_cast<const void*>(parameter.unsafeGetTensorImpl());
    return text.str();
  } else {
    return parameter.unsafeGetTensorImpl();
  }
}

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

at::Tensor momentum_buffer(torch::optim::SGD& sgd, const at::Tensor& parameter) {
  const auto found = sgd.state().find(state_key(sgd.state(), parameter));
  if (found == sgd.state().end()) return {};
  return static_cast<torch::optim::SGDParamState&>(*found->second).momentum_buffer();
}

void set_momentum_buffer(torch::optim::SGD& sgd, const at::Tensor& parameter, at::Tensor buffer) {
  const auto key = state_key(sgd.state(), parameter);
  if (!buffer.defined()) {
    sgd.state().erase(key);
    return;
  }
  auto state = std::make_unique<torch::optim::SGDParamState>();
  state->momentum_buffer(std::move(buffer));
  sgd.state()[key] = std::move(state);
}

void set_torch_threads(int threads) { at::set_num_threads(threads > 0 ? threads : hardware_threads()); }

}  // namespace aface
