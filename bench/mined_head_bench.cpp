// Milliseconds of a classification layer's training step, backbone left out: hard prototype mining against a Partial FC
// layer at sample rate 0.1 (see mined_step.h, partial_fc_step.h), for several numbers of identities, same batches, turn
// by turn.
// Usage: mined_head_bench [--rounds N] [--classes N,N] [--batch N] [--dim N] [--active N] [--threads N]
//                                  [--precision exact|fast] [--skip-partial-fc] [--as-it-comes]
// The sizes that the documentation speaks of are --classes 100000,1000000 and take 17 GB.
// Prints medians over the rounds, and of each round's ratios (smallest and largest in brackets). Memory: 8 bytes per
// value of every table for mining, 16 for Partial FC.
#include <ATen/Functions.h>
#include <ATen/Parallel.h>
#include <fmt/core.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "aface/core/parallel.h"
#include "aface/core/random.h"
#include "apps/adaptiveface/start_up.h"
#include "bench/laps.h"
#include "bench/mined_step.h"
#include "bench/partial_fc_step.h"

namespace aface::bench {
namespace {

struct Options {
  std::int64_t rounds = 9, batch = 256, dim = 512, active = 10000, threads = 0;
  std::vector<std::int64_t> classes{20000, 100000};
  std::string precision = "exact";
  bool with_partial_fc = true;
  bool as_it_comes = false;  // glibc's malloc as it is, instead of as the program adaptiveface sets it
};

// One number of identities: both layers, and what each of their steps took.
struct Contest {
  std::int64_t classes = 0;
  std::unique_ptr<MinedStep> mined;
  std::unique_ptr<PartialFcStep> partial_fc;
  std::vector<Laps> mined_laps, partial_fc_laps;
};

// Embeddings whose cosine to their own prototype lies in 0.1 ... 0.8: most are right, some have rivals.
at::Tensor embeddings_near(const at::Tensor& prototypes, Random& random) {
  at::Tensor rows = prototypes.clone();
  const std::int64_t dim = rows.size(1);
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    const double cosine = random.uniform(0.1, 0.8);
    const double noise = rows[i].norm().item<double>() * std::sqrt((1 / (cosine * cosine) - 1) / static_cast<double>(dim));
    float* row = rows.data_ptr<float>() + i * dim;
    for (std::int64_t j = 0; j < dim; ++j) row[j] += static_cast<float>(noise * random.normal());
  }
  return rows;
}

void run_round(Contest& contest, const Options& options, Random& random, bool counts) {
  constexpr double kRate = 0.1;
  std::vector<std::int64_t> identities(static_cast<std::size_t>(options.batch));
  for (std::int64_t& identity : identities) identity = random.below(contest.classes);
  const at::Tensor embeddings = embeddings_near(contest.mined->rows(identities), random);
  const Laps mined = contest.mined->step(embeddings.clone().requires_grad_(true), identities, kRate);
  if (counts) contest.mined_laps.push_back(mined);
  if (!contest.partial_fc) return;
  const Laps peer = contest.partial_fc->step(embeddings.clone().requires_grad_(true),
                                             at::tensor(identities, at::kLong), kRate);
  if (counts) contest.partial_fc_laps.push_back(peer);
}

void run(const Options& options) {
  if (!options.as_it_comes) set_up_process();
  at::set_num_threads(options.threads > 0 ? static_cast<int>(options.threads) : hardware_threads());
  fmt::print("batch {}, dim {}, {} active prototypes, precision {}, {} threads, {} rounds\n", options.batch, options.dim,
             options.active, options.precision, at::get_num_threads(), options.rounds);
  MinedStepOptions mined;
  mined.budget = options.active;
  mined.queue_length = options.active / options.batch;
  mined.precision = options.precision;
  std::vector<Contest> contests(options.classes.size());
  for (std::size_t i = 0; i < contests.size(); ++i) {
    contests[i].classes = options.classes[i];
    contests[i].mined = std::make_unique<MinedStep>(options.classes[i], options.dim, 1, mined);
    if (options.with_partial_fc) {
      contests[i].partial_fc = std::make_unique<PartialFcStep>(options.classes[i], options.dim, 1, PartialFcOptions());
    }
  }
  constexpr std::int64_t kWarmUps = 2;
  Random random(3);
  for (std::int64_t round = -kWarmUps; round < options.rounds; ++round) {
    for (Contest& contest : contests) run_round(contest, options, random, round >= 0);
  }
  for (const Contest& contest : contests) {
    print_laps(fmt::format("mined       {:>9} identities", contest.classes), contest.mined_laps);
    fmt::print("\n");
    if (!contest.partial_fc) continue;
    print_laps(fmt::format("Partial FC  {:>9} identities", contest.classes), contest.partial_fc_laps);
    fmt::print("\n");
  }
  for (const Contest& contest : contests) {
    if (contest.partial_fc) {
      print_ratio(fmt::format("Partial FC / mined at {} identities", contest.classes), contest.partial_fc_laps,
                  contest.mined_laps);
    }
  }
  for (std::size_t i = 1; i < contests.size(); ++i) {
    print_ratio(fmt::format("mined at {} / at {} identities", contests[i].classes, contests[0].classes),
                contests[i].mined_laps, contests[0].mined_laps);
  }
}

}  // namespace
}  // namespace aface::bench

int main(int argc, char** argv) {
  aface::bench::Options options;
  bool without_partial_fc = false;
  CLI::App app("a classification layer's step: mined against Partial FC");
  app.add_option("--rounds", options.rounds);
  app.add_option("--classes", options.classes)->delimiter(',');
  app.add_option("--batch", options.batch);
  app.add_option("--dim", options.dim);
  app.add_option("--active", options.active);
  app.add_option("--threads", options.threads);
  app.add_option("--precision", options.precision);
  app.add_flag("--skip-partial-fc", without_partial_fc);
  app.add_flag("--as-it-comes", options.as_it_comes);
  CLI11_PARSE(app, argc, argv);
  options.with_partial_fc = !without_partial_fc;
  try {
    aface::bench::run(options);
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
