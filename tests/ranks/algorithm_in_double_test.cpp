// The algorithm of several ranks apart from rounding: the parts that a trainer is made of, in float64, where a step's rounding
// is 1e-16 and no rectifier turns the other way because of it.
#include <ATen/Context.h>
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <sstream>

#include "aface/core/shard.h"
#include "aface/head/head.h"
#include "aface/head/tensor_prototypes.h"
#include "aface/nn/backbone.h"
#include "aface/nn/batch_scope.h"
#include "aface/ranks/communicator.h"
#include "aface/ranks/shared_gradients.h"
#include "aface/train/backbone_sgd.h"
#include "aface/train/whole_batch.h"
#include "tests/support/forked_ranks.h"

namespace aface {
namespace {

constexpr std::int64_t kIdentities = 30, kPhotos = 120, kBatch = 16, kDim = 16, kSteps = 50;
constexpr double kRate = 0.1;

BackboneOptions small_net(double dropout) {
  BackboneOptions options;
  options.kind = "tiny_cnn";
  options.input_size = 32;
  options.embedding_dim = kDim;
  options.width = 4;
  options.dropout = dropout;
  return options;
}

// Fifty steps at an ordinary rate, by what a Trainer does in one: losses, gradient norms, and at the end a sum over weights,
// running statistics, prototypes and margins. `ranks` null: alone.
std::vector<double> train(double dropout, Communicator* ranks) {
  at::set_num_threads(1);
  at::manual_seed(5);
  const Shard mine = ranks ? shard_of(kIdentities, ranks->rank(), ranks->size()) : Shard{0, kIdentities};
  const at::Tensor photos = at::randn({kPhotos, 3, 32, 32}, at::kDouble);
  const std::shared_ptr<Backbone> net = make_backbone(small_net(dropout));
  net->to(at::kDouble);
  net->train();

  OptimizerOptions sgd;
  BackboneSgd optimizer(*net, sgd, 1);
  PrototypeOptions table;
  table.first_identity = mine.first;
  TensorPrototypes prototypes(mine.count(), kDim, 7, table, at::kCPU, at::kDouble);
  HeadOptions head_options;
  head_options.kind = "adaptive_margin";
  head_options.engine = "plain";
  const auto head = make_head(head_options, mine.count(), at::kCPU, kIdentities);
  std::unique_ptr<SharedGradients> shared;
  if (ranks) shared = std::make_unique<SharedGradients>(net->parameters(), *ranks, Communicator::Adding::kAsItComes, 1 << 14);

  std::vector<std::int64_t> own(static_cast<std::size_t>(mine.count())), identities;
  for (std::int64_t i = 0; i < mine.count(); ++i) own[static_cast<std::size_t>(i)] = i;
  for (std::int64_t photo = 0; photo < kPhotos; ++photo) identities.push_back(photo % kIdentities);

  std::vector<double> numbers;
  for (std::int64_t step = 0; step < kSteps; ++step) {
    BatchPlan plan;
    for (std::int64_t i = 0; i < kBatch; ++i) plan.sample_ids.push_back((step * kBatch + 7 * i) % kPhotos);
    const BatchPlan piece = piece_of(plan, ranks);
    Batch batch;
    batch.sample_ids = piece.sample_ids;
    for (const std::int64_t photo : piece.sample_ids) batch.identities.push_back(photo % kIdentities);
    at::Tensor embeddings;
    {
      BatchScope scope;
      scope.statistics = ranks;
      if (ranks) scope.first_row = shard_of(kBatch, ranks->rank(), ranks->size()).first;
      const BatchScopeGuard guard(scope);
      embeddings = net->forward(photos.index_select(0, at::tensor(piece.sample_ids, at::kLong)));
    }
    const WholeBatch whole = gather_batch(batch, embeddings, identities, kBatch, false, ranks);
    HeadInput input;
    input.embeddings = whole.embeddings;
    input.prototypes = prototypes.activate(own);
    input.active_ids = at::tensor(own, at::kLong);
    std::vector<std::int64_t> targets;
    for (const std::int64_t identity : whole.identities)
      targets.push_back(mine.has(identity) ? identity - mine.first : -1);
    input.targets = at::tensor(targets, at::kLong);
    input.ranks = ranks;
    input.step = step;
    const HeadOutput output = head->forward(input);
    output.loss.backward();
    optimizer.forget_gradients();
    if (shared) shared->start();
    spread_gradient(whole, embeddings, ranks);
    if (shared) shared->finish();
    numbers.push_back(output.loss.item<double>());
    numbers.push_back(optimizer.gradient_norm());
    optimizer.step(kRate, 1);
    prototypes.step(kRate, output.prototype_gradient);
    head->update(step, 1);
  }
  const at::NoGradGuard no_grad;
  std::vector<double> sums = {prototypes.rows().abs().sum().item<double>(),
                              head->margins().to(at::kDouble).sum().item<double>()};
  if (ranks) ranks->sum(sums);
  for (const at::Tensor& tensor : net->parameters()) sums.push_back(tensor.abs().sum().item<double>());
  for (const at::Tensor& tensor : net->buffers()) sums.push_back(tensor.to(at::kDouble).abs().sum().item<double>());
  numbers.insert(numbers.end(), sums.begin(), sums.end());
  return numbers;
}

struct Case {
  const char* name;
  double dropout;
  std::vector<int> ranks;
};

class AlgorithmInDouble : public ::testing::TestWithParam<Case> {};

TEST_P(AlgorithmInDouble, GivesTheNumbersOfOneRank) {
  std::vector<std::vector<double>> runs;
  for (const int count : GetParam().ranks) {
    const auto results = test::run_ranks(count, [&](int rank, int port) -> std::string {
      std::unique_ptr<Communicator> ranks;
      if (count > 1) {
        LaunchFlags flags;
        flags.rank = rank, flags.world_size = count, flags.master = fmt::format("127.0.0.1:{}", port);
        ranks = std::make_unique<Communicator>(find_launch_environment(flags));
      }
      std::string text;
      for (const double number : train(GetParam().dropout, ranks.get())) text += fmt::format("{:.17g} ", number);
      return text;
    });
    for (const auto& result : results) ASSERT_EQ(result.exit_code, 0) << result.said;
    std::istringstream text(results[0].said);
    runs.emplace_back();
    for (double number = 0; text >> number;) runs.back().push_back(number);
  }
  const std::vector<double>& alone = runs[0];
  ASSERT_GT(alone.size(), 2U * kSteps + 20);
  EXPECT_LT(alone[2 * (kSteps - 1)], alone[0] - 0.5) << "it has not learnt: nothing was compared";
  for (std::size_t run = 1; run < runs.size(); ++run) {
    ASSERT_EQ(runs[run].size(), alone.size());
    for (std::size_t i = 0; i < alone.size(); ++i) {
      EXPECT_NEAR(runs[run][i], alone[i], 1e-10 * (1 + std::abs(alone[i]))) << run << " number " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ranks, AlgorithmInDouble,
                         ::testing::Values(Case{"TwoAndFour", 0, {1, 2, 4}}, Case{"ThreeWithDropout", 0.4, {1, 3}}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace aface
