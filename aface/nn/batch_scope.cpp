#include "aface/nn/batch_scope.h"

#include <ATen/TensorOperators.h>

#include "aface/core/parts.h"
#include "aface/core/shard.h"

namespace aface {
namespace {

thread_local BatchScope scope_of_thread;

}  // namespace

BatchScopeGuard::BatchScopeGuard(const BatchScope& scope) : before_(scope_of_thread) { scope_of_thread = scope; }
BatchScopeGuard::~BatchScopeGuard() { scope_of_thread = before_; }

const BatchScope& batch_scope() { return scope_of_thread; }

std::vector<at::Tensor> parts_of(const at::Tensor& x, int parts) {
  if (parts <= 1 || x.size(0) < parts) return {x};
  std::vector<at::Tensor> views;
  for (int part = 0; part < parts; ++part) {
    const Shard rows = shard_of(x.size(0), part, parts);
    views.push_back(x.narrow(0, rows.first, rows.count()));
  }
  return views;
}

at::Tensor sum_in_pairs(std::vector<at::Tensor> tensors) {
  add_in_pairs(tensors, [](at::Tensor& to, const at::Tensor& from) { to.add_(from); });
  return tensors[0];
}

}  // namespace aface
