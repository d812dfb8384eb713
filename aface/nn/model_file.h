#pragma once

#include <map>
#include <memory>
#include <string>

#include "aface/core/named_arrays.h"
#include "aface/nn/backbone.h"

namespace aface {

// Parameters and buffers of a module to named arrays and back, under `prefix` + PyTorch name.
void save_module(const torch::nn::Module& module, const std::string& prefix, NamedArrays& state);
// Throws Error{kFormat} listing what is missing or of another shape.
void restore_module(torch::nn::Module& module, const std::string& prefix, const NamedArrays& state);

// A model file is safetensors: the network's arrays under their PyTorch names, and metadata "backbone" (options as
// JSON) plus whatever is given. Written atomically.
void save_model(const std::string& path, const Backbone& backbone,
                const std::map<std::string, std::string>& metadata = {});
// Throws Error{kIo|kFormat}; a file without "backbone" metadata says which options are needed.
std::shared_ptr<Backbone> load_model(const std::string& path);

}  // namespace aface
