#pragma once

#include <c10/core/Device.h>

#include <string>

namespace aface {

// "cpu" or "cuda", for `option` of the user. Throws Error{kUsage} naming it when LibTorch has no such device.
c10::Device usable_device(const std::string& name, const std::string& option);

}  // namespace aface
