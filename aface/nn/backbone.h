#pragma once

#include <torch/nn/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "aface/nn/backbone_options.h"

namespace aface {

// From chips [batch, 3, size, size] in [-1, 1], RGB, to embeddings [batch, dim]. Parameter and buffer names are those
// of the PyTorch nets of the field, so that weight files can be exchanged. The last linear layer and the embeddings
// keep the parameters' type (float32) even where autocast is on.
class Backbone : public torch::nn::Module {
 public:
  // Throws Error{kData} when the chips have another shape than the options say.
  virtual torch::Tensor forward(torch::Tensor chips) = 0;
  const BackboneOptions& options() const { return options_; }

 protected:
  explicit Backbone(const BackboneOptions& options) : options_(options) {}
  void check_chips(const torch::Tensor& chips) const;

 private:
  BackboneOptions options_;
};

// Weights drawn from torch's default generator. Throws Error{kUsage} on an unknown kind or a value out of range.
std::shared_ptr<Backbone> make_backbone(const BackboneOptions& options);
std::vector<std::string> backbone_names();

// All parameters, the constant ones included.
std::int64_t count_parameters(const torch::nn::Module& module);

// Lays convolution weights out for channels-last input, in place: on CPUs a training step is then much faster.
// Feed chips.contiguous(at::MemoryFormat::ChannelsLast).
void to_channels_last(torch::nn::Module& module);

}  // namespace aface
