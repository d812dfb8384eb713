#pragma once

#include <memory>

#include "aface/core/named_arrays.h"
#include "aface/train/train_options.h"

namespace torch::nn {
class Module;
}
namespace torch::optim {
class SGD;
}

namespace aface {

// SGD over the module's parameters in two groups: those with decay (two and more dimensions, or all under
// decay_all) and those without (biases, BatchNorm, PReLU).
std::unique_ptr<torch::optim::SGD> make_sgd(torch::nn::Module& module, const OptimizerOptions& options);
void set_learning_rate(torch::optim::SGD& optimizer, double rate);

// Momentum buffers under "optimizer." + parameter name.
void save_sgd(torch::optim::SGD& optimizer, const torch::nn::Module& module, NamedArrays& state);
void restore_sgd(torch::optim::SGD& optimizer, const torch::nn::Module& module, const NamedArrays& state);

}  // namespace aface
