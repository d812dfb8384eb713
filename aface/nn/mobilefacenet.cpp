// MobileFaceNet (Chen et al., CCBR 2018) in the wider form and with the names of arcface_torch, 2.05 M parameters:
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
// A bottleneck is conv 1x1 BN PReLU, depthwise 3x3 BN PReLU, conv 1x1 BN. All weights start as Kaiming normal, fan-out.
#include <torch/nn/init.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include "aface/nn/backbones.h"
#include "aface/nn/layers.h"
#include "aface/nn/torch_compat.h"

namespace aface {
namespace {

// Some layers in a row, named layers.0, layers.1, ...
class Chain : public torch::nn::Module {
 public:
  explicit Chain(torch::nn::Sequential layers) : layers_(register_module("layers", std::move(layers))) {}
  virtual torch::Tensor forward(torch::Tensor x) { return layers_->forward(x); }

 protected:
  torch::nn::Sequential layers_;
};

class ResidualChain : public Chain {
 public:
  using Chain::Chain;
  torch::Tensor forward(torch::Tensor x) override { return layers_->forward(x).add_(x); }
};

enum class Activation { kPRelu, kNone };

std::shared_ptr<Chain> conv_block(std::int64_t in, std::int64_t out, ConvShape shape, Activation activation) {
  torch::nn::Sequential layers(make_conv(in, out, shape), make_batch_norm(out));
  if (activation == Activation::kPRelu) layers->push_back(PRelu(out));
  return std::make_shared<Chain>(layers);
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

torch::nn::Sequential bottleneck(std::int64_t in, std::int64_t inner, std::int64_t out, std::int64_t stride) {
  return torch::nn::Sequential(conv_block(in, inner, pointwise(), Activation::kPRelu),
                               conv_block(inner, inner, three_by_three(stride, inner), Activation::kPRelu),
                               conv_block(inner, out, pointwise(), Activation::kNone));
}

std::shared_ptr<Chain> residual_bottlenecks(std::int64_t channels, std::int64_t inner, int count) {
  torch::nn::Sequential blocks;
  for (int i = 0; i < count; ++i) {
    blocks->push_back(std::make_shared<ResidualChain>(bottleneck(channels, inner, channels, 1)));
  }
  return std::make_shared<Chain>(blocks);
}

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
    return norm_(linear_(dropout_(flatten_as(pooled, linear_->weight))));
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

  std::shared_ptr<Chain> conv_;
  torch::nn::Dropout dropout_;
  torch::nn::Linear linear_;
  torch::nn::BatchNorm1d norm_;
};

class MobileFaceNet : public Backbone {
 public:
  explicit MobileFaceNet(const BackboneOptions& options) : Backbone(options) {
    const auto add = [&](std::shared_ptr<Chain> chain) {
      layers_->push_back(chain);
      chains_.push_back(std::move(chain));
    };
    register_module("layers", layers_);
    add(conv_block(3, 128, three_by_three(2, 1), Activation::kPRelu));
    add(conv_block(128, 128, three_by_three(1, 64), Activation::kPRelu));
    add(std::make_shared<Chain>(bottleneck(128, 128, 128, 2)));
    add(residual_bottlenecks(128, 128, 4));
    add(std::make_shared<Chain>(bottleneck(128, 256, 256, 2)));
    add(residual_bottlenecks(256, 256, 6));
    add(std::make_shared<Chain>(bottleneck(256, 512, 256, 2)));
    add(residual_bottlenecks(256, 256, 2));
    conv_sep_ = register_module("conv_sep", conv_block(256, 512, pointwise(), Activation::kPRelu));
    features_ = register_module(
        "features",
        std::make_shared<GlobalDepthwise>(options.input_size / 16, options.embedding_dim, options.dropout));
    init_conv_kaiming(*this);
  }

  torch::Tensor forward(torch::Tensor chips) override {
    check_chips(chips);
    torch::Tensor x = std::move(chips);
    for (auto& chain : chains_) x = chain->forward(x);
    return features_->forward(conv_sep_->forward(x));
  }

 private:
  torch::nn::ModuleList layers_;
  std::vector<std::shared_ptr<Chain>> chains_;  // the same, typed
  std::shared_ptr<Chain> conv_sep_;
  std::shared_ptr<GlobalDepthwise> features_;
};

}  // namespace

std::shared_ptr<Backbone> make_mobilefacenet(const BackboneOptions& options) {
  return std::make_shared<MobileFaceNet>(options);
}

}  // namespace aface
