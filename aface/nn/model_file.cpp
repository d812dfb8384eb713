#include "aface/nn/model_file.h"

#include <fmt/core.h>

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "aface/core/check.h"
#include "aface/core/error.h"
#include "aface/io/safetensors.h"
#include "aface/model/model_card.h"
#include "aface/model/model_file.h"
#include "aface/tensor/tensor_arrays.h"

namespace aface {
namespace {

std::vector<std::pair<std::string, at::Tensor>> tensors_of(const torch::nn::Module& module) {
  std::vector<std::pair<std::string, at::Tensor>> all;
  for (const auto& item : module.named_parameters()) all.emplace_back(item.key(), item.value());
  for (const auto& item : module.named_buffers()) all.emplace_back(item.key(), item.value());
  return all;
}

bool may_be_missing(const std::string& name) {
  const std::string counter = "num_batches_tracked";
  return name.size() >= counter.size() && name.compare(name.size() - counter.size(), counter.size(), counter) == 0;
}

// "3 missing (a, b, c)", at most a few names.
class Complaint {
 public:
  explicit Complaint(std::string what) : what_(std::move(what)) {}
  void add(const std::string& name) {
    constexpr int kShown = 4;
    if (count_ < kShown) names_ += (count_ > 0 ? ", " : "") + name;
    if (count_ == kShown) names_ += ", ...";
    ++count_;
  }
  void join(std::string& text) const {
    if (count_ > 0) text += fmt::format("{}{} {} ({})", text.empty() ? "" : ", ", count_, what_, names_);
  }

 private:
  std::string what_;
  std::string names_;
  int count_ = 0;
};

bool fits(const at::Tensor& tensor, const NamedArray& array) {
  return array.type != DataType::kUint64 &&  // which torch lacks
         tensor.sizes() == at::IntArrayRef(array.shape) &&
         at::isFloatingType(tensor.scalar_type()) == at::isFloatingType(scalar_type_of(array.type));
}

// Makes the net that `options` describe and fills it; `path` is for the messages.
std::shared_ptr<Backbone> fill_model(const std::string& path, const BackboneOptions& options,
                                     const NamedArrays& state) {
  std::shared_ptr<Backbone> backbone = make_backbone(options);
  try {
    restore_module(*backbone, "", state);
  } catch (const Error& error) {
    throw Error(error.kind(), fmt::format("{}: not the weights of {} with input_size {}, embedding_dim {}: {}", path,
                                          options.kind, options.input_size, options.embedding_dim, error.what()));
  }
  return backbone;
}

}  // namespace

void save_module(const torch::nn::Module& module, const std::string& prefix, NamedArrays& state) {
  for (const auto& [name, tensor] : tensors_of(module)) {
    const bool is_new = state.arrays.emplace(prefix + name, to_array(tensor)).second;
    AFACE_CHECK(is_new, "array '{}{}' is saved twice", prefix, name);
  }
}

void restore_module(torch::nn::Module& module, const std::string& prefix, const NamedArrays& state) {
  const auto tensors = tensors_of(module);
  Complaint missing("missing"), misfits("of another shape or type"), extra("unknown");
  std::set<std::string> known;
  for (const auto& [name, tensor] : tensors) {
    known.insert(prefix + name);
    const auto found = state.arrays.find(prefix + name);
    if (found == state.arrays.end()) {
      if (!may_be_missing(name)) missing.add(prefix + name);
    } else if (!fits(tensor, found->second)) {
      misfits.add(fmt::format("{}: expected {}, got {}", prefix + name, shape_text(tensor), shape_text(found->second)));
    }
  }
  for (auto item = state.arrays.lower_bound(prefix); item != state.arrays.end(); ++item) {
    if (item->first.compare(0, prefix.size(), prefix) != 0) break;
    if (known.count(item->first) == 0) extra.add(item->first);
  }
  std::string complaints;
  missing.join(complaints);
  misfits.join(complaints);
  extra.join(complaints);
  if (!complaints.empty()) {
    throw Error(ErrorKind::kFormat, fmt::format("the arrays do not fit the network: {}", complaints));
  }

  const at::NoGradGuard no_grad;
  for (const auto& [name, tensor] : tensors) {
    const auto found = state.arrays.find(prefix + name);
    if (found != state.arrays.end()) tensor.copy_(to_tensor(found->second));
  }
}

void save_model(const std::string& path, const Backbone& backbone,
                const std::map<std::string, std::string>& metadata) {
  NamedArrays state;
  state.metadata = metadata;
  state.metadata["backbone"] = network_json(backbone.options());
  save_module(backbone, "", state);
  write_safetensors(path, state);
}

std::shared_ptr<Backbone> load_model(const std::string& path) {
  const NamedArrays state = read_network(path);
  return fill_model(path, network_options(state, path), state);
}

std::shared_ptr<Backbone> load_model(const std::string& path, const BackboneOptions& options) {
  return fill_model(path, options, read_network(path));
}

}  // namespace aface
