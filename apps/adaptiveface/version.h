#pragma once

#include <string>

namespace aface {

// "adaptiveface 0.1.0 (LibTorch 1.13.0 with AVX512 kernels, g++ 12.2.0)"
std::string version_text();

}  // namespace aface
