// Nets for one CPU. ReLU and few BatchNorms, because on a CPU LibTorch's BatchNorm and PReLU cost as much as
// the convolutions.
//
// small_resnet, w = width:
//   stage1.down, .down_bn   conv 3x3 stride 2       3 ->  w    BN ReLU
//   stage2.down, .down_bn   conv 3x3 stride 2       w -> 2w    BN ReLU
//   stage3, stage4          the same 2w -> 4w -> 8w, then a residual block of conv1 (with bias), conv2 and
//   bn2:
//                           y = relu(x + bn2(conv2(relu(conv1(x)))))
//   norm, dropout, fc, features   BN, dropout, linear without bias [8w, s/16, s/16] -> dim, BN
// Blocks only where the map is small: at the first sizes they cost most and bring least.
//
// tiny_cnn, w = width: convN, bnN (N = 1..4) 3x3 stride 2 to w, 2w, 2w, 2w channels, BN, ReLU; fc, features.
//
// All convolutions start as Kaiming normal over the fan-out, linear layers at torch's default.
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include <string>
#include <vector>

#include "aface/nn/backbones.h"
#include "aface/nn/layers.h"
#include "aface/nn/norm_act.h"
#include "aface/nn/partwise.h"
#include "aface/nn/torch_compat.h"
#include "aface/nn/shared_statistics.h"

namespace aface {
namespace {

ConvShape halving() {
  ConvShape shape;
  shape.stride = 2;
  return shape;
}

ConvShape with_bias() {
  ConvShape shape;
  shape.bias = true;
  return shape;
}

std::int64_t last_cells(const BackboneOptions& options) {
  return (options.input_size / 16) * (options.input_size / 16);
}

enum class Block { kNone, kResidual };

class Stage : public torch::nn::Module {
 public:
  Stage(std::int64_t in, std::int64_t out, Block block)
      : down_(register_module("down", make_conv(in, out, halving()))),
        down_bn_(register_module("down_bn", make_batch_norm(out))) {
    if (block == Block::kNone) return;
    conv1_ = register_module("conv1", make_conv(out, out, with_bias()));
    conv2_ = register_module("conv2", make_conv(out, out));
    bn2_ = register_module("bn2", make_batch_norm(out));
  }

  torch::Tensor forward(const torch::Tensor& input) {
    const torch::Tensor x = batch_norm_relu(down_bn_, convolve(down_, input));
    if (!conv1_) return x;
    return batch_norm_add_relu(bn2_, convolve(conv2_, convolve(conv1_, x).relu_()), x);
  }

 private:
  torch::nn::Conv2d down_;
  torch::nn::BatchNorm2d down_bn_;
  torch::nn::Conv2d conv1_{nullptr};
  torch::nn::Conv2d conv2_{nullptr};
  torch::nn::BatchNorm2d bn2_{nullptr};
};

// The end of both nets: dropout, linear layer and BatchNorm over the last map of `channels`.
class SmallNet : public Backbone {
 protected:
  SmallNet(const BackboneOptions& options, std::int64_t channels)
      : Backbone(options),
        dropout_(options.dropout),
        fc_(torch::nn::LinearOptions(channels * last_cells(options), options.embedding_dim).bias(false)),
        features_(make_feature_norm(options.embedding_dim)) {}

  // To be called last: modules are listed in the order of registration, and that is the order of the layers.
  void register_end() {
    register_module("dropout", dropout_);
    register_module("fc", fc_);
    register_module("features", features_);
    init_conv_kaiming(*this);
  }

  torch::Tensor embed(const torch::Tensor& map) {
    const AutocastGuard full_precision(map.device(), false);
    return plain_norm(features_, multiply(fc_, drop_out(dropout_, flatten_as(map, fc_->weight))));
  }

 private:
  torch::nn::Dropout dropout_;
  torch::nn::Linear fc_;
  torch::nn::BatchNorm1d features_;
};

class SmallResNet : public SmallNet {
 public:
  explicit SmallResNet(const BackboneOptions& options)
      : SmallNet(options, 8 * options.width), norm_(make_batch_norm(8 * options.width)) {
    std::int64_t in = 3;
    std::int64_t out = options.width;
    for (int i = 1; i <= 4; ++i, in = out, out *= 2) {
      const Block block = i <= 2 ? Block::kNone : Block::kResidual;
      stages_.push_back(
          register_module("stage" + std::to_string(i), std::make_shared<Stage>(in, out, block)));
    }
    register_module("norm", norm_);
    register_end();
  }

  torch::Tensor forward(torch::Tensor chips) override {
    check_chips(chips);
    torch::Tensor x = std::move(chips);
    for (auto& stage : stages_) x = stage->forward(x);
    return embed(batch_norm(norm_, x));
  }

 private:
  std::vector<std::shared_ptr<Stage>> stages_;
  torch::nn::BatchNorm2d norm_;
};

class TinyCnn : public SmallNet {
 public:
  explicit TinyCnn(const BackboneOptions& options) : SmallNet(options, 2 * options.width) {
    const std::int64_t channels[] = {3, options.width, 2 * options.width, 2 * options.width,
                                     2 * options.width};
    for (int i = 1; i <= 4; ++i) {
      convs_.push_back(
          register_module("conv" + std::to_string(i), make_conv(channels[i - 1], channels[i], halving())));
      norms_.push_back(register_module("bn" + std::to_string(i), make_batch_norm(channels[i])));
    }
    register_end();
  }

  torch::Tensor forward(torch::Tensor chips) override {
    check_chips(chips);
    torch::Tensor x = std::move(chips);
    for (std::size_t i = 0; i < convs_.size(); ++i) x = batch_norm_relu(norms_[i], convolve(convs_[i], x));
    return embed(x);
  }

 private:
  std::vector<torch::nn::Conv2d> convs_;
  std::vector<torch::nn::BatchNorm2d> norms_;
};

}  // namespace

std::shared_ptr<Backbone> make_small_resnet(const BackboneOptions& options) {
  return std::make_shared<SmallResNet>(options);
}

std::shared_ptr<Backbone> make_tiny_cnn(const BackboneOptions& options) {
  return std::make_shared<TinyCnn>(options);
}

}  // namespace aface
