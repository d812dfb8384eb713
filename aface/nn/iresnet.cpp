// The improved residual net of ArcFace (Deng et al., CVPR 2019, section 3.1: 3x3 stem without pooling,
// BN-Conv-BN-PReLU- Conv-BN blocks, BN-Dropout-FC-BN output), with the names and start values of
// arcface_torch's iresnet:
//   conv1, bn1, prelu            3 -> 64, stride 1                       [batch, 64, s, s]
//   layer1.N .. layer4.N         64, 128, 256, 512 channels, the first block of each halves the side
//   bn2, dropout, fc, features   [batch, 512, s/16, s/16] -> [batch, dim]
// Convolutions start as N(0, 0.1^2), the linear layer at torch's default; the scale of `features` stays 1.
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include <array>
#include <string>

#include "aface/nn/backbones.h"
#include "aface/nn/layers.h"
#include "aface/nn/norm_act.h"
#include "aface/nn/partwise.h"
#include "aface/nn/torch_compat.h"
#include "aface/nn/shared_statistics.h"

namespace aface {
namespace {

class IBasicBlock : public torch::nn::Module {
 public:
  IBasicBlock(std::int64_t in, std::int64_t out, std::int64_t stride)
      : bn1_(register_module("bn1", make_batch_norm(in))),
        conv1_(register_module("conv1", make_conv(in, out))),
        bn2_(register_module("bn2", make_batch_norm(out))),
        prelu_(register_module("prelu", PRelu(out))),
        conv2_(register_module("conv2", make_conv(out, out, strided(3, 1, stride)))),
        bn3_(register_module("bn3", make_batch_norm(out))) {
    if (stride == 1 && in == out) return;
    shortcut_conv_ = make_conv(in, out, strided(1, 0, stride));
    shortcut_bn_ = make_batch_norm(out);
    register_module("downsample", torch::nn::Sequential(shortcut_conv_, shortcut_bn_));
  }

  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor shortcut = shortcut_conv_ ? batch_norm(shortcut_bn_, convolve(shortcut_conv_, x)) : x;
    const torch::Tensor inner = batch_norm_prelu(bn2_, prelu_, convolve(conv1_, batch_norm(bn1_, x)));
    return batch_norm_add(bn3_, convolve(conv2_, inner), shortcut);
  }

 private:
  static ConvShape strided(std::int64_t kernel, std::int64_t padding, std::int64_t stride) {
    ConvShape shape;
    shape.kernel = kernel;
    shape.padding = padding;
    shape.stride = stride;
    return shape;
  }

  torch::nn::BatchNorm2d bn1_;
  torch::nn::Conv2d conv1_;
  torch::nn::BatchNorm2d bn2_;
  PRelu prelu_;
  torch::nn::Conv2d conv2_;
  torch::nn::BatchNorm2d bn3_;
  torch::nn::Conv2d shortcut_conv_{nullptr};     // downsample.0
  torch::nn::BatchNorm2d shortcut_bn_{nullptr};  // downsample.1
};

class IResNet : public Backbone {
 public:
  IResNet(const BackboneOptions& options, const IResNetDepths& depths)
      : Backbone(options),
        conv1_(register_module("conv1", make_conv(3, 64))),
        bn1_(register_module("bn1", make_batch_norm(64))),
        prelu_(register_module("prelu", PRelu(64))),
        layers_{add_layer("layer1", 64, 64, depths.layer1), add_layer("layer2", 64, 128, depths.layer2),
                add_layer("layer3", 128, 256, depths.layer3), add_layer("layer4", 256, 512, depths.layer4)},
        bn2_(register_module("bn2", make_batch_norm(512))),
        dropout_(register_module("dropout", torch::nn::Dropout(options.dropout))),
        fc_(register_module("fc", torch::nn::Linear(512 * cells(options), options.embedding_dim))),
        features_(register_module("features", make_feature_norm(options.embedding_dim))) {
    init_conv_normal(*this, 0.1);
    features_->weight.set_requires_grad(false);
  }

  torch::Tensor forward(torch::Tensor chips) override {
    check_chips(chips);
    torch::Tensor x = batch_norm_prelu(bn1_, prelu_, convolve(conv1_, chips));
    for (auto& layer : layers_) x = layer->forward(x);
    x = batch_norm(bn2_, x);
    const AutocastGuard full_precision(x.device(), false);
    return plain_norm(features_, multiply(fc_, drop_out(dropout_, flatten_as(x, fc_->weight))));
  }

 private:
  static std::int64_t cells(const BackboneOptions& options) {  // of the last feature map
    return (options.input_size / 16) * (options.input_size / 16);
  }

  torch::nn::Sequential add_layer(const std::string& name, std::int64_t in, std::int64_t out, int blocks) {
    torch::nn::Sequential layer;
    for (int i = 0; i < blocks; ++i)
      layer->push_back(std::make_shared<IBasicBlock>(i == 0 ? in : out, out, i == 0 ? 2 : 1));
    return register_module(name, layer);
  }

  torch::nn::Conv2d conv1_;
  torch::nn::BatchNorm2d bn1_;
  PRelu prelu_;
  std::array<torch::nn::Sequential, 4> layers_;
  torch::nn::BatchNorm2d bn2_;
  torch::nn::Dropout dropout_;
  torch::nn::Linear fc_;
  torch::nn::BatchNorm1d features_;
};

}  // namespace

std::shared_ptr<Backbone> make_iresnet(const BackboneOptions& options, const IResNetDepths& depths) {
  return std::make_shared<IResNet>(options, depths);
}

}  // namespace aface
