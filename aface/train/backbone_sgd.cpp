#include "aface/train/backbone_sgd.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros_like.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "aface/core/parallel.h"
#include "aface/kernel/momentum_step.h"
#include "aface/tensor/tensor_arrays.h"

namespace aface {
namespace {

constexpr std::int64_t kPartValues = 1 << 18;

std::string momentum_name(const std::string& parameter) { return "optimizer." + parameter; }

// Both lie in memory value by value in the same order.
bool can_loop(const at::Tensor& value, const at::Tensor& gradient) {
  const auto is_flat = [](const at::Tensor& t) {
    return t.is_cpu() && t.scalar_type() == at::kFloat && t.is_non_overlapping_and_dense();
  };
  return is_flat(value) && is_flat(gradient) && value.strides() == gradient.strides();
}

}  // namespace

BackboneSgd::BackboneSgd(const torch::nn::Module& module, const OptimizerOptions& options, int threads)
    : momentum_(options.momentum), threads_(threads) {
  for (const auto& item : module.named_parameters()) {
    if (!item.value().requires_grad()) continue;
    const bool decays = options.decay_all || item.value().dim() > 1;
    parameters_.push_back({item.key(), item.value(), {}, decays ? options.weight_decay : 0.0});
  }
}

std::vector<BackboneSgd::Part> BackboneSgd::parts() const {
  std::vector<Part> all;
  for (std::size_t i = 0; i < parameters_.size(); ++i) {
    const at::Tensor &value = parameters_[i].value, &gradient = value.grad();
    if (!gradient.defined() || !can_loop(value, gradient)) continue;
    for (std::int64_t begin = 0; begin < value.numel(); begin += kPartValues) {
      all.push_back({i, begin, std::min(kPartValues, value.numel() - begin)});
    }
  }
  return all;
}

void BackboneSgd::forget_gradients() {
  for (Parameter& parameter : parameters_) parameter.value.mutable_grad() = at::Tensor();
}

double BackboneSgd::gradient_norm() const {
  const std::vector<Part> all = parts();
  std::vector<double> sums(all.size());  // added in order below: the same bits on any number of threads
  parallel_for(static_cast<std::int64_t>(all.size()), 1, threads_,
               [&](std::int64_t first, std::int64_t last) {
                 for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
                   const Part& part = all[i];
                   sums[i] = sum_of_squares(
                       parameters_[part.parameter].value.grad().data_ptr<float>() + part.begin, part.count);
                 }
               });
  double sum = std::accumulate(sums.begin(), sums.end(), 0.0);
  for (const Parameter& parameter : parameters_) {
    const at::Tensor& gradient = parameter.value.grad();
    if (!gradient.defined() || can_loop(parameter.value, gradient)) continue;
    const double norm = gradient.norm().item<double>();
    sum += norm * norm;
  }
  return std::sqrt(sum);
}

void BackboneSgd::step(double rate, double gradient_scale) {
  const at::NoGradGuard no_grad;
  if (momentum_ > 0) {
    for (Parameter& parameter : parameters_) {
      if (!parameter.velocity.defined() && parameter.value.grad().defined()) {
        parameter.velocity = at::zeros_like(parameter.value);  // in its layout
      }
    }
  }
  const std::vector<Part> all = parts();
  parallel_for(static_cast<std::int64_t>(all.size()), 1, threads_,
               [&](std::int64_t first, std::int64_t last) {
                 for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
                   const Part& part = all[i];
                   const Parameter& parameter = parameters_[part.parameter];
                   const MomentumStep step = {static_cast<float>(rate), static_cast<float>(momentum_),
                                              static_cast<float>(parameter.weight_decay),
                                              static_cast<float>(gradient_scale)};
                   momentum_step(step, parameter.value.grad().data_ptr<float>() + part.begin, part.count,
                                 momentum_ > 0 ? parameter.velocity.data_ptr<float>() + part.begin : nullptr,
                                 parameter.value.data_ptr<float>() + part.begin);
                 }
               });
  for (Parameter& parameter : parameters_) {
    const at::Tensor& gradient = parameter.value.grad();
    if (!gradient.defined() || can_loop(parameter.value, gradient)) continue;
    at::Tensor change = (gradient * gradient_scale).add_(parameter.value, parameter.weight_decay);
    if (momentum_ > 0) change = parameter.velocity.mul_(momentum_).add_(change);
    parameter.value.add_(change, -rate);
  }
  forget_gradients();
}

void BackboneSgd::save(NamedArrays& state) const {
  for (const Parameter& parameter : parameters_) {
    if (parameter.velocity.defined())
      state.arrays[momentum_name(parameter.name)] = to_array(parameter.velocity);
  }
}

void BackboneSgd::restore(const NamedArrays& state) {
  for (Parameter& parameter : parameters_) {
    const std::string name = momentum_name(parameter.name);
    if (!state.has(name)) continue;  // it had not been trained yet
    parameter.velocity = at::empty_like(parameter.value);
    parameter.velocity.copy_(to_tensor_like(state, name, parameter.value));
  }
}

}  // namespace aface
