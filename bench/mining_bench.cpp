// Neighbour searches and selections on clustered unit prototypes of 256 values. Threads: the benchmark's second
// argument. "items" are prototypes (rebuild) or batch samples (steps).
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>

#include "aface/core/random.h"
#include "aface/kernel/inner_products.h"
#include "aface/mining/class_selector.h"
#include "aface/nearest/exact_index.h"
#include "aface/nearest/graph_index.h"

namespace aface {
namespace {

constexpr std::size_t kDim = 256;
constexpr std::size_t kBatch = 128;
constexpr std::size_t kNeighbours = 31;

// Families of about 20 similar prototypes.
std::vector<float> prototypes_of(std::size_t rows) {
  Random random(1);
  std::vector<float> centres((rows / 20 + 1) * kDim), values(rows * kDim);
  for (float& value : centres) value = static_cast<float>(random.normal());
  for (std::size_t i = 0; i < rows; ++i) {
    double squares = 0;
    for (std::size_t d = 0; d < kDim; ++d) {
      const double value = centres[i / 20 * kDim + d] + 1.5 * random.normal();
      values[i * kDim + d] = static_cast<float>(value);
      squares += value * value;
    }
    for (std::size_t d = 0; d < kDim; ++d) values[i * kDim + d] /= static_cast<float>(std::sqrt(squares));
  }
  return values;
}

RowMatrix matrix_of(const std::vector<float>& rows) { return {rows.data(), rows.size() / kDim, kDim}; }

void exact_neighbours_of_all(benchmark::State& state) {
  const std::vector<float> rows = prototypes_of(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    benchmark::DoNotOptimize(nearest_rows(matrix_of(rows), matrix_of(rows), kNeighbours, static_cast<int>(state.range(1))));
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void graph_neighbours_of_all(benchmark::State& state) {
  const std::vector<float> rows = prototypes_of(static_cast<std::size_t>(state.range(0)));
  IndexOptions options;
  options.threads = static_cast<int>(state.range(1));
  options.parallel_build = state.range(1) > 1;
  std::size_t hits = 0;
  for (auto _ : state) {
    GraphIndex index(options);
    index.build(matrix_of(rows));
    const NeighbourLists found = index.search(matrix_of(rows), kNeighbours);
    state.PauseTiming();
    constexpr std::size_t kChecked = 500;
    const NeighbourLists truth = nearest_rows(matrix_of(rows), {rows.data(), kChecked, kDim}, kNeighbours, 0);
    hits = 0;
    for (std::size_t q = 0; q < kChecked; ++q) {
      for (const std::int32_t id : truth.ids_of(q)) {
        for (const std::int32_t other : found.ids_of(q)) hits += static_cast<std::size_t>(id == other);
      }
    }
    state.counters["recall"] = static_cast<double>(hits) / static_cast<double>(truth.ids.size());
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// A step of each selector at the same budget: select and, where wanted, feedback. Rebuilds are not counted, but made
// before each run, hence the moderate size.
void step_of(benchmark::State& state, const char* kind) {
  const std::vector<float> rows = prototypes_of(static_cast<std::size_t>(state.range(0)));
  MinerOptions options;
  options.kind = kind;
  options.budget = 2000;
  options.rebuild_steps = 1000000000;
  const auto selector = make_class_selector(options, state.range(0), 1, static_cast<int>(state.range(1)));
  if (selector->wants_rebuild(0)) selector->rebuild(0, unit_rows_of(matrix_of(rows)));
  Random random(2);
  std::vector<std::int64_t> identities(kBatch);
  std::vector<float> embeddings(kBatch * kDim), active_rows, cosines;
  std::int64_t step = 0;
  for (auto _ : state) {
    state.PauseTiming();
    for (std::size_t i = 0; i < kBatch; ++i) {
      identities[i] = random.below(state.range(0));
      const float* row = matrix_of(rows).row(static_cast<std::size_t>(identities[i]));
      for (std::size_t d = 0; d < kDim; ++d) {
        embeddings[i * kDim + d] = row[d] + 0.08F * static_cast<float>(random.normal());
      }
    }
    SelectionRequest request;
    request.step = step;
    request.identities = identities;
    request.unit_embeddings = {embeddings.data(), kBatch, kDim};
    state.ResumeTiming();
    const std::vector<std::int64_t> active = selector->select(request);
    if (!selector->needs_feedback()) continue;
    state.PauseTiming();
    active_rows.clear();
    for (const std::int64_t id : active) {
      const float* row = matrix_of(rows).row(static_cast<std::size_t>(id));
      active_rows.insert(active_rows.end(), row, row + kDim);
    }
    cosines.resize(kBatch * active.size());
    inner_products(request.unit_embeddings, {active_rows.data(), active.size(), kDim}, cosines.data(), active.size());
    ScoreFeedback feedback;
    feedback.step = step++;
    feedback.identities = identities;
    feedback.active_ids = active;
    std::vector<std::int64_t> own_columns;
    for (const std::int64_t identity : identities) {
      own_columns.push_back(std::lower_bound(active.begin(), active.end(), identity) - active.begin());
    }
    const Rivals rivals = rivals_in({cosines.data(), kBatch, active.size()}, own_columns);
    const std::vector<float> inverse_lengths(active.size(), 1.0F);
    feedback.rivals = &rivals;
    feedback.prototypes = {active_rows.data(), active.size(), kDim};
    feedback.inverse_lengths = inverse_lengths;
    state.ResumeTiming();
    selector->take_feedback(feedback);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
}

BENCHMARK(exact_neighbours_of_all)
    ->Args({2916, 1})->Args({2916, 2})->Args({50000, 2})->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(graph_neighbours_of_all)
    ->Args({2916, 1})->Args({2916, 2})->Args({50000, 1})->Args({50000, 2})->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK_CAPTURE(step_of, random, "random")->Args({10000, 2})->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(step_of, feature_query, "feature_query")->Args({10000, 2})->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK_CAPTURE(step_of, dominant_queue, "dominant_queue")->Args({10000, 2})->Unit(benchmark::kMicrosecond)->UseRealTime();

}  // namespace
}  // namespace aface
