#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <memory>

#include "aface/nn/backbone_options.h"

namespace aface {

// From chips [batch, 3, size, size] in [-1, 1], RGB, to embeddings [batch, dim]. Parameter and buffer names are those
// of the PyTorch nets of the field, so that weight files can be exchanged.
class Backbone : public torch::nn::Module {
 public:
  virtual torch::Tensor forward(torch::Tensor chips) = 0;
  const BackboneOptions& options() const { return options_; }

 protected:
  explicit Backbone(const BackboneOptions& options) : options_(options) {}

 private:
  BackboneOptions options_;
};

// Weights drawn from torch's default generator. Throws Error{kUsage} on an unknown kind or input size.
std::shared_ptr<Backbone> make_backbone(const BackboneOptions& options);
std::int64_t count_parameters(const Backbone& backbone);

}  // namespace aface
