#include "aface/nn/backbone.h"

#include <fmt/core.h>


#include "aface/core/error.h"
#include "aface/core/registry.h"
#include "aface/model/model_card.h"
#include "aface/nn/backbones.h"

namespace aface {
namespace {

using Make = std::shared_ptr<Backbone> (*)(const BackboneOptions&);

const std::vector<RegistryRow<Make>>& registry() {
  using Options = BackboneOptions;
  static const std::vector<RegistryRow<Make>> table = {
      {"iresnet18", "ArcFace's improved residual net", [](const Options& o) { return make_iresnet(o, {2, 2, 2, 2}); }},
      {"iresnet34", "the same, deeper", [](const Options& o) { return make_iresnet(o, {3, 4, 6, 3}); }},
      {"iresnet50", "the same, 24 blocks", [](const Options& o) { return make_iresnet(o, {3, 4, 14, 3}); }},
      {"iresnet100", "the same, 49 blocks", [](const Options& o) { return make_iresnet(o, {3, 13, 30, 3}); }},
      {"mobilefacenet", "inverted bottlenecks, 2 M parameters", make_mobilefacenet},
      {"small_resnet", "small residual net for a CPU", make_small_resnet},
      {"tiny_cnn", "four convolutions, for trying things out", make_tiny_cnn},
  };
  return table;
}

}  // namespace

void Backbone::check_chips(const torch::Tensor& chips) const {
  if (chips.dim() == 4 && chips.size(1) == 3 && chips.size(2) == options_.input_size &&
      chips.size(3) == options_.input_size) {
    return;
  }
  std::string shape;
  for (const std::int64_t extent : chips.sizes()) shape += (shape.empty() ? "" : ", ") + std::to_string(extent);
  throw Error(ErrorKind::kData, fmt::format("{}: chips do not fit (expected [batch, 3, {}, {}], got [{}])",
                                            options_.kind, options_.input_size, options_.input_size, shape));
}

std::shared_ptr<Backbone> make_backbone(const BackboneOptions& options) {
  check_options(options);
  return find_row(registry(), options.kind, "backbone").make(options);
}

std::vector<std::string> backbone_names() {
  std::vector<std::string> names;
  for (const auto& row : registry()) names.push_back(row.name);
  return names;
}

std::int64_t count_parameters(const torch::nn::Module& module) {
  std::int64_t count = 0;
  for (const torch::Tensor& parameter : module.parameters()) count += parameter.numel();
  return count;
}

void to_channels_last(torch::nn::Module& module) {
  for (torch::Tensor& parameter : module.parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.contiguous(at::MemoryFormat::ChannelsLast));
  }
}

}  // namespace aface
