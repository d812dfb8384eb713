#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "aface/core/named_arrays.h"
#include "aface/train/train_options.h"

namespace torch::nn {
class Module;
}

namespace aface {

// torch.optim.SGD with momentum over a network's parameters, with decay for those of two and more dimensions
// (all under decay_all), none for biases, BatchNorm and PReLU. On the CPU a step reads and writes each value
// once, and gradients are given up after it, so that the next backward pass neither clears nor adds to them.
class BackboneSgd {
 public:
  // `threads` 0: all cores; bits do not depend on it. Parameters that require no gradient are left alone.
  BackboneSgd(const torch::nn::Module& module, const OptimizerOptions& options, int threads);

  void forget_gradients();

  // Of all gradients together; infinite or NaN when one of their values is.
  double gradient_norm() const;

  // One step with gradients times `gradient_scale`. Parameters without gradient stay as they are.
  void step(double rate, double gradient_scale);

  // Momentum under "optimizer." + parameter name; none before a parameter's first step.
  void save(NamedArrays& state) const;
  void restore(const NamedArrays& state);  // throws Error{kFormat} when a shape differs

 private:
  struct Parameter {
    std::string name;
    at::Tensor value, velocity;  // velocity: undefined before the first step, and without momentum
    double weight_decay = 0;
  };
  // A stretch of one parameter's values that our loops work on.
  struct Part {
    std::size_t parameter = 0;
    std::int64_t begin = 0, count = 0;
  };
  std::vector<Part> parts() const;

  double momentum_;
  int threads_;
  std::vector<Parameter> parameters_;
};

}  // namespace aface
