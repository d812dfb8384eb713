// The evaluation engines against what the machine's matrix products allow. "of_fp32_limit" is the time that
// the float32 products of all scores take, made in the same process just before, over the time of the whole
// evaluation: above 1, the evaluation is faster than those products alone.
#include <benchmark/benchmark.h>

#include <chrono>
#include <cmath>
#include <string>
#include <vector>

#include "aface/core/parallel.h"
#include "aface/core/random.h"
#include "aface/eval/blufr.h"
#include "aface/eval/megaface.h"
#include "aface/kernel/inner_products.h"

namespace aface {
namespace {

constexpr std::size_t kDim = 512;

std::vector<float> unit_rows(const std::vector<std::int32_t>& identities, double spread, std::uint64_t seed) {
  std::vector<float> rows(identities.size() * kDim);
  parallel_for(static_cast<std::int64_t>(identities.size()), 256, 0,
               [&](std::int64_t begin, std::int64_t end) {
                 for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i) {
                   Random face(seed, static_cast<std::uint64_t>(identities[i])), photo(seed + 1, i);
                   double squares = 0;
                   for (std::size_t k = 0; k < kDim; ++k) {
                     const double value = face.normal() + spread * photo.normal();
                     rows[i * kDim + k] = static_cast<float>(value);
                     squares += value * value;
                   }
                   for (std::size_t k = 0; k < kDim; ++k)
                     rows[i * kDim + k] /= static_cast<float>(std::sqrt(squares));
                 }
               });
  return rows;
}

// Products of float32 rows a second, all cores, in blocks that stay in the caches.
double fp32_flops() {
  constexpr std::size_t kRows = 256, kColumns = 1024;
  constexpr int kRounds = 64;
  const std::vector<float> a(kRows * kDim, 0.5F), b(kColumns * kDim, 0.25F);
  const auto start = std::chrono::steady_clock::now();
  parallel_for(kRounds, 1, 0, [&](std::int64_t, std::int64_t) {
    std::vector<float> out(kRows * kColumns);
    for (int i = 0; i < 8; ++i)
      inner_products({a.data(), kRows, kDim}, {b.data(), kColumns, kDim}, out.data(), kColumns);
  });
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  return 2.0 * kRows * kColumns * kDim * kRounds * 8 / seconds.count();
}

void report_limit(benchmark::State& state, double scores, double limit) {
  state.counters["scores"] = benchmark::Counter(scores, benchmark::Counter::kIsIterationInvariantRate);
  state.counters["of_fp32_limit"] =
      benchmark::Counter(2 * scores * kDim / limit, benchmark::Counter::kIsIterationInvariantRate);
}

void Megaface(benchmark::State& state) {
  const auto distractors = static_cast<std::size_t>(state.range(0));
  std::vector<std::int32_t> people, strangers;
  for (std::int32_t i = 0; i < 3530; ++i) people.push_back(i / 45);
  for (std::size_t i = 0; i < distractors; ++i) strangers.push_back(static_cast<std::int32_t>(1000 + i));
  const std::vector<float> probe_rows = unit_rows(people, 1.6, 1), rows = unit_rows(strangers, 0, 2);
  const MemoryRows source(RowMatrix{rows.data(), distractors, kDim});
  MegafaceProbes probes;
  probes.rows = {probe_rows.data(), people.size(), kDim};
  probes.identities = people;
  for (std::size_t i = 0; i < people.size(); ++i) probes.paths.push_back(std::to_string(i));
  for (int i = 0; i < 79; ++i) probes.identity_names.push_back(std::to_string(i));
  MegafaceDistractors others;
  others.rows = &source;
  for (std::size_t i = 0; i < distractors; ++i) others.paths.push_back(std::to_string(i));
  MegafaceOptions options;
  options.bootstrap.replicates = 0;
  const double limit = fp32_flops();
  for (auto _ : state) benchmark::DoNotOptimize(evaluate_megaface(probes, others, options));
  report_limit(state, 3530.0 * static_cast<double>(distractors), limit);
}
BENCHMARK(Megaface)
    ->Arg(20000)
    ->Arg(200000)
    ->Arg(1000000)
    ->Unit(benchmark::kSecond)
    ->UseRealTime()
    ->Iterations(1);

// Ten trials with the sizes of BLUFR's.
void Blufr(benchmark::State& state) {
  BlufrLists lists;
  Random random(3);
  lists.identity_count = 5749;
  for (std::int32_t person = 0; person < lists.identity_count; ++person) {
    const std::int64_t images =
        person < 4069 ? 1 : 2 + static_cast<std::int64_t>(4.4 * -std::log(1 - random.uniform()));
    for (std::int64_t i = 0; i < images && lists.names.size() < 13233; ++i) {
      lists.names.push_back(std::to_string(lists.names.size()));
      lists.identities.push_back(person);
    }
  }
  for (int t = 0; t < 10; ++t) {
    BlufrTrial trial;
    std::vector<int> role(static_cast<std::size_t>(lists.identity_count));
    for (std::size_t person = 0; person < role.size(); ++person) {
      role[person] = random.chance(0.74) ? (person >= 4069 && random.chance(0.8) ? 2 : 1) : 0;
    }
    for (std::size_t i = 0; i < lists.names.size(); ++i) {
      int& r = role[static_cast<std::size_t>(lists.identities[i])];
      if (r == 0) continue;
      trial.test.push_back(static_cast<std::int32_t>(i));
      (r == 2 ? trial.gallery : trial.probe).push_back(static_cast<std::int32_t>(i));
      if (r == 2) r = 3;
    }
    lists.trials.push_back(std::move(trial));
  }
  const std::vector<float> rows = unit_rows(lists.identities, 2.6, 4);
  BlufrOptions options;
  options.bootstrap.replicates = state.range(0);
  const double limit = fp32_flops();
  for (auto _ : state) {
    benchmark::DoNotOptimize(evaluate_blufr({{rows.data(), lists.names.size(), kDim}, {}}, lists, options));
  }
  // Every pair once for verification, and the gallery searches of ten trials.
  const double n = static_cast<double>(lists.names.size());
  double scores = n * (n - 1) / 2;
  for (const BlufrTrial& trial : lists.trials) {
    scores += static_cast<double>(trial.gallery.size()) * static_cast<double>(trial.probe.size());
  }
  report_limit(state, scores, limit);
}
BENCHMARK(Blufr)->Arg(0)->Arg(1000)->Unit(benchmark::kSecond)->UseRealTime();

}  // namespace
}  // namespace aface
