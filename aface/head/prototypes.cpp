#include "aface/head/prototypes.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>

#include "aface/core/check.h"
#include "aface/core/parallel.h"
#include "aface/core/random.h"
#include "aface/tensor/tensor_arrays.h"

namespace aface {
namespace {

constexpr std::uint64_t kPrototypeStream = 0x70726f746fULL;
constexpr std::int64_t kRowsAtOnce = 8192;  // bounds the temporaries of catch_up_all()

at::Tensor index_tensor(Span<const std::int64_t> ids, at::Device device) {
  at::Tensor index = at::empty({static_cast<std::int64_t>(ids.size())}, at::kLong);
  std::copy(ids.begin(), ids.end(), index.data_ptr<std::int64_t>());
  return index.to(device);
}

}  // namespace

PrototypeTable::PrototypeTable(std::int64_t num_identities, std::int64_t dim, std::uint64_t seed,
                               PrototypeOptions options, at::Device device, at::ScalarType type)
    : options_(options), fresh_until_(static_cast<std::size_t>(num_identities), 0), last_active_(fresh_until_) {
  AFACE_CHECK(num_identities > 0 && dim > 0, "{} identities of {} values", num_identities, dim);
  at::Tensor start = at::empty({num_identities, dim}, at::kDouble);
  double* values = start.data_ptr<double>();
  const double scale = 1 / std::sqrt(static_cast<double>(dim));
  // A stream per row, so that the draws do not depend on the number of threads.
  parallel_for(num_identities, 256, 0, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t row = begin; row < end; ++row) {
      Random random(seed, kPrototypeStream, static_cast<std::uint64_t>(row));
      for (std::int64_t j = 0; j < dim; ++j) values[row * dim + j] = random.normal() * scale;
    }
  });
  weight_ = start.to(device, type);
  velocity_ = at::zeros(weight_.sizes(), weight_.options());
}

at::Tensor PrototypeTable::activate(Span<const std::int64_t> ids) {
  AFACE_CHECK(!ids.empty() && ids[0] >= 0 && ids[ids.size() - 1] < num_identities(), "ids outside the table");
  AFACE_CHECK(std::adjacent_find(ids.begin(), ids.end(), std::greater_equal<>()) == ids.end(),
              "ids must ascend without repeats");
  const at::NoGradGuard no_grad;
  active_ids_.assign(ids.begin(), ids.end());
  if (static_cast<std::int64_t>(ids.size()) == num_identities()) {
    catch_up_all();
    active_index_ = at::Tensor();
    active_weight_ = weight_.detach();
    active_velocity_ = velocity_;
  } else {
    active_index_ = index_tensor(ids, weight_.device());
    active_weight_ = weight_.index_select(0, active_index_);
    active_velocity_ = velocity_.index_select(0, active_index_);
    catch_up(active_weight_, active_velocity_, ids);
  }
  return active_weight_.requires_grad_(true);
}

void PrototypeTable::step(double rate) {
  const at::NoGradGuard no_grad;
  ++steps_;
  rates_.push_back(rate);
  if (active_ids_.empty()) return;

  const at::Tensor gradient = active_weight_.grad();
  AFACE_CHECK(gradient.defined(), "step() before backward()");
  const at::Tensor weight = active_weight_.detach();
  active_velocity_.mul_(options_.momentum).add_(gradient);
  if (options_.weight_decay != 0) active_velocity_.add_(weight, options_.weight_decay);
  weight.add_(active_velocity_, -rate);
  if (active_index_.defined()) {
    weight_.index_copy_(0, active_index_, weight);
    velocity_.index_copy_(0, active_index_, active_velocity_);
  } else {
    rates_.clear();  // nobody is behind
  }
  for (const std::int64_t id : active_ids_) {
    fresh_until_[static_cast<std::size_t>(id)] = steps_;
    last_active_[static_cast<std::size_t>(id)] = steps_;
  }
  active_ids_.clear();
  active_index_ = active_weight_ = active_velocity_ = at::Tensor();
}

std::vector<PrototypeTable::Decay> PrototypeTable::decay_by_age(std::int64_t oldest) const {
  std::vector<Decay> by_age(static_cast<std::size_t>(oldest) + 1);
  const double momentum = options_.momentum, decay = options_.weight_decay;
  for (std::size_t age = 1; age < by_age.size(); ++age) {
    const double rate = rates_[rates_.size() - age];
    // A step without gradient is the matrix [1 - rate decay, -rate momentum; decay, momentum]; the older step acts
    // first, so it stands on the right.
    const Decay& newer = by_age[age - 1];
    Decay& product = by_age[age];
    product.ww = newer.ww * (1 - rate * decay) + newer.wv * decay;
    product.wv = newer.ww * (-rate * momentum) + newer.wv * momentum;
    product.vw = newer.vw * (1 - rate * decay) + newer.vv * decay;
    product.vv = newer.vw * (-rate * momentum) + newer.vv * momentum;
  }
  return by_age;
}

void PrototypeTable::catch_up(at::Tensor weight, at::Tensor velocity, Span<const std::int64_t> ids) const {
  std::int64_t oldest = 0;
  for (const std::int64_t id : ids) oldest = std::max(oldest, steps_ - fresh_until_[static_cast<std::size_t>(id)]);
  if (oldest == 0) return;

  const std::vector<Decay> by_age = decay_by_age(oldest);
  const std::int64_t count = static_cast<std::int64_t>(ids.size());
  const at::Tensor factors = at::empty({4, count, 1}, at::kDouble);
  double* out = factors.data_ptr<double>();
  for (std::int64_t i = 0; i < count; ++i) {
    const std::int64_t id = ids[static_cast<std::size_t>(i)];
    const Decay& d = by_age[static_cast<std::size_t>(steps_ - fresh_until_[static_cast<std::size_t>(id)])];
    out[i] = d.ww;
    out[count + i] = d.wv;
    out[2 * count + i] = d.vw;
    out[3 * count + i] = d.vv;
  }
  const at::Tensor f = factors.to(weight.options());
  const at::Tensor caught_up = (weight * f[0]).addcmul_(velocity, f[1]);
  velocity.mul_(f[3]).addcmul_(weight, f[2]);
  weight.copy_(caught_up);
}

void PrototypeTable::catch_up_all() {
  if (rates_.empty()) return;
  const at::NoGradGuard no_grad;
  std::vector<std::int64_t> ids;
  for (std::int64_t begin = 0; begin < num_identities(); begin += kRowsAtOnce) {
    const std::int64_t count = std::min(kRowsAtOnce, num_identities() - begin);
    ids.resize(static_cast<std::size_t>(count));
    std::iota(ids.begin(), ids.end(), begin);
    catch_up(weight_.narrow(0, begin, count), velocity_.narrow(0, begin, count), ids);
  }
  std::fill(fresh_until_.begin(), fresh_until_.end(), steps_);
  rates_.clear();
}

at::Tensor PrototypeTable::unit_rows() {
  catch_up_all();
  const at::Tensor lengths = weight_.norm(2, {1}, /*keepdim=*/true).clamp_min_(1e-12);
  return (weight_ / lengths).to(at::kCPU, at::kFloat).contiguous();
}

at::Tensor PrototypeTable::rows() {
  catch_up_all();
  return weight_.to(at::kCPU, weight_.scalar_type(), /*non_blocking=*/false, /*copy=*/true);
}

std::int64_t PrototypeTable::stalest_age() const {
  return steps_ - *std::min_element(last_active_.begin(), last_active_.end());
}

double PrototypeTable::share_never_active() const {
  const auto never = std::count(last_active_.begin(), last_active_.end(), 0);
  return static_cast<double>(never) / static_cast<double>(last_active_.size());
}

void PrototypeTable::save(NamedArrays& state) const {
  state.arrays["prototypes.weight"] = to_array(weight_);
  state.arrays["prototypes.velocity"] = to_array(velocity_);
  state.put_scalar("prototypes.steps", steps_);
  state.put("prototypes.rates", rates_);
  state.put("prototypes.fresh_until", fresh_until_);
  state.put("prototypes.last_active", last_active_);
}

void PrototypeTable::restore(const NamedArrays& state) {
  const at::Tensor weight = to_tensor_like(state, "prototypes.weight", weight_);
  const at::Tensor velocity = to_tensor_like(state, "prototypes.velocity", velocity_);
  const auto steps = state.get_scalar<std::int64_t>("prototypes.steps");
  std::vector<double> rates = state.get<double>("prototypes.rates");
  std::vector<std::int64_t> fresh_until = state.get<std::int64_t>("prototypes.fresh_until");
  std::vector<std::int64_t> last_active = state.get<std::int64_t>("prototypes.last_active");

  const auto within = [&](const std::vector<std::int64_t>& values, std::int64_t low) {
    return values.size() == fresh_until_.size() &&
           std::all_of(values.begin(), values.end(), [&](std::int64_t v) { return v >= low && v <= steps; });
  };
  const std::int64_t oldest_rate = steps - static_cast<std::int64_t>(rates.size());
  if (oldest_rate < 0 || !within(fresh_until, oldest_rate) || !within(last_active, 0)) {
    throw Error(ErrorKind::kFormat, "prototypes: step counts contradict each other; the state is damaged, use an earlier one");
  }

  weight_.copy_(weight);
  velocity_.copy_(velocity);
  steps_ = steps;
  rates_ = std::move(rates);
  fresh_until_ = std::move(fresh_until);
  last_active_ = std::move(last_active);
  active_ids_.clear();
  active_index_ = active_weight_ = active_velocity_ = at::Tensor();
}

}  // namespace aface
