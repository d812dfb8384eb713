#pragma once

#include <memory>

#include "aface/nn/backbone.h"

namespace aface {

// The makers behind the registry; options have been checked.

struct IResNetDepths {
  int layer1, layer2, layer3, layer4;  // residual blocks per layer
};
std::shared_ptr<Backbone> make_iresnet(const BackboneOptions& options, const IResNetDepths& depths);
std::shared_ptr<Backbone> make_mobilefacenet(const BackboneOptions& options);
std::shared_ptr<Backbone> make_small_resnet(const BackboneOptions& options);
std::shared_ptr<Backbone> make_tiny_cnn(const BackboneOptions& options);

}  // namespace aface
