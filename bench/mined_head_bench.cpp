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

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "aface/core/error.h"
#include "aface/core/parallel.h"
#include "aface/core/random.h"
#include "apps/adaptiveface/start_up.h"
#include "bench/mined_step.h"
#include "bench/partial_fc_step.h"

namespace aface::bench {
namespace {

using Laps = std::map<std::string, double>;

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

double total(const Laps& laps) {
  double sum = 0;
  for (const auto& [part, ms] : laps) sum += ms;
  return sum;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  return values.size() % 2 != 0 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

std::vector<double> totals(const std::vector<Laps>& rounds) {
  std::vector<double> values;
  std::transform(rounds.begin(), rounds.end(), std::back_inserter(values), total);
  return values;
}

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

void print_laps(const std::string& name, std::int64_t classes, const std::vector<Laps>& rounds) {
  const std::vector<double> all = totals(rounds);
  fmt::print("{:<11} {:>9} identities  {:9.1f} ms [{:.1f} .. {:.1f}] ", name, classes, median(all),
             *std::min_element(all.begin(), all.end()), *std::max_element(all.begin(), all.end()));
  for (const auto& [part, ms] : rounds.front()) {
    std::vector<double> values;
    for (const Laps& laps : rounds) values.push_back(laps.at(part));
    fmt::print(" {} {:.1f}", part, median(values));
  }
  fmt::print("\n");
}

// Round by round, so that what disturbs a round disturbs both.
void print_ratio(const std::string& text, const std::vector<Laps>& above, const std::vector<Laps>& below) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < above.size(); ++i) ratios.push_back(total(above[i]) / total(below[i]));
  fmt::print("{}: {:.2f} [{:.2f} .. {:.2f}]\n", text, median(ratios), *std::min_element(ratios.begin(), ratios.end()),
             *std::max_element(ratios.begin(), ratios.end()));
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
    print_laps("mined", contest.classes, contest.mined_laps);
    if (contest.partial_fc) print_laps("Partial FC", contest.classes, contest.partial_fc_laps);
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

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--skip-partial-fc") {
      options.with_partial_fc = false;
      continue;
    }
    if (flag == "--as-it-comes") {
      options.as_it_comes = true;
      continue;
    }
    if (i + 1 == argc) throw Error(ErrorKind::kUsage, "mined_head_bench: " + flag + " wants a value");
    std::istringstream value(argv[++i]);
    if (flag == "--rounds") value >> options.rounds;
    else if (flag == "--batch") value >> options.batch;
    else if (flag == "--dim") value >> options.dim;
    else if (flag == "--active") value >> options.active;
    else if (flag == "--threads") value >> options.threads;
    else if (flag == "--precision") value >> options.precision;
    else if (flag == "--classes") {
      options.classes.clear();
      for (std::string part; std::getline(value, part, ',');) options.classes.push_back(std::stoll(part));
    } else throw Error(ErrorKind::kUsage, "mined_head_bench: no flag " + flag);
  }
  return options;
}

}  // namespace
}  // namespace aface::bench

int main(int argc, char** argv) {
  try {
    aface::bench::run(aface::bench::parse(argc, argv));
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return EXIT_FAILURE;
  }
  return EXIT_SUCCESS;
}
