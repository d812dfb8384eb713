#pragma once

#include <dnnl.hpp>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace aface {

dnnl::engine& cpu_engine();

// Weights in the layouts that the operations ask for, each made once and shared by all plans. `name` tells
// arrays apart. Safe for several threads.
class PackedWeights {
 public:
  // `values` lie as `plain` says.
  dnnl::memory packed(const std::string& name, const float* values, const dnnl::memory::desc& plain,
                      const dnnl::memory::desc& wanted);
  // One value a channel, padded with zeros to whole blocks (blocked.h).
  const float* per_channel(const std::string& name, const std::vector<float>& values);
  // What `fill` puts into zeros.
  const float* own(const std::string& name, std::size_t size, const std::function<void(float* values)>& fill);

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<dnnl::memory>> packed_;
  std::map<std::string, std::vector<float>> own_;
};

}  // namespace aface
