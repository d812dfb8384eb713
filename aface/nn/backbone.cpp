#include "aface/nn/backbone.h"

#include <fmt/core.h>

#include <algorithm>

#include "aface/core/error.h"
#include "aface/core/registry.h"
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

// Holds every option against the range in its description.
struct RangeCheck {
  template <class Number>
  void field(const char* name, const Number& value, const FieldInfo& info) {
    if (value >= info.min && value <= info.max) return;
    throw Error(ErrorKind::kUsage, fmt::format("backbone.{}: out of range (expected {} to {}, got {})", name,
                                               info.min, info.max, value));
  }
  void field(const char*, const std::string&, const FieldInfo&) {}  // the registry checks the kind
};

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

void check_options(const BackboneOptions& options) {
  RangeCheck check;
  BackboneOptions copy = options;
  describe(check, copy);
  find_row(registry(), options.kind, "backbone");
  if (options.input_size % 16 != 0) {
    throw Error(ErrorKind::kUsage, fmt::format("backbone.input_size: expected a multiple of 16, got {}; {} would fit",
                                               options.input_size, (options.input_size + 15) / 16 * 16));
  }
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
