#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>

#include <functional>

#include "aface/kernel/bf16.h"

namespace aface {

// What our kernels need to know of tensors. Only for sources that are compiled with OpenMP: at::parallel_for
// is a plain loop elsewhere.
inline void on_torch_threads(std::int64_t slices, const std::function<void(std::int64_t)>& work) {
  at::parallel_for(0, slices, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t slice = begin; slice < end; ++slice) work(slice);
  });
}

// Null for an undefined tensor.
template <class Value>
Value* values_of(const at::Tensor& tensor) {
  return tensor.defined() ? static_cast<Value*>(tensor.data_ptr()) : nullptr;
}

// Images in channels-last layout on the CPU, of a type that kernels exist for.
inline bool has_kernel_layout(const at::Tensor& x) {
  const bool has_type = x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16;
  return x.is_cpu() && has_type && x.dim() == 4 && x.is_contiguous(at::MemoryFormat::ChannelsLast);
}

// run(value of the type that x holds) for such images.
template <class Run>
void with_type_of(const at::Tensor& x, const Run& run) {
  x.scalar_type() == at::kFloat ? run(float()) : run(Bf16());
}

}  // namespace aface
