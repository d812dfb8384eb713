#include "aface/train/optimizer_state.h"

#include <ATen/ops/empty_like.h>
#include <torch/nn/module.h>
#include <torch/optim/sgd.h>

#include <string>
#include <vector>

#include "aface/nn/torch_compat.h"
#include "aface/tensor/tensor_arrays.h"

namespace aface {
namespace {

std::string buffer_name(const std::string& parameter) { return "optimizer." + parameter; }

}  // namespace

std::unique_ptr<torch::optim::SGD> make_sgd(torch::nn::Module& module, const OptimizerOptions& options) {
  std::vector<torch::Tensor> decayed, plain;
  for (const torch::Tensor& parameter : module.parameters()) {
    if (!parameter.requires_grad()) continue;
    (options.decay_all || parameter.dim() > 1 ? decayed : plain).push_back(parameter);
  }
  const auto group = [&](std::vector<torch::Tensor> parameters, double decay) {
    auto settings = std::make_unique<torch::optim::SGDOptions>(options.learning_rate);
    settings->momentum(options.momentum).weight_decay(decay);
    return torch::optim::OptimizerParamGroup(std::move(parameters), std::move(settings));
  };
  std::vector<torch::optim::OptimizerParamGroup> groups;
  groups.push_back(group(std::move(decayed), options.weight_decay));
  if (!plain.empty()) groups.push_back(group(std::move(plain), 0.0));
  return std::make_unique<torch::optim::SGD>(groups, torch::optim::SGDOptions(options.learning_rate));
}

void set_learning_rate(torch::optim::SGD& optimizer, double rate) {
  for (auto& group : optimizer.param_groups()) {
    static_cast<torch::optim::SGDOptions&>(group.options()).lr(rate);
  }
}

void save_sgd(torch::optim::SGD& optimizer, const torch::nn::Module& module, NamedArrays& state) {
  for (const auto& parameter : module.named_parameters()) {
    const at::Tensor buffer = momentum_buffer(optimizer, parameter.value());
    if (buffer.defined()) state.arrays[buffer_name(parameter.key())] = to_array(buffer);
  }
}

void restore_sgd(torch::optim::SGD& optimizer, const torch::nn::Module& module, const NamedArrays& state) {
  for (const auto& parameter : module.named_parameters()) {
    const std::string name = buffer_name(parameter.key());
    if (!state.has(name)) continue;  // a parameter without momentum yet, or one that is not trained
    const at::Tensor& like = parameter.value();
    at::Tensor buffer = at::empty_like(like);  // device and memory layout of the parameter
    buffer.copy_(to_tensor_like(state, name, like));
    set_momentum_buffer(optimizer, like, buffer);
  }
}

}  // namespace aface
