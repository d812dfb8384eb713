#include "aface/train/backbone_sgd.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <torch/nn/utils/clip_grad.h>
#include <torch/optim/sgd.h>
#include <torch/utils.h>

#include <cmath>

#include "aface/nn/backbone.h"

namespace aface {
namespace {

OptimizerOptions options() {
  OptimizerOptions o;
  o.momentum = 0.9;
  o.weight_decay = 0.01;
  return o;
}

std::shared_ptr<Backbone> small_net() {
  torch::manual_seed(3);
  BackboneOptions o;
  o.kind = "small_resnet";
  o.input_size = 16;
  o.embedding_dim = 8;
  o.width = 4;
  auto net = make_backbone(o);
  to_channels_last(*net);
  return net;
}

// Gives every parameter a gradient that depends on `seed` only, in the parameter's layout.
void draw_gradients(Backbone& net, std::uint64_t seed) {
  torch::manual_seed(seed);
  for (at::Tensor& p : net.parameters()) {
    p.mutable_grad() = torch::empty_like(p.detach()).copy_(torch::randn(p.sizes()));
  }
}

// LibTorch's optimiser with the same two groups, gradients clipped to the given length.
class PeerSgd {
 public:
  explicit PeerSgd(Backbone& net) : net_(net) {
    std::vector<at::Tensor> decayed, plain;
    for (const at::Tensor& p : net.parameters()) (p.dim() > 1 ? decayed : plain).push_back(p);
    const auto group = [](std::vector<at::Tensor> values, double decay) {
      auto settings = std::make_unique<torch::optim::SGDOptions>(0.1);
      settings->momentum(0.9).weight_decay(decay);
      return torch::optim::OptimizerParamGroup(std::move(values), std::move(settings));
    };
    std::vector<torch::optim::OptimizerParamGroup> groups;
    groups.push_back(group(decayed, 0.01));
    groups.push_back(group(plain, 0));
    sgd_ = std::make_unique<torch::optim::SGD>(groups, torch::optim::SGDOptions(0.1));
  }
  double step(double limit) {
    const double norm = torch::nn::utils::clip_grad_norm_(net_.parameters(), limit);
    sgd_->step();
    sgd_->zero_grad();
    return norm;
  }

 private:
  Backbone& net_;
  std::unique_ptr<torch::optim::SGD> sgd_;
};

void expect_near(Backbone& a, Backbone& b) {
  const auto ours = a.named_parameters();
  for (const auto& theirs : b.named_parameters()) {
    EXPECT_TRUE(torch::allclose(ours[theirs.key()], theirs.value(), 1e-5, 1e-6)) << theirs.key();
  }
}

TEST(BackboneSgd, StepsAsLibTorchDoesWithClippedGradients) {
  const auto ours = small_net(), theirs = small_net();
  BackboneSgd sgd(*ours, options(), 2);
  PeerSgd peer(*theirs);
  for (std::uint64_t step = 0; step < 5; ++step) {
    draw_gradients(*ours, step);
    draw_gradients(*theirs, step);
    const double norm = sgd.gradient_norm();
    const double limit = step % 2 == 0 ? norm / 3 : norm * 3;
    const double theirs_norm = peer.step(limit);
    EXPECT_NEAR(norm, theirs_norm, 1e-4 * theirs_norm);
    sgd.step(0.1, std::min(1.0, limit / (norm + 1e-6)));
    expect_near(*ours, *theirs);
  }
}

TEST(BackboneSgd, GivesGradientsUpAndSkipsParametersWithoutThem) {
  const auto net = small_net();
  BackboneSgd sgd(*net, options(), 1);
  draw_gradients(*net, 1);
  sgd.step(0.1, 1);
  for (const at::Tensor& p : net->parameters()) EXPECT_FALSE(p.grad().defined());
  const at::Tensor before = net->parameters()[0].detach().clone();
  sgd.step(0.1, 1);
  EXPECT_TRUE(torch::equal(before, net->parameters()[0]));
}

TEST(BackboneSgd, TakesGradientsInAnotherLayoutThanTheirParameter) {
  const auto loops = small_net(), operations = small_net();
  BackboneSgd a(*loops, options(), 1), b(*operations, options(), 1);
  draw_gradients(*loops, 1);
  draw_gradients(*operations, 1);
  for (at::Tensor& p : operations->parameters()) {
    if (p.dim() == 4) p.mutable_grad() = p.grad().contiguous();  // not channels last
  }
  EXPECT_NEAR(a.gradient_norm(), b.gradient_norm(), 1e-5 * a.gradient_norm());
  a.step(0.1, 0.5);
  b.step(0.1, 0.5);
  expect_near(*loops, *operations);
}

TEST(BackboneSgd, OneThreadAndThreeGiveTheSameBits) {
  const auto one = small_net(), three = small_net();
  BackboneSgd a(*one, options(), 1), b(*three, options(), 3);
  for (std::uint64_t step = 0; step < 3; ++step) {
    draw_gradients(*one, step);
    draw_gradients(*three, step);
    EXPECT_EQ(a.gradient_norm(), b.gradient_norm());
    a.step(0.1, 1);
    b.step(0.1, 1);
  }
  for (const auto& p : one->named_parameters())
    EXPECT_TRUE(torch::equal(p.value(), three->named_parameters()[p.key()]));
}

TEST(BackboneSgd, RestoredMomentumGoesOnBitForBit) {
  const auto whole = small_net(), resumed = small_net();
  BackboneSgd a(*whole, options(), 1), b(*resumed, options(), 1);
  NamedArrays state;
  a.save(state);
  EXPECT_TRUE(state.arrays.empty());
  draw_gradients(*whole, 1);
  a.step(0.1, 1);
  a.save(state);
  EXPECT_EQ(state.arrays.size(), whole->parameters().size());
  {
    const torch::NoGradGuard no_grad;
    for (const auto& p : whole->named_parameters()) resumed->named_parameters()[p.key()].copy_(p.value());
  }
  b.restore(state);
  draw_gradients(*whole, 2);
  draw_gradients(*resumed, 2);
  a.step(0.1, 1);
  b.step(0.1, 1);
  for (const auto& p : whole->named_parameters()) {
    EXPECT_TRUE(torch::equal(p.value(), resumed->named_parameters()[p.key()])) << p.key();
  }
}

TEST(BackboneSgd, NormIsInfiniteWithAnInfiniteGradient) {
  const auto net = small_net();
  BackboneSgd sgd(*net, options(), 1);
  draw_gradients(*net, 1);
  net->parameters()[2].mutable_grad().view({-1})[0] = INFINITY;
  EXPECT_FALSE(std::isfinite(sgd.gradient_norm()));
}

}  // namespace
}  // namespace aface
