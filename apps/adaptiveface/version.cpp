#include "apps/adaptiveface/version.h"

#include <ATen/Version.h>
#include <fmt/core.h>
#include <torch/version.h>

namespace aface {
namespace {

// LibTorch tells what it uses only inside a long report, on a line "CPU capability usage: AVX512".
std::string cpu_capability() {
  const std::string report = at::show_config(), label = "CPU capability usage: ";
  const auto start = report.find(label);
  if (start == std::string::npos) return "unknown";
  const auto from = start + label.size();
  return report.substr(from, report.find('\n', from) - from);
}

std::string compiler() {
#if defined(__clang__)
  return fmt::format("clang++ {}.{}.{}", __clang_major__, __clang_minor__, __clang_patchlevel__);
#elif defined(__GNUC__)
  return fmt::format("g++ {}.{}.{}", __GNUC__, __GNUC_MINOR__, __GNUC_PATCHLEVEL__);
#else
  return "unknown compiler";
#endif
}

}  // namespace

std::string version_text() {
  return fmt::format("adaptiveface {} (LibTorch {} with {} kernels, {})", AFACE_VERSION, TORCH_VERSION,
                     cpu_capability(), compiler());
}

}  // namespace aface
