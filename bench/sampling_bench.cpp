// Weighted draws and changes. One thread. "items" are weights or samples.
#include <benchmark/benchmark.h>

#include <algorithm>

#include "aface/sampling/adaptive_sampler.h"
#include "aface/sampling/weight_tree.h"

namespace aface {
namespace {

constexpr std::int64_t kBatch = 512;

std::vector<std::uint32_t> random_weights(std::int64_t count, Random& random) {
  std::vector<std::uint32_t> weights(static_cast<std::size_t>(count));
  for (auto& weight : weights) weight = static_cast<std::uint32_t>(random.next() >> 34) + 1;
  return weights;
}

void tree_draw(benchmark::State& state) {
  Random random(1);
  const WeightTree tree(random_weights(state.range(0), random));
  for (auto _ : state) benchmark::DoNotOptimize(tree.draw(random));
  state.SetItemsProcessed(state.iterations());
}

void tree_change(benchmark::State& state) {
  Random random(1);
  WeightTree tree(random_weights(state.range(0), random));
  for (auto _ : state) {
    tree.set_weight(static_cast<std::size_t>(random.below(state.range(0))), static_cast<std::uint32_t>(random.next() >> 34));
  }
  benchmark::DoNotOptimize(tree.total());
  state.SetItemsProcessed(state.iterations());
}

// The plain way: cumulative sums made anew for each batch, then one binary search a draw.
void cumulative_sums_batch(benchmark::State& state) {
  Random random(1);
  const std::vector<std::uint32_t> weights = random_weights(state.range(0), random);
  std::vector<std::uint64_t> sums(weights.size());
  for (auto _ : state) {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i < weights.size(); ++i) sums[i] = total += weights[i];
    for (std::int64_t i = 0; i < kBatch; ++i) {
      const auto point = static_cast<std::uint64_t>(random.below(static_cast<std::int64_t>(total)));
      benchmark::DoNotOptimize(std::upper_bound(sums.begin(), sums.end(), point));
    }
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}

// What a training step asks for: a batch without replacement, then its feedback.
void adaptive_step(benchmark::State& state) {
  SamplerOptions options;
  options.kind = "adaptive";
  options.keep_shares = state.range(1) != 0;
  std::vector<std::int64_t> identities(static_cast<std::size_t>(state.range(0)));
  for (std::size_t i = 0; i < identities.size(); ++i) identities[i] = static_cast<std::int64_t>(i / 10);
  AdaptiveSampler sampler(options, identities, identities.back() + 1, 1);
  Random random(2);
  std::vector<SampleFeedback> feedback(kBatch);
  std::int64_t step = 0;
  for (auto _ : state) {
    const std::vector<std::int64_t> ids = sampler.draw(kBatch);
    for (std::size_t i = 0; i < ids.size(); ++i) {
      feedback[i].sample_id = ids[i];
      feedback[i].own_cosine = static_cast<float>(random.uniform());
      feedback[i].correct = feedback[i].own_cosine > 0.4F;
    }
    sampler.take_feedback(feedback, step++);
  }
  state.SetItemsProcessed(state.iterations() * kBatch);
}

BENCHMARK(tree_draw)->Arg(1000000)->Arg(10000000);
BENCHMARK(tree_change)->Arg(1000000)->Arg(10000000);
BENCHMARK(cumulative_sums_batch)->Arg(1000000)->Unit(benchmark::kMicrosecond);
BENCHMARK(adaptive_step)->ArgNames({"", "shares"})->ArgsProduct({{1000000, 10000000}, {0, 1}})->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace aface
