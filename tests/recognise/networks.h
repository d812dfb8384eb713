#pragma once

#include <torch/torch.h>

#include <memory>
#include <string>

#include "aface/core/named_arrays.h"
#include "aface/nn/backbone.h"
#include "aface/nn/model_file.h"

namespace aface::test {

// A network whose normalisations have seen some chips, so that none of them is the identity.
inline std::shared_ptr<Backbone> used_network(const std::string& kind, std::int64_t size, std::int64_t dim,
                                              std::int64_t width = 8) {
  torch::manual_seed(11);
  BackboneOptions options;
  options.kind = kind;
  options.input_size = size;
  options.embedding_dim = dim;
  options.width = width;
  const auto net = make_backbone(options);
  const torch::NoGradGuard no_grad;
  for (const auto& item : net->named_parameters()) {  // scales and slopes that are alike would hide a mix-up
    if (item.value().dim() == 1) item.value().add_(torch::randn_like(item.value()) * 0.1);
  }
  for (const auto& module : net->modules()) {  // running statistics are those of the one batch below
    if (auto* norm = module->as<torch::nn::BatchNorm2d>()) norm->options.momentum(1.0);
    if (auto* norm = module->as<torch::nn::BatchNorm1d>()) norm->options.momentum(1.0);
  }
  net->forward(torch::rand({8, 3, size, size}) * 2 - 1);
  net->eval();
  return net;
}

inline NamedArrays arrays_of(const Backbone& net) {
  NamedArrays arrays;
  save_module(net, "", arrays);
  return arrays;
}

}  // namespace aface::test
