#include "aface/head/tensor_prototypes.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <functional>
#include <numeric>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/tensor/tensor_arrays.h"

namespace aface {
namespace {

constexpr std::int64_t kRowsAtOnce = 8192;  // bounds temporaries

constexpr char kPrefix[] = "prototypes.";
constexpr char kWeight[] = "prototypes.weight";
constexpr char kVelocity[] = "prototypes.velocity";

std::vector<std::int64_t> ids_from(std::int64_t first, std::int64_t count) {
  std::vector<std::int64_t> ids(static_cast<std::size_t>(count));
  std::iota(ids.begin(), ids.end(), first);
  return ids;
}

void copy_unit_rows(const at::Tensor& rows, float* out) {
  const at::Tensor units =
      (rows / rows.norm(2, {1}, /*keepdim=*/true).clamp_min_(1e-12)).to(at::kCPU, at::kFloat).contiguous();
  std::copy_n(units.data_ptr<float>(), units.numel(), out);
}

}  // namespace

TensorPrototypes::TensorPrototypes(std::int64_t num_identities, std::int64_t dim, std::uint64_t seed,
                                   const PrototypeOptions& options, at::Device device, at::ScalarType type)
    : options_(options), decay_(num_identities, options.momentum, options.weight_decay) {
  AFACE_CHECK(num_identities > 0 && dim > 0, "{} identities of {} values", num_identities, dim);
  const at::Tensor start = at::empty({num_identities, dim}, at::kDouble);
  double* values = start.data_ptr<double>();
  parallel_for(num_identities, 256, 0, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) draw_prototype(seed, options.first_identity + row, dim, values + row * dim);
  });
  weight_ = start.to(device, type);
  velocity_ = at::zeros(weight_.sizes(), weight_.options());
}

at::Tensor TensorPrototypes::activate(Span<const std::int64_t> ids) {
  AFACE_CHECK(ids.empty() || (ids[0] >= 0 && ids[ids.size() - 1] < num_identities()), "ids outside the table");
  AFACE_CHECK(std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>()) == ids.end(),
              "ids must ascend without repeats");
  const at::NoGradGuard no_grad;
  active_ids_.assign(ids.begin(), ids.end());
  if (static_cast<std::int64_t>(ids.size()) == num_identities()) {
    catch_up_all();
    active_ = {weight_.detach(), velocity_};
  } else {
    active_ = caught_up(ids);
  }
  return active_.weight.requires_grad_(true);
}

void TensorPrototypes::step(double rate, const RowGradient& gradient) {
  AFACE_CHECK(!gradient, "rows that require grad have their gradient in grad()");
  const at::NoGradGuard no_grad;
  if (!active_ids_.empty()) {
    const at::Tensor& g = active_.weight.grad();
    AFACE_CHECK(g.defined(), "step() before backward()");
    const at::Tensor weight = active_.weight.detach();
    active_.velocity.mul_(options_.momentum).add_(g);
    if (options_.weight_decay != 0) active_.velocity.add_(weight, options_.weight_decay);
    weight.add_(active_.velocity, -rate);
    if (static_cast<std::int64_t>(active_ids_.size()) != num_identities()) {
      const at::Tensor index = index_of(active_ids_);
      weight_.index_copy_(0, index, weight);
      velocity_.index_copy_(0, index, active_.velocity);
    }
  }
  decay_.add_step(rate, active_ids_);
  active_ids_.clear();
  active_ = Rows();
  if (decay_.history() >= LazyDecay::kLongestHistory) catch_up_all();
}

at::Tensor TensorPrototypes::index_of(Span<const std::int64_t> ids) const {
  const at::Tensor index = at::empty({static_cast<std::int64_t>(ids.size())}, at::kLong);
  std::copy(ids.begin(), ids.end(), index.data_ptr<std::int64_t>());
  return index.to(weight_.device());
}

TensorPrototypes::Rows TensorPrototypes::caught_up(Span<const std::int64_t> ids) const {
  const at::NoGradGuard no_grad;
  const at::Tensor index = index_of(ids);
  Rows rows{weight_.index_select(0, index), velocity_.index_select(0, index)};
  if (decay_.history() == 0) return rows;
  const std::int64_t count = static_cast<std::int64_t>(ids.size());
  const at::Tensor factors = at::empty({4, count, 1}, at::kDouble);
  double* out = factors.data_ptr<double>();
  for (std::int64_t i = 0; i < count; ++i) {
    const LazyDecay::Matrix m = decay_.missing(ids[static_cast<std::size_t>(i)]);
    out[i] = m.ww;
    out[count + i] = m.wv;
    out[2 * count + i] = m.vw;
    out[3 * count + i] = m.vv;
  }
  const at::Tensor f = factors.to(weight_.options());
  const at::Tensor weight = (rows.weight * f[0]).addcmul_(rows.velocity, f[1]);
  rows.velocity.mul_(f[3]).addcmul_(rows.weight, f[2]);
  rows.weight = weight;
  return rows;
}

void TensorPrototypes::catch_up_all() {
  if (decay_.history() == 0) return;
  const at::NoGradGuard no_grad;
  for (std::int64_t first = 0; first < num_identities(); first += kRowsAtOnce) {
    const std::int64_t count = std::min(kRowsAtOnce, num_identities() - first);
    const Rows rows = caught_up(ids_from(first, count));
    weight_.narrow(0, first, count).copy_(rows.weight);
    velocity_.narrow(0, first, count).copy_(rows.velocity);
  }
  decay_.mark_caught_up();
}

void TensorPrototypes::unit_rows(std::int64_t first, std::int64_t count, float* out) const {
  unit_rows(ids_from(first, count), out);
}

void TensorPrototypes::unit_rows(Span<const std::int64_t> ids, float* out) const {
  copy_unit_rows(caught_up(ids).weight, out);
}

at::Tensor TensorPrototypes::rows() const {
  return caught_up(ids_from(0, num_identities())).weight.to(at::kCPU);
}

void TensorPrototypes::save(NamedArrays& state) const {
  state.arrays[kWeight] = to_array(weight_);
  state.arrays[kVelocity] = to_array(velocity_);
  decay_.save(state, kPrefix);
}

void TensorPrototypes::restore(const NamedArrays& state) {
  const at::Tensor weight = to_tensor_like(state, kWeight, weight_);
  const at::Tensor velocity = to_tensor_like(state, kVelocity, velocity_);
  decay_.restore(state, kPrefix);
  weight_.copy_(weight);
  velocity_.copy_(velocity);
  active_ids_.clear();
  active_ = Rows();
}

}  // namespace aface
