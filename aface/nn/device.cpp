#include "aface/nn/device.h"

#include <ATen/Context.h>

#include "aface/core/error.h"

namespace aface {

c10::Device usable_device(const std::string& name, const std::string& option) {
  const c10::Device device(name);
  if (device.is_cuda() && !at::globalContext().hasCUDA()) {
    throw Error(ErrorKind::kUsage, option + ": this build of LibTorch sees no CUDA device; use cpu");
  }
  return device;
}

}  // namespace aface
