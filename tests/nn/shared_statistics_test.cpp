// Networks whose batch is dealt to ranks (threads here), with the statistics of all, are the one network that
// has it all.
#include "aface/nn/shared_statistics.h"
#include "aface/nn/batch_scope.h"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "aface/nn/backbone.h"
#include "aface/nn/layers.h"
#include "tests/support/thread_ranks.h"

namespace aface {
namespace {

constexpr std::int64_t kBatch = 12, kSide = 48;

BackboneOptions small(const std::string& kind) {
  BackboneOptions options;
  options.kind = kind;
  options.input_size = kSide;
  options.embedding_dim = 32;
  options.width = 8;
  return options;
}

struct Outcome {
  torch::Tensor embeddings, input_gradient;
  std::vector<torch::Tensor> gradients, buffers;
};

Outcome outcome_of(Backbone& net, const torch::Tensor& chips, const torch::Tensor& seed, bool channels_last,
                   AcrossRanks* ranks) {
  at::set_num_threads(1);
  if (channels_last) to_channels_last(net);
  const auto layout = channels_last ? at::MemoryFormat::ChannelsLast : at::MemoryFormat::Contiguous;
  const torch::Tensor x = chips.contiguous(layout).clone(layout).requires_grad_(true);
  Outcome outcome;
  {
    BatchScope scope;
    scope.statistics = ranks;
    const BatchScopeGuard guard(scope);
    outcome.embeddings = net.forward(x);
  }
  outcome.embeddings.backward(seed);
  outcome.input_gradient = x.grad().contiguous();
  for (const torch::Tensor& parameter : net.parameters()) {
    if (parameter.requires_grad()) outcome.gradients.push_back(parameter.grad().contiguous());
  }
  for (const torch::Tensor& buffer : net.buffers()) outcome.buffers.push_back(buffer);
  return outcome;
}

double relative(const torch::Tensor& a, const torch::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).norm().item<double>() /
         (b.to(at::kDouble).norm().item<double>() + 1e-12);
}

// Rectifiers with slope 1 on both sides: where an input is 0 but for rounding, the gradient would jump.
void straighten(Backbone& net) {
  const torch::NoGradGuard no_grad;
  for (const auto& module : net.modules()) {
    if (auto* prelu = module->as<PReluImpl>()) torch::Tensor(prelu->weight()).fill_(1);
  }
}

class SharedStatistics : public ::testing::TestWithParam<std::tuple<std::string, bool>> {};

TEST_P(SharedStatistics, RanksTogetherAreOne) {
  const auto [kind, channels_last] = GetParam();
  const auto make = [&, name = kind] {
    torch::manual_seed(3);
    auto net = make_backbone(small(name));
    net->train();
    straighten(*net);
    return net;
  };
  torch::manual_seed(5);
  const torch::Tensor chips = torch::randn({kBatch, 3, kSide, kSide}), seed = torch::randn({kBatch, 32});
  const auto whole_net = make();
  const Outcome whole = outcome_of(*whole_net, chips, seed, channels_last, nullptr);

  const std::vector<std::int64_t> cuts = {0, 2, 7, kBatch};  // uneven pieces
  std::vector<std::shared_ptr<Backbone>> nets;
  for (int rank = 0; rank < 3; ++rank) nets.push_back(make());
  std::vector<Outcome> parts(3);
  test::ThreadRanks::run(3, [&, last = channels_last](AcrossRanks& ranks) {
    const auto rank = static_cast<std::size_t>(ranks.rank());
    const std::int64_t first = cuts[rank], count = cuts[rank + 1] - first;
    parts[rank] =
        outcome_of(*nets[rank], chips.narrow(0, first, count), seed.narrow(0, first, count), last, &ranks);
  });

  const double jumps = kind == "tiny_cnn" ? 3e-2 : 5e-4;  // which has plain rectifiers
  EXPECT_LT(
      relative(at::cat({parts[0].embeddings, parts[1].embeddings, parts[2].embeddings}), whole.embeddings),
      1e-5);
  EXPECT_LT(relative(at::cat({parts[0].input_gradient, parts[1].input_gradient, parts[2].input_gradient}),
                     whole.input_gradient),
            jumps);
  // A bias before a normalisation has no gradient but rounding: what is small is measured by the largest.
  double largest = 0;
  for (const torch::Tensor& gradient : whole.gradients)
    largest = std::max(largest, gradient.norm().item<double>());
  for (std::size_t i = 0; i < whole.gradients.size(); ++i) {
    const torch::Tensor off =
        parts[0].gradients[i] + parts[1].gradients[i] + parts[2].gradients[i] - whole.gradients[i];
    EXPECT_LT(off.norm().item<double>(), jumps * whole.gradients[i].norm().item<double>() + 1e-5 * largest)
        << i;
  }
  for (std::size_t i = 0; i < whole.buffers.size(); ++i) {
    const torch::Tensor expected = whole.buffers[i].to(at::kDouble);
    for (const Outcome& part : parts) {
      const double off = (part.buffers[i].to(at::kDouble) - expected).norm().item<double>();
      EXPECT_LT(off, 1e-5 * (expected.norm().item<double>() + 1)) << i;
    }
  }
}

TEST(BatchScope, WithoutItEveryRankHasItsOwn) {
  torch::manual_seed(5);
  const torch::Tensor chips = torch::randn({kBatch, 3, kSide, kSide}), seed = torch::randn({kBatch, 32});
  const auto net = make_backbone(small("tiny_cnn"));
  const Outcome whole = outcome_of(*net, chips, seed, true, nullptr);
  const Outcome half = outcome_of(*net, chips.narrow(0, 0, 6), seed.narrow(0, 0, 6), true, nullptr);
  EXPECT_GT(relative(half.embeddings, whole.embeddings.narrow(0, 0, 6)), 1e-2);
  EXPECT_EQ(batch_scope().statistics, nullptr);
}

INSTANTIATE_TEST_SUITE_P(All, SharedStatistics,
                         ::testing::Combine(::testing::Values("tiny_cnn", "mobilefacenet", "iresnet18"),
                                            ::testing::Bool()),
                         [](const auto& info) {
                           return std::get<0>(info.param) + (std::get<1>(info.param) ? "_fused" : "_plain");
                         });

}  // namespace
}  // namespace aface
