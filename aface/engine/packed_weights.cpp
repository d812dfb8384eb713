#include "aface/engine/packed_weights.h"

#include <algorithm>

#include "aface/engine/blocked.h"

namespace aface {

dnnl::engine& cpu_engine() {
  static dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

dnnl::memory PackedWeights::packed(const std::string& name, const float* values,
                                   const dnnl::memory::desc& plain, const dnnl::memory::desc& wanted) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<dnnl::memory>& known = packed_[name];
  for (const dnnl::memory& memory : known) {
    if (memory.get_desc() == wanted) return memory;
  }
  // A reorder only reads its source, which the interface cannot say.
  dnnl::memory from(plain, cpu_engine(), const_cast<float*>(values)), to(wanted, cpu_engine());
  dnnl::stream stream(cpu_engine());
  dnnl::reorder(from, to).execute(stream, from, to);
  stream.wait();
  known.push_back(to);
  return to;
}

const float* PackedWeights::per_channel(const std::string& name, const std::vector<float>& values) {
  const auto size = static_cast<std::size_t>(blocks_of(static_cast<std::int64_t>(values.size())) * kBlock);
  return own(name, size, [&](float* padded) { std::copy(values.begin(), values.end(), padded); });
}

const float* PackedWeights::own(const std::string& name, std::size_t size,
                                const std::function<void(float* values)>& fill) {
  const std::lock_guard<std::mutex> lock(mutex_);
  std::vector<float>& values = own_[name];
  if (values.empty()) {
    values.resize(size);
    fill(values.data());
  }
  return values.data();
}

}  // namespace aface
