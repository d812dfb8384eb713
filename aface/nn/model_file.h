#pragma once

#include <map>
#include <memory>
#include <string>

#include "aface/core/named_arrays.h"
#include "aface/nn/backbone.h"

namespace aface {

// Parameters and buffers of a module to named arrays and back, under `prefix` + PyTorch name, in the module's own
// element types (num_batches_tracked is a scalar I64).
void save_module(const torch::nn::Module& module, const std::string& prefix, NamedArrays& state);

// Writes into the module's tensors in place: device, layout and type stay, floating types are converted. Names under
// the prefix must be those of the module; only num_batches_tracked, which no forward pass needs, may be missing.
// Throws Error{kFormat} listing what is missing, too much or of another shape or type; the module is then untouched.
void restore_module(torch::nn::Module& module, const std::string& prefix, const NamedArrays& state);

// Weights alone, as safetensors: the network's arrays under their PyTorch names, and metadata "backbone" (options as
// JSON) plus whatever is given. Written atomically. What a user gets is more, see recognise/model_writer.h.
void save_model(const std::string& path, const Backbone& backbone,
                const std::map<std::string, std::string>& metadata = {});

// Of weights alone or of a whole model file, whose digest is checked. Throws Error{kIo|kFormat} naming the path; a file
// without "backbone" metadata says which options are needed.
std::shared_ptr<Backbone> load_model(const std::string& path);

// For weight files of other programs: the options are given, the file's metadata are not looked at.
std::shared_ptr<Backbone> load_model(const std::string& path, const BackboneOptions& options);

}  // namespace aface
