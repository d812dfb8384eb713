// MobileFaceNet (Chen et al., CCBR 2018) in the wider form and with the names of arcface_torch, 2.05 M
// parameters:
//   layers.0       conv 3x3 stride 2                3 -> 128            BN PReLU
//   layers.1       conv 3x3, 64 groups            128 -> 128            BN PReLU
//   layers.2       bottleneck stride 2            128 -> 128 -> 128     (in, inner, out channels)
//   layers.3       4 residual bottlenecks         128 -> 128 -> 128
//   layers.4       bottleneck stride 2            128 -> 256 -> 256
//   layers.5       6 residual bottlenecks         256 -> 256 -> 256
//   layers.6       bottleneck stride 2            256 -> 512 -> 256
//   layers.7       2 residual bottlenecks         256 -> 256 -> 256
//   conv_sep       conv 1x1                       256 -> 512            BN PReLU
//   features       depthwise conv over the whole map, BN; linear without bias to dim; BN
// A bottleneck is conv 1x1 BN PReLU, depthwise 3x3 BN PReLU, conv 1x1 BN. All weights start as Kaiming
// normal, fan-out.
#include <torch/nn/init.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include "aface/nn/backbones.h"
#include "aface/nn/depthwise.h"
#include "aface/nn/layers.h"
#include "aface/nn/norm_act.h"
#include "aface/nn/partwise.h"
#include "aface/nn/torch_compat.h"
#include "aface/nn/shared_statistics.h"

namespace aface {
namespace {

enum class Activation { kPRelu, kNone };

// layers.0 is a convolution, layers.1 its BatchNorm, layers.2 the PReLU where there is one.
class ConvBlock : public torch::nn::Module {
 public:
  ConvBlock(std::int64_t in, std::int64_t out, const ConvShape& shape, Activation activation)
      : conv_(make_conv(in, out, shape)), norm_(make_batch_norm(out)) {
    torch::nn::Sequential layers(conv_, norm_);
    if (activation == Activation::kPRelu) layers->push_back(prelu_ = PRelu(out));
    register_module("layers", layers);
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor product = convolve_by_channel(conv_, x);
    return prelu_ ? batch_norm_prelu(norm_, prelu_, product) : batch_norm(norm_, product);
  }

  // Of a block without PReLU: adds `shortcut` to what it gives.
  torch::Tensor forward_and_add(const torch::Tensor& x, const torch::Tensor& shortcut) {
    return batch_norm_add(norm_, convolve(conv_, x), shortcut);
  }

 private:
  torch::nn::Conv2d conv_;
  torch::nn::BatchNorm2d norm_;
  PRelu prelu_{nullptr};
};

std::shared_ptr<ConvBlock> conv_block(std::int64_t in, std::int64_t out, const ConvShape& shape,
                                      Activation activation) {
  return std::make_shared<ConvBlock>(in, out, shape, activation);
}

ConvShape pointwise() {
  ConvShape shape;
  shape.kernel = 1;
  shape.padding = 0;
  return shape;
}

ConvShape three_by_three(std::int64_t stride, std::int64_t groups) {
  ConvShape shape;
  shape.stride = stride;
  shape.groups = groups;
  return shape;
}

enum class Shortcut { kNone, kAdded };

class Bottleneck : public torch::nn::Module {
 public:
  struct Shape {
    std::int64_t in, inner, out, stride;
  };

  Bottleneck(const Shape& shape, Shortcut shortcut)
      : adds_(shortcut == Shortcut::kAdded),
        widen_(conv_block(shape.in, shape.inner, pointwise(), Activation::kPRelu)),
        depthwise_(conv_block(shape.inner, shape.inner, three_by_three(shape.stride, shape.inner),
                              Activation::kPRelu)),
        narrow_(conv_block(shape.inner, shape.out, pointwise(), Activation::kNone)) {
    register_module("layers", torch::nn::Sequential(widen_, depthwise_, narrow_));
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor inner = depthwise_->forward(widen_->forward(x));
    return adds_ ? narrow_->forward_and_add(inner, x) : narrow_->forward(inner);
  }

 private:
  bool adds_;
  std::shared_ptr<ConvBlock> widen_, depthwise_, narrow_;
};

std::shared_ptr<Bottleneck> bottleneck(std::int64_t in, std::int64_t inner, std::int64_t out) {
  return std::make_shared<Bottleneck>(Bottleneck::Shape{in, inner, out, /*stride=*/2}, Shortcut::kNone);
}

// Named layers.0, layers.1, ...
class ResidualBottlenecks : public torch::nn::Module {
 public:
  ResidualBottlenecks(std::int64_t channels, int count) {
    for (int i = 0; i < count; ++i) {
      blocks_->push_back(
          std::make_shared<Bottleneck>(Bottleneck::Shape{channels, channels, channels, 1}, Shortcut::kAdded));
    }
    register_module("layers", blocks_);
  }
  torch::Tensor forward(const torch::Tensor& x) { return blocks_->forward(x); }

 private:
  torch::nn::Sequential blocks_;
};

// From [batch, 512, side, side] to embeddings; named layers.0 .. layers.3 (layers.1 has no parameters).
class GlobalDepthwise : public torch::nn::Module {
 public:
  GlobalDepthwise(std::int64_t side, std::int64_t dim, double dropout)
      : conv_(conv_block(512, 512, whole_map(side), Activation::kNone)),
        dropout_(dropout),
        linear_(torch::nn::LinearOptions(512, dim).bias(false)),
        norm_(make_feature_norm(dim)) {
    const auto layers = register_module("layers", std::make_shared<Named>());
    layers->register_module("0", conv_);
    layers->register_module("1", dropout_);
    layers->register_module("2", linear_);
    layers->register_module("3", norm_);
    torch::nn::init::kaiming_normal_(linear_->weight, 0.0, torch::kFanOut, torch::kReLU);
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor pooled = conv_->forward(x);  // [batch, 512, 1, 1]
    const AutocastGuard full_precision(x.device(), false);
    return plain_norm(norm_, multiply(linear_, drop_out(dropout_, flatten_as(pooled, linear_->weight))));
  }

 private:
  struct Named : torch::nn::Module {};

  static ConvShape whole_map(std::int64_t side) {
    ConvShape shape;
    shape.kernel = side;
    shape.padding = 0;
    shape.groups = 512;
    return shape;
  }

  std::shared_ptr<ConvBlock> conv_;
  torch::nn::Dropout dropout_;
  torch::nn::Linear linear_;
  torch::nn::BatchNorm1d norm_;
};

class MobileFaceNet : public Backbone {
 public:
  explicit MobileFaceNet(const BackboneOptions& options) : Backbone(options) {
    register_module("layers", layers_);
    const auto add = [&](auto layer) { layers_->push_back(std::move(layer)); };
    add(conv_block(3, 128, three_by_three(2, 1), Activation::kPRelu));
    add(conv_block(128, 128, three_by_three(1, 64), Activation::kPRelu));
    add(bottleneck(128, 128, 128));
    add(std::make_shared<ResidualBottlenecks>(128, 4));
    add(bottleneck(128, 256, 256));
    add(std::make_shared<ResidualBottlenecks>(256, 6));
    add(bottleneck(256, 512, 256));
    add(std::make_shared<ResidualBottlenecks>(256, 2));
    conv_sep_ = register_module("conv_sep", conv_block(256, 512, pointwise(), Activation::kPRelu));
    features_ = register_module(
        "features",
        std::make_shared<GlobalDepthwise>(options.input_size / 16, options.embedding_dim, options.dropout));
    init_conv_kaiming(*this);
  }

  torch::Tensor forward(torch::Tensor chips) override {
    check_chips(chips);
    return features_->forward(conv_sep_->forward(layers_->forward(chips)));
  }

 private:
  torch::nn::Sequential layers_;
  std::shared_ptr<ConvBlock> conv_sep_;
  std::shared_ptr<GlobalDepthwise> features_;
};

}  // namespace

std::shared_ptr<Backbone> make_mobilefacenet(const BackboneOptions& options) {
  return std::make_shared<MobileFaceNet>(options);
}

}  // namespace aface
